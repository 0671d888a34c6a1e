"""Where files lie: <models>/<generator>/<version>/model.onnx, and how a version is published."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from service.artifact.metadata import NAME, VERSION, ArtifactError
from service.files import DIGEST

Key = tuple[str, int]  # generator, version

FILE_NAME = "model.onnx"
# Beside the file, if its maker wants the bytes checked: what `sha256sum model.onnx` writes.
DIGEST_FILE_NAME = "model.onnx.sha256"
# Beside the versions of a generator, if some of them have names: {"stable": 3, "canary": 4}.
CHANNELS_FILE_NAME = "channels.json"
CHANNELS_LIMIT = 32
# The channel that a request without version and channel gets, where it exists.
STABLE = "stable"

# What protobuf, and so ONNX, can hold in one message.
FILE_BYTES_LIMIT = 2**31 - 1

CHANNEL = re.compile(r"[a-z][a-z0-9._-]{0,31}")


def digest(content: bytes) -> str:
    """SHA-256 of a file's bytes, lower-case hexadecimal: the artifact's identity."""
    return hashlib.sha256(content).hexdigest()


def check_digest(content: bytes, recorded: str) -> None:
    """Raise ArtifactError unless a file's bytes have the digest that its DIGEST_FILE_NAME records.

    recorded: that file's text: 64 hexadecimal digits, then whatever.
    """
    wanted = (recorded.split() or [""])[0].lower()
    if not DIGEST.fullmatch(wanted):
        raise ArtifactError(f"{DIGEST_FILE_NAME} does not begin with 64 hexadecimal digits")
    if digest(content) != wanted:
        raise ArtifactError(f"the file's SHA-256 is {digest(content)}, and {DIGEST_FILE_NAME} says {wanted}")


def channels(text: str) -> dict[str, int]:
    """Version of each channel, as the text of CHANNELS_FILE_NAME says; raises ArtifactError naming the fault."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ArtifactError(f"{CHANNELS_FILE_NAME} is not JSON: {error}") from error
    except RecursionError as error:
        raise ArtifactError(f"{CHANNELS_FILE_NAME} is nested too deeply") from error
    if not isinstance(found, dict) or len(found) > CHANNELS_LIMIT:
        raise ArtifactError(
            f'{CHANNELS_FILE_NAME} must be one object of at most {CHANNELS_LIMIT} channels, like {{"stable": 3}}'
        )
    for name, version in found.items():
        if not CHANNEL.fullmatch(name):
            raise ArtifactError(f"{CHANNELS_FILE_NAME}: channel {name[:64]!r} does not match {CHANNEL.pattern}")
        if type(version) is not int or not VERSION.fullmatch(str(version)):
            raise ArtifactError(
                f"{CHANNELS_FILE_NAME}: channel {name!r} leads to {str(version)[:64]!r}; wanted a version, a whole "
                "number from 1"
            )
    return found


def published_versions(models: Path, name: str) -> list[int]:
    """Versions of a generator that a repository holds, ascending; empty if there are none."""
    folder = models / name
    if not folder.is_dir():
        return []
    # A link counts, though what it leads to be away just now.
    folders = (entry for entry in folder.iterdir() if entry.is_dir() or entry.is_symlink())
    return sorted(int(entry.name) for entry in folders if VERSION.fullmatch(entry.name))


def publish(models: Path, name: str, build: Callable[[int], bytes]) -> Path:
    """Add the next version of a generator to a repository, atomically: readers see all of the file or nothing.

    models: the repository's folder; made if missing.
    build:  gets the version number, returns the file's bytes. Called again with a higher number if another
            process publishes the same version meanwhile.
    returns: path of the new model.onnx.
    """
    if not NAME.fullmatch(name):
        raise ArtifactError(f"generator name {name!r} does not match {NAME.pattern}")
    folder = models / name
    folder.mkdir(parents=True, exist_ok=True)
    version = max(published_versions(models, name), default=0) + 1
    while True:
        # A leading dot: readers take only whole numbers for versions.
        staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder))
        try:
            content = build(version)
            with open(staging / FILE_NAME, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staging.chmod(0o755)
            try:
                # Renaming a folder onto a non-empty one fails, so a taken version is never overwritten.
                staging.rename(folder / str(version))
                return folder / str(version) / FILE_NAME
            except OSError:
                if not (folder / str(version)).exists():
                    raise
                version += 1
        finally:
            shutil.rmtree(staging, ignore_errors=True)
