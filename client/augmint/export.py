"""Writes samples into files, in shards of which each can be made alone, anywhere, again: `augmint export`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from augmint import checks
from augmint.address import Address
from augmint.client import Client
from augmint.errors import InvalidRequest
from augmint.formats import FORMATS, atomic, shard, sweep
from augmint.reading.prefetch import Prefetch
from augmint.reading.source import Source, SourceOptions, explained

MANIFEST = "manifest.json"
MOST_SHARDS = 100_000

# Samples written at once. A function of the sample alone, because it decides where row groups end in a file.
_CHUNK_SAMPLES = 4096
_CHUNK_BYTES = 2**25


@dataclass(frozen=True, slots=True)
class Result:
    """What an export did. made, skipped: numbers of shards (skipped ones were there); files: of both."""

    folder: Path
    manifest: dict[str, Any]
    made: tuple[int, ...]
    skipped: tuple[int, ...]
    files: tuple[str, ...]


@explained
def export(
    target: str | Client,
    folder: str | os.PathLike[str],
    *,
    n: int,
    format: str = "webdataset",
    shards: int = 1,
    only: Sequence[int] | None = None,
    generator: str | None = None,
    advance: Callable[[int, bool], None] = lambda samples, skipped: None,
    **options: Unpack[SourceOptions],
) -> Result:
    """Write n samples into a folder; run it again to go on after an interruption.

    Sample i of the export has index start_index + i and the class that SyntheticDataset gives it, so an export and a
    data set of one seed are the same samples. A shard is a contiguous part; it appears whole or not at all, and its
    bytes depend on nothing but the arguments and the file that the service has. `manifest.json` says where everything
    comes from; a folder with the manifest of another export is refused.

    n:       samples of the whole export. format: "webdataset", "parquet", "npz" or "folder" (one folder per label);
             of tables "csv", "tsv" and "jsonl", too, and their own columns, with types, in "parquet".
    shards:  files, from 1 to 100,000 and at most n. only: numbers, from 0, of those to make now; then seed must be
             given, since the jobs that make the others need the same. Absent: all.
    seed, digest, version: absent, and the folder has a manifest: that one's.
    advance: called with (samples, whether they were there already) as it goes on.
    raises:  MissingExtra and OSError, too, and what `Client.fetch` raises.
    """
    place = Path(folder)
    n = checks.whole("n", n, 1, 2**48)
    shards = checks.whole("shards", shards, 1, min(n, MOST_SHARDS))
    if format not in FORMATS:
        raise InvalidRequest(f"format is {format!r}; it must be one of {', '.join(FORMATS)}")
    if only is not None and options.get("seed") is None:
        raise InvalidRequest("with only some of the shards, give a seed: the jobs that make the others need the same")
    numbers = range(shards) if only is None else [checks.whole("a shard", one, 0, shards - 1) for one in only]
    known = _read(place / MANIFEST)
    if known is not None:
        generator = generator or known["generator"]
        if options.get("seed") is None:
            options["seed"] = known["seed"]
        if options.get("version") is None and options.get("digest") is None:
            options["version"], options["digest"] = known["version"], known["digest"]
    source = Source(target, generator, **options)
    with contextlib.closing(source):
        checks.whole("n", n, 1, source.limit)
        writer, suffix = shard(format, source.description)
        names = [f"{source.description.name}-{one:05d}-of-{shards:05d}{suffix}" for one in range(shards)]
        bounds = [n * one // shards for one in range(shards + 1)]
        manifest = _manifest(source, n, format, names, bounds)
        place.mkdir(parents=True, exist_ok=True)
        _agree(place / MANIFEST, manifest)
        sweep(place)
        made, skipped = [], []
        for number in numbers:
            path, positions = place / names[number], range(bounds[number], bounds[number + 1])
            if path.exists():
                skipped.append(number)
                advance(len(positions), True)
                continue
            _write(writer(path, source.description, len(positions)), source, positions, advance)
            made.append(number)
    return Result(place, manifest, tuple(made), tuple(skipped), tuple(names[number] for number in numbers))


def _write(writer: Any, source: Source, positions: range, advance: Callable[[int, bool], None]) -> None:
    description = source.description
    size = int(np.prod(description.shape)) * description.dtype.itemsize
    chunk = max(1, min(_CHUNK_SAMPLES, _CHUNK_BYTES // size))

    def chunks() -> Iterator[range]:
        for start in range(positions.start, positions.stop, chunk):
            yield range(start, min(start + chunk, positions.stop))

    try:
        # The next samples come while these are encoded.
        with contextlib.closing(Prefetch(chunks(), source.samples, 2)) as arrived:
            for samples in arrived:
                writer.add(samples)
                advance(len(samples), False)
        writer.finish()
    finally:
        writer.abandon()


def _manifest(source: Source, n: int, format: str, names: list[str], bounds: list[int]) -> dict[str, Any]:
    description = source.description
    return {
        **source.identity(),
        "seed": str(source.seed),  # as protobuf's JSON has it: most readers of JSON would round a number
        "n": n,
        "format": format,
        "classes": list(description.labels),
        "sample": {
            "kind": description.kind,
            "dtype": description.dtype.newbyteorder("=").name,
            "shape": list(description.shape),
        },
        "shards": [
            {
                "file": name,
                "first": first,
                "n": end - first,
                "first_address": _address(source, first),
            }
            for name, first, end in zip(names, bounds, bounds[1:], strict=False)
        ],
    }


def _address(source: Source, position: int) -> str:
    description = source.description
    return str(
        Address(
            description.name,
            description.version,
            description.digest,
            source.seed,
            source.start_index + position,
            (int(source.class_indices(np.array([position]))[0]),),
            source.truncation or 1.0,
            source.keep,
            source.of,
        )
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InvalidRequest(f"{path} is no manifest: {error}; remove it or choose another folder") from error
    if not isinstance(content, dict) or not {"generator", "version", "digest", "seed", "shards"} <= set(content):
        raise InvalidRequest(f"{path} is the manifest of something else; choose another folder")
    return {**content, "seed": str(checks.seed(content["seed"]))}  # a number in what older releases wrote


def _agree(path: Path, manifest: dict[str, Any]) -> None:
    """Leave the manifest there, or find that one there is the same; others may do so at the same time."""
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    known = _read(path)
    if known is None:
        # All that share a folder write the same bytes, unless their arguments differ: the check comes after.
        with atomic(path) as file:
            file.write(text.encode())
        known = _read(path)
    manifest = json.loads(text)
    for name, value in manifest.items():
        if known is None or known.get(name) != value:
            there = "nothing" if known is None else str(known.get(name))[:80]
            raise InvalidRequest(
                f"{path.parent} holds another export, whose {name} is {there}, not {str(value)[:80]}: choose another"
            )
