"""The generator that is served: of a folder that one names, or a cheap one, where the service's own cost shows most."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service import artifact


def arguments(parser: argparse.ArgumentParser) -> None:
    """Let one name it."""
    parser.add_argument("--models", type=Path, help="folder of generators; default: build one of 11 MFLOP a sample")
    parser.add_argument("--generator", default="", help="which of them; default: the only one")


@contextmanager
def chosen(options: argparse.Namespace) -> Iterator[tuple[Path, str, Path]]:
    """The folder, the generator's name and the file of its newest version."""
    with tempfile.TemporaryDirectory() as scratch:
        models = options.models or cheap(Path(scratch)).parents[2]
        name = options.generator or only(models)
        yield models, name, models / name / str(artifact.published_versions(models, name)[-1]) / artifact.FILE_NAME


def cheap(models: Path) -> Path:
    """Publish a generator of 11 MFLOP a sample, about 16,000 samples/s on 2 cores; returns its file."""
    from tests.generators import publish

    return publish(models, "cheap", shape=(28, 28, 1), hidden=6656, latent_size=64)


def only(models: Path) -> str:
    names = sorted(entry.name for entry in models.iterdir() if artifact.published_versions(models, entry.name))
    if len(names) != 1:
        sys.exit(f"error: --generator is needed; {models} has {', '.join(names) or 'none'}")
    return names[0]
