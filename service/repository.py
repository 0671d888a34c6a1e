"""Finds, verifies and loads artifacts: `<models>/<generator>/<version>/model.onnx`."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.codec import Identity
from service.engine import Engine, Session
from service.errors import DigestMismatch, GeneratorNotFound, GeneratorNotReady, InvalidRequest, choices, quote
from service.metrics import Metrics
from service.scheduler import Queue, Scheduler

log = structlog.get_logger("augmint.repository")

DIGEST = re.compile(r"[0-9a-f]{64}")

# A page that a bulk reader asks for: a few batches, so that the cost of a call is small beside its work, and no more
# than clients and networks swallow at once.
PAGE_BYTES = 2**20
PAGE_SECONDS = 0.25
RESPONSE_BYTES_LIMIT = 2**26


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version that is served."""

    identity: Identity
    message: pb.Generator
    classes: dict[str, int]  # class index of each label
    queue: Queue
    max_samples: int
    preferred_page_samples: int


@dataclass(slots=True)
class _Entry:
    """One version that was found."""

    state: pb.GeneratorState = pb.GENERATOR_STATE_LOADING
    reason: str = ""
    digest: str = ""
    labels: list[str] = field(default_factory=list)
    capacity: float = 0.0
    loaded: Loaded | None = None


class Repository:
    """The versions of a folder, loaded once at start."""

    def __init__(
        self,
        models: Path,
        scheduler: Scheduler,
        metrics: Metrics,
        device: str = "cpu",
        lanes: int = 1,
        max_batch: int = 1024,
        max_samples: int = 16384,
    ) -> None:
        self._models = models
        self._scheduler = scheduler
        self._metrics = metrics
        self._device = device
        self._lanes = lanes
        self._max_batch = max_batch
        self._max_samples = max_samples
        self._entries: dict[tuple[str, int], _Entry] = {}

    def load(self) -> None:
        """Find and load everything. A bad file is recorded with its reason and does not stop the good ones.

        Raises DeviceError if the device cannot be used: then no file can be good.
        """
        found = sorted(self._find())
        self._entries = {key: _Entry() for key in found}
        for name, version in found:
            self._load_one(name, version)

    def _find(self) -> list[tuple[str, int]]:
        found = []
        for folder in _folders(self._models, artifact.NAME.fullmatch, "a generator's name"):
            for version in _folders(folder, artifact.VERSION.fullmatch, "a version, a whole number from 1"):
                found.append((folder.name, int(version.name)))
        return found

    def _load_one(self, name: str, version: int) -> None:
        start = time.perf_counter()
        entry = self._entries[name, version]
        try:
            content = _read(self._models / name / str(version) / artifact.FILE_NAME)
            entry.digest = artifact.digest(content)
            session = Session(content, self._device)
            message = verify(session, name, version)
            entry.labels = list(message.labels)
            engine = Engine(session, self._lanes, self._max_batch)
        except (artifact.ArtifactError, OSError) as error:
            entry.state, entry.reason = pb.GENERATOR_STATE_FAILED, _sentence(error)
            self._metrics.load_failures.labels(
                "artifact" if isinstance(error, artifact.ArtifactError) else "file"
            ).inc()
            log.error("generator refused", generator=name, version=version, reason=entry.reason)
            return
        identity = Identity(name, version, entry.digest)
        capacity = engine.capacity_samples_per_second
        sample_bytes = int(np.prod(engine.sample_shape)) * engine.sample_dtype.itemsize
        most = max(1, min(self._max_samples, RESPONSE_BYTES_LIMIT // sample_bytes))
        entry.loaded = Loaded(
            identity=identity,
            message=message,
            classes={label: index for index, label in enumerate(message.labels)},
            queue=self._scheduler.add(engine, self._metrics.meters(name, version, self._device)),
            max_samples=most,
            preferred_page_samples=min(
                most, max(engine.best_batch, int(min(PAGE_BYTES // sample_bytes, capacity * PAGE_SECONDS)))
            ),
        )
        entry.capacity = capacity
        entry.state = pb.GENERATOR_STATE_READY
        self._metrics.capacity.labels(name, str(version)).set(capacity)
        self._metrics.generator_info.labels(name, str(version), entry.digest).set(1)
        seconds = time.perf_counter() - start
        self._metrics.load_duration.observe(seconds)
        log.info(
            "generator ready",
            generator=name,
            version=version,
            digest=entry.digest,
            seconds=round(seconds, 3),
            samples_per_second=round(capacity),
            batch=engine.best_batch,
            buckets=engine.buckets,
        )

    # -- questions -----------------------------------------------------------------------------------------

    def get(self, name: str, version: int, digest: str = "") -> Loaded:
        """The version that a request means.

        name:    empty for the only generator.
        version: 0 for the default, the highest that is ready.
        digest:  of the file, to be sure; empty for any.

        Raises InvalidRequest, GeneratorNotFound, GeneratorNotReady or DigestMismatch.
        """
        name = name or self._only()
        versions = {number: entry for (other, number), entry in self._entries.items() if other == name}
        if not versions:
            raise GeneratorNotFound(f"no generator {quote(name)}; generators: {choices(self.names()) or 'none'}")
        number = version or self._default(name) or max(versions)
        entry = versions.get(number)
        if entry is None:
            known = choices([str(other) for other in sorted(versions)]).replace("'", "")
            raise GeneratorNotFound(f"generator {quote(name)} has no version {number}; versions: {known}")
        if entry.loaded is None:
            if entry.state == pb.GENERATOR_STATE_LOADING:
                raise GeneratorNotReady(
                    f"version {number} of generator {quote(name)} is being loaded; retry in a moment"
                )
            raise GeneratorNotFound(f"version {number} of generator {quote(name)} was refused: {entry.reason}")
        if digest and digest != entry.digest:
            if not DIGEST.fullmatch(digest):
                raise InvalidRequest(f"digest {quote(digest)} is no SHA-256: 64 lower-case hexadecimal digits")
            raise DigestMismatch(
                f"version {number} of generator {quote(name)} has the digest {entry.digest}, not {digest}"
            )
        return entry.loaded

    def names(self) -> list[str]:
        """Generators of which a version is served, in order; while starting, those found."""
        return sorted({name for (name, _), entry in self._entries.items() if entry.state != pb.GENERATOR_STATE_FAILED})

    def ready(self) -> list[Identity]:
        """All versions that are served, in order of name, then version."""
        return [entry.loaded.identity for entry in self._entries.values() if entry.loaded]

    def statuses(self) -> list[pb.GeneratorStatus]:
        """All versions that were found, in order of name, then version."""
        return [self.status(name, version) for name, version in self._entries]

    def status(self, name: str, version: int) -> pb.GeneratorStatus:
        """State of one version that was found."""
        entry = self._entries[name, version]
        return pb.GeneratorStatus(
            name=name,
            version=version,
            digest=entry.digest,
            state=entry.state,
            reason=entry.reason,
            is_default=version == self._default(name),
            labels=entry.labels,
            capacity_samples_per_second=entry.capacity,
        )

    def _only(self) -> str:
        names = self.names()
        if len(names) == 1:
            return names[0]
        if not names:
            raise GeneratorNotFound("this server has no generator that is ready")
        raise InvalidRequest(f"generator is empty and this server has several: {choices(names)}")

    def _default(self, name: str) -> int:
        """The highest version that is ready; 0 if there is none."""
        return max(
            (version for (other, version), entry in self._entries.items() if other == name and entry.loaded), default=0
        )


def verify(session: Session, name: str, version: int) -> pb.Generator:
    """The metadata of a loaded file that keeps all promises; raises ArtifactError if one is broken.

    name, version: of the folders that it lies in.
    """
    message = artifact.from_json(session.metadata)
    if (message.name, message.version) != (name, version):
        raise artifact.ArtifactError(
            f"the file says that it is {message.name}/{message.version}, and it lies in {name}/{version}"
        )
    artifact.check_signature(message, session.inputs, session.outputs)
    rows = artifact.golden_rows(message)
    samples = _compute(session, rows)
    artifact.check_golden(message, samples)
    for number in range(len(samples)):
        part = slice(number, number + 1)
        alone = artifact.Rows(rows.seed[part], rows.index[part], rows.label[part], rows.truncation[part])
        if _compute(session, alone).tobytes() != samples[part].tobytes():
            raise artifact.ArtifactError(
                f"golden sample {number} alone differs from itself in a batch: neighbours must not matter"
            )
    return message


def _compute(session: Session, rows: artifact.Rows) -> np.ndarray:
    try:
        return session.run(rows)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types
        raise artifact.ArtifactError(f"the graph fails on its golden samples: {_sentence(error)}") from error


def _folders(parent: Path, matches: Callable[[str], object], wanted: str) -> list[Path]:
    """Sub-folders of the wanted kind; the rest is ignored, with a line in the log unless its name begins with a dot."""
    found = []
    for entry in sorted(parent.iterdir()):
        if entry.is_symlink():
            log.warning("ignored", path=str(entry), reason="a symbolic link")
        elif not entry.is_dir() or not matches(entry.name):
            if not entry.name.startswith("."):
                log.warning("ignored", path=str(entry), reason=f"not a folder named like {wanted}")
        else:
            found.append(entry)
    return found


def _read(path: Path) -> bytes:
    """The file's bytes, read once: what is hashed is what runs, even if the file changes."""
    # O_NONBLOCK: a pipe in the file's place must not hang the start.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise artifact.ArtifactError(f"{artifact.FILE_NAME} is not a regular file")
        return file.read()


def _sentence(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no {artifact.FILE_NAME}"
    if isinstance(error, OSError):
        return f"{artifact.FILE_NAME} cannot be read: {error.strerror or error}"
    return " ".join(str(error).split())[:500]
