"""Where the files of a repository come from: a folder here, or anything that fsspec reaches.

A scan lists what there is without reading it, and gives every file a stamp that changes with its content.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import fsspec
import structlog

from service import artifact
from service.artifact import Key
from service.files import named, stamp
from service.repository import layout
from service.repository.cache import Cache

log = structlog.get_logger("augmint.sources")

# Packages of the file systems that people use most; fsspec knows many more.
STORES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
EXTRAS = {**STORES, "http": "aiohttp", "https": "aiohttp"}
# aiohttp heeds HTTPS_PROXY and NO_PROXY only if it is told to; s3fs and adlfs do so by themselves.
PROXIES = {
    **{name: {"client_kwargs": {"trust_env": True}} for name in ("http", "https")},
    **{name: {"session_kwargs": {"trust_env": True}} for name in ("gs", "gcs")},
}


class SourceError(RuntimeError):
    """The files cannot be listed or fetched now; the message says which and why. Another time may do."""


@dataclass(slots=True)
class Scan:
    """What there was at one moment."""

    files: dict[Key, str] = field(default_factory=dict)  # stamps
    channels: dict[str, str] = field(default_factory=dict)  # texts of the generators' channels.json


class Source(Protocol):
    """A repository's files."""

    def scan(self) -> Scan:
        """List everything; raises SourceError if that cannot be done in full."""
        ...

    def read(self, key: Key, stamp: str) -> bytes:
        """The bytes of a file, checked against its recorded SHA-256 if there is one.

        Raises SourceError, or artifact.ArtifactError if the bytes are not what was recorded.
        """
        ...

    def advice(self) -> str:
        """What is wrong with a source in which nothing was found, and what would be right."""
        ...


def open_source(models: str, cache: Cache | None = None) -> Source:
    """The source that a setting names: a path, or a URL such as s3://bucket/models; raises SourceError.

    cache: keeps what was fetched from elsewhere.
    """
    protocol, separator, path = models.partition("://")
    if not separator:
        return Folder(Path(models))
    if protocol == "file":
        return Folder(Path(path))
    return Remote(models, cache)


class Folder:
    """A folder on this machine. Links are followed, wherever they lead: what is read is checked, not where it lies."""

    def __init__(self, models: Path) -> None:
        self._models = models
        self._ignored: set[Path] = set()

    def scan(self) -> Scan:
        scan = Scan()
        try:
            if not self._models.is_dir():
                raise SourceError(layout.missing(self._models))
            for folder in self._folders(self._models, artifact.NAME.fullmatch, "a generator's name"):
                for version in self._folders(
                    folder, artifact.VERSION.fullmatch, "a version, a whole number from 1", artifact.CHANNELS_FILE_NAME
                ):
                    scan.files[folder.name, int(version.name)] = self._stamps(version)
                try:
                    text = _text(folder / artifact.CHANNELS_FILE_NAME)
                except (artifact.ArtifactError, SourceError) as error:
                    raise SourceError(f"{folder}: {error}") from error
                if text is not None:
                    scan.channels[folder.name] = text
        except OSError as error:
            path = Path(os.fsdecode(error.filename)) if error.filename else self._models
            raise SourceError(f"{path.parent / named(path)} cannot be listed: {error.strerror or error}") from error
        return scan

    def read(self, key: Key, stamp: str) -> bytes:
        folder = self._models / key[0] / str(key[1])
        try:
            content = _read(folder / artifact.FILE_NAME)
            recorded = _text(folder / artifact.DIGEST_FILE_NAME)
            if recorded is not None:
                artifact.check_digest(content, recorded)
        except artifact.ArtifactError as error:
            if self._stamps(folder) != stamp:
                # E.g. Kubernetes has swapped the link to a volume's files between the two reads.
                raise SourceError(f"{artifact.FILE_NAME} changed while it was read; it is read again") from error
            raise
        except FileNotFoundError as error:
            other = sorted(folder.glob("*.onnx"))
            called = f"; {other[0].name} is, and has to be called {artifact.FILE_NAME}" if other else ""
            raise SourceError(f"there is no {artifact.FILE_NAME}{called}") from error
        except OSError as error:
            raise SourceError(f"{artifact.FILE_NAME} cannot be read: {error.strerror or error}") from error
        return content

    def advice(self) -> str:
        found = list(layout.walk(self._models))
        for path, there in found:
            if not there:
                return f"{path.parent / named(path)} leads nowhere"
        return layout.advice(str(self._models), [path.relative_to(self._models).parts for path, _ in found])

    def _stamps(self, version: Path) -> str:
        return f"{stamp(version / artifact.FILE_NAME)} {stamp(version / artifact.DIGEST_FILE_NAME)}"

    def _folders(self, parent: Path, matches: Callable[[str], object], wanted: str, beside: str = "") -> list[Path]:
        """Sub-folders of the wanted kind; the rest is ignored, with a line in the log unless it begins with a dot or is
        there to be read by people.

        beside: a file that may lie there too.
        """
        found = []
        for entry in sorted(parent.iterdir()):
            if matches(entry.name) and entry.is_symlink() and not entry.exists():
                self._ignore(entry, f"{named(entry)} leads nowhere")
            elif not entry.is_dir() or not matches(entry.name):
                if not entry.name.startswith((".", "README", "LICENSE")) and entry.name != beside:
                    parts = (*entry.relative_to(self._models).parts, artifact.FILE_NAME)
                    hint = layout.misplaced(str(self._models), parts) if (entry / parts[-1]).exists() else ""
                    self._ignore(entry, hint or f"not a folder named like {wanted}")
            else:
                found.append(entry)
        return found

    def _ignore(self, path: Path, reason: str) -> None:
        if path not in self._ignored:  # once, not at every scan
            self._ignored.add(path)
            log.warning("ignored", path=str(path), reason=reason)


class Remote:
    """Anything that fsspec reaches, e.g. a bucket."""

    def __init__(self, url: str, cache: Cache | None = None) -> None:
        self._url = url.rstrip("/")
        url = shown(url)
        self._cache = cache
        self._protocol = self._url.partition("://")[0]
        try:
            self._fs, root = fsspec.core.url_to_fs(self._url, **PROXIES.get(self._protocol, {}))
        except ImportError as error:
            package = EXTRAS.get(self._protocol)
            help = f"`pip install {package}`" if package else "its fsspec package"
            raise SourceError(f"{url} needs {help}: {error}") from error
        except Exception as error:  # every file system has its own types
            known = ", ".join(sorted(EXTRAS))
            raise SourceError(f"{url} cannot be opened: {_sentence(error)}; {known} and a path are usual") from error
        self._root = root.rstrip("/")

    def scan(self) -> Scan:
        scan = Scan()
        try:
            # fsspec would answer with an old listing.
            self._fs.invalidate_cache()
            listing = self._list()
            records = {}
            for path, facts in listing.items():
                match path.removeprefix(self._root).strip("/").split("/"):
                    case [name, version, artifact.FILE_NAME] if _is_place(name, version):
                        scan.files[name, int(version)] = self._stamp(path, facts)
                    case [name, version, artifact.DIGEST_FILE_NAME] if _is_place(name, version):
                        records[name, int(version)] = self._stamp(path, facts)
                    case [name, artifact.CHANNELS_FILE_NAME] if artifact.NAME.fullmatch(name):
                        scan.channels[name] = self._fs.cat_file(path)[: 2**20].decode(errors="replace")
        except Exception as error:  # as above
            raise SourceError(f"{shown(self._url)} cannot be listed: {_sentence(error)}") from error
        for key, record in records.items():
            if key in scan.files:
                scan.files[key] += f" {record}"
        return scan

    def read(self, key: Key, stamp: str) -> bytes:
        folder = f"{self._root}/{key[0]}/{key[1]}"
        try:
            recorded = None
            if self._fs.exists(f"{folder}/{artifact.DIGEST_FILE_NAME}"):
                recorded = self._fs.cat_file(f"{folder}/{artifact.DIGEST_FILE_NAME}")[:4096].decode(errors="replace")
            label = hashlib.sha256(f"{self._url}\n{key}\n{stamp}".encode()).hexdigest()
            content = self._cache.get(label) if self._cache else None
            if content is None:
                content = self._fetch(f"{folder}/{artifact.FILE_NAME}")
                if self._cache:
                    self._cache.put(label, content)
        except artifact.ArtifactError:
            raise
        except Exception as error:  # as above
            raise SourceError(f"{folder}/{artifact.FILE_NAME} cannot be fetched: {_sentence(error)}") from error
        if recorded is not None:
            artifact.check_digest(content, recorded)
        return content

    def advice(self) -> str:
        try:
            paths = list(self._list(layout.DEPTH))
        except Exception as error:  # as above
            return f"it cannot be listed: {_sentence(error)}"
        parts = [path.removeprefix(self._root).strip("/").split("/") for path in paths[: layout.ENTRIES]]
        return layout.advice(shown(self._url), parts)

    def _list(self, depth: int = 3) -> Mapping[str, Mapping[str, Any]]:
        """What is known of each file, by its path; raises if any folder cannot be listed."""
        if self._protocol in STORES:
            files: dict[str, dict[str, Any]] = self._fs.find(self._root, detail=True)  # one call, whatever the depth
            return files
        # `find` would leave out a folder that fails, and its versions would seem to be gone.
        walk = self._fs.walk(self._root, maxdepth=depth, detail=True, on_error="raise")
        return {facts["name"]: facts for _, _, files in walk for facts in files.values()}

    def _fetch(self, path: str) -> bytes:
        size = self._fs.info(path).get("size")
        _check_size(size or 0)
        content: bytes = self._fs.cat_file(path)
        if size is not None and len(content) != size:
            raise OSError(f"{len(content)} of {size} bytes came")
        return content

    def _stamp(self, path: str, facts: Mapping[str, Any]) -> str:
        """What changes with the content: a tag of the store's own, or times and size."""
        if facts.get("size") is None:
            facts = {**facts, **self._fs.info(path)}  # a listing over HTTP knows names only
        names = (
            "ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "Digest", "generation", "version_id", "VersionId",
            "Last-Modified", "LastModified", "last_modified", "updated", "mtime", "created", "size",
        )  # fmt: skip
        return " ".join(f"{name}={facts[name]}" for name in names if facts.get(name) is not None)


def _is_place(name: str, version: str) -> bool:
    return bool(artifact.NAME.fullmatch(name) and artifact.VERSION.fullmatch(version))


def _text(path: Path) -> str | None:
    """A small file's text; None if there is none."""
    try:
        return _read(path, 2**20).decode(errors="replace")
    except FileNotFoundError:
        return None


def _read(path: Path, limit: int = artifact.FILE_BYTES_LIMIT) -> bytes:
    """The file's bytes, read once: what is hashed is what runs, even if the file changes.

    Raises FileNotFoundError if there is nothing, SourceError if there is a link that leads nowhere, ArtifactError if it
    is no file, and other OSErrors.
    """
    try:
        # Checked before it is opened: opening a device may have effects.
        if not stat.S_ISREG(path.stat().st_mode):
            raise artifact.ArtifactError(f"{named(path)} is not a regular file")
        # O_NONBLOCK: a pipe in the file's place must not hang the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if not path.is_symlink():
            raise
        told = {errno.ENOENT: "leads nowhere", errno.ELOOP: "leads in a circle"}
        reason = told.get(error.errno or 0, f"cannot be read: {error.strerror or error}")
        raise SourceError(f"{named(path)} {reason}") from error
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise artifact.ArtifactError(f"{named(path)} is not a regular file")
        _check_size(facts.st_size, limit)
        return file.read()


def _check_size(size: int, limit: int = artifact.FILE_BYTES_LIMIT) -> None:
    if size > limit:
        raise artifact.ArtifactError(f"the file has {size} bytes; at most {limit} can be loaded")


def shown(text: str) -> str:
    """A text with URLs in it for messages and logs: without the passwords that some have."""
    return re.sub(r"://[^/@\s]*@", "://***@", text)


def _sentence(error: Exception) -> str:
    return shown(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
