"""Which versions of which generators there are, and which of them a request means. No files, no threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.artifact import Key
from service.errors import DigestMismatch, GeneratorNotFound, GeneratorNotReady, InvalidRequest, choices, quote
from service.files import DIGEST
from service.scheduling.queue import Queue


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file made the samples."""

    name: str
    version: int
    digest: str


@dataclass(eq=False, slots=True)
class Loaded:
    """One file that is served."""

    identity: Identity
    message: pb.Generator
    classes: dict[str, int]  # class index of each label
    queue: Queue
    max_samples: int
    preferred_page_samples: int
    capacity: float  # samples per second
    # Of samples that a caller sends: which value their kind cannot mean, as a sentence, or "".
    fault: Callable[[np.ndarray], str] = lambda values: ""
    pinned_at: float = -math.inf  # when a reader last named its version or digest; seconds of the repository's clock


@dataclass(eq=False, slots=True)
class Entry:
    """What became of the file of one version."""

    digest: str = ""
    labels: list[str] = field(default_factory=list)
    loaded: Loaded | None = None
    reason: str = ""  # why the file was refused; with `loaded`, the file that should replace it

    @property
    def state(self) -> pb.GeneratorState:
        if self.loaded:
            return pb.GENERATOR_STATE_READY
        return pb.GENERATOR_STATE_FAILED if self.reason else pb.GENERATOR_STATE_LOADING


class Versions:
    """A snapshot. What requests ask for often is looked up in one table."""

    def __init__(
        self,
        entries: Mapping[Key, Entry],
        retiring: Iterable[Loaded] = (),
        channels: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        """entries:  of the files that are there.
        retiring: files that are not wanted any more and still have readers, the latest last.
        channels: version of each channel of each generator; may name versions that are not there.
        """
        self._entries = dict(sorted(entries.items()))
        self._retiring = list(retiring)
        self._channels: dict[str, dict[str, int]] = {}
        self._defaults: dict[str, int] = {}  # generators with a version that is served
        self._routes: dict[tuple[str, int | str], Loaded] = {}  # by version (0: default) or channel
        self._digests: dict[tuple[str, str], Loaded] = {}
        for loaded in self._retiring:
            self._routes[loaded.identity.name, loaded.identity.version] = loaded
            self._digests[loaded.identity.name, loaded.identity.digest] = loaded
        for (name, version), entry in self._entries.items():
            if entry.loaded:
                self._routes[name, version] = entry.loaded
                self._digests[name, entry.loaded.identity.digest] = entry.loaded
        for name in {name for name, _ in self._entries}:
            self._route(name, (channels or {}).get(name, {}))

    def _route(self, name: str, channels: Mapping[str, int]) -> None:
        """Where the channels and the default of a generator lead."""
        ready = sorted(version for (other, version), entry in self._entries.items() if other == name and entry.loaded)
        self._channels[name] = {}
        for channel, version in sorted(channels.items()):
            # The next best is the version below. This depends on the files alone, so all replicas choose alike.
            best = max((number for number in ready if number <= version), default=0)
            self._channels[name][channel] = best
            if best:
                self._routes[name, channel] = self._routes[name, best]
        default = self._channels[name].get(artifact.STABLE, ready[-1] if ready else 0)
        if ready:
            self._defaults[name] = default
        if default:
            self._routes[name, 0] = self._routes[name, default]

    def get(self, name: str, version: int = 0, digest: str = "", channel: str = "", now: float = 0.0) -> Loaded:
        """The file that a request means.

        name:    empty for the only generator.
        version: 0 for that of the channel, or the default.
        digest:  of the file, to be sure; empty for any.
        channel: empty for none.
        now:     seconds; noted with the file if the request names its version or digest.

        Raises InvalidRequest, GeneratorNotFound, GeneratorNotReady or DigestMismatch.
        """
        if version and channel:
            raise InvalidRequest(f"version {version} and channel {quote(channel)} are both given; give one of them")
        name = name or self._only()
        found = self._routes.get((name, channel or version))
        if digest and (found is None or found.identity.digest != digest):
            other = self._digests.get((name, digest))
            if other is not None and not channel and version in (0, other.identity.version):
                found = other
            elif found is not None:
                raise _mismatch(found.identity, digest)
        if found is None:
            raise self._missing(name, version, channel)
        if version or digest:
            found.pinned_at = now
        return found

    def names(self) -> list[str]:
        """Generators of which a version is served, in order; while starting, those found."""
        return sorted({name for (name, _), entry in self._entries.items() if entry.state != pb.GENERATOR_STATE_FAILED})

    def ready(self) -> list[Identity]:
        """All files that are served and wanted, in order of name, then version."""
        return [entry.loaded.identity for entry in self._entries.values() if entry.loaded]

    def statuses(self) -> list[pb.GeneratorStatus]:
        """All files, in order of name, then version."""
        rows = [self.status(*key) for key in self._entries]
        rows += [self._status(loaded, pb.GENERATOR_STATE_RETIRING) for loaded in self._retiring]
        return sorted(rows, key=lambda row: (row.name, row.version))

    def status(self, name: str, version: int, digest: str = "") -> pb.GeneratorStatus:
        """State of one version; of its retiring file if that has the digest."""
        loaded = self._digests.get((name, digest))
        entry = self._entries.get((name, version))
        if loaded and not (entry and entry.loaded is loaded):
            return self._status(loaded, pb.GENERATOR_STATE_RETIRING)
        if entry is None:
            raise self._missing(name, version, "")
        if entry.loaded:
            return self._status(entry.loaded, pb.GENERATOR_STATE_READY, entry.reason)
        return pb.GeneratorStatus(
            name=name, version=version, digest=entry.digest, state=entry.state, reason=entry.reason, labels=entry.labels
        )

    def _status(self, loaded: Loaded, state: pb.GeneratorState, reason: str = "") -> pb.GeneratorStatus:
        name, version = loaded.identity.name, loaded.identity.version
        wanted = state == pb.GENERATOR_STATE_READY
        return pb.GeneratorStatus(
            name=name,
            version=version,
            digest=loaded.identity.digest,
            state=state,
            reason=reason,
            is_default=wanted and version == self._defaults.get(name),
            labels=loaded.message.labels,
            capacity_samples_per_second=loaded.capacity,
            channels=[label for label, number in self._channels.get(name, {}).items() if wanted and number == version],
        )

    def _only(self) -> str:
        names = self.names()
        if len(names) == 1:
            return names[0]
        if not names:
            raise GeneratorNotFound("this server has no generator that is ready")
        raise InvalidRequest(f"generator is empty and this server has several: {choices(names)}")

    def _missing(self, name: str, version: int, channel: str) -> Exception:
        """Why there is nothing to serve, as precisely as the request was."""
        versions = {number: entry for (other, number), entry in self._entries.items() if other == name}
        if not versions:
            known = choices(self.names(), instead_of=name) or "none"
            return GeneratorNotFound(f"no generator {quote(name)}; generators: {known}")
        channels = self._channels.get(name, {})
        if channel and channel not in channels:
            known = choices(list(channels)) or "none"
            return GeneratorNotFound(f"generator {quote(name)} has no channel {quote(channel)}; channels: {known}")
        if any(entry.state == pb.GENERATOR_STATE_LOADING for entry in versions.values()) and (
            not version or (version in versions and versions[version].state == pb.GENERATOR_STATE_LOADING)
        ):
            return GeneratorNotReady(f"generator {quote(name)} is being loaded; retry in a moment")
        if channel or (not version and name in self._defaults):
            return GeneratorNotFound(
                f"the version of channel {quote(channel or artifact.STABLE)} of generator {quote(name)} cannot be "
                "served, and none below it"
            )
        number = version or max(versions)
        if number not in versions:
            known = choices([str(other) for other in sorted(versions)]).replace("'", "")
            return GeneratorNotFound(f"generator {quote(name)} has no version {number}; versions: {known}")
        return GeneratorNotFound(f"version {number} of generator {quote(name)} was refused: {versions[number].reason}")


def _mismatch(identity: Identity, digest: str) -> Exception:
    if not DIGEST.fullmatch(digest):
        return InvalidRequest(f"digest {quote(digest)} is no SHA-256: 64 lower-case hexadecimal digits")
    return DigestMismatch(
        f"version {identity.version} of generator {quote(identity.name)} has the digest {identity.digest}, not {digest}"
    )
