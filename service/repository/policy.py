"""Which versions are kept, and when a file is tried again. No files, no threads, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.artifact import Key
from service.repository.versions import Loaded

# A file that could not be fetched is tried again after this, then twice this, and so on.
RETRY_SECONDS = 5.0
RETRY_LIMIT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Keep:
    """How many versions are held in memory."""

    versions: int = 4  # the highest good ones of each generator, beside those that channels lead to
    retiring: int = 2  # of each generator: those that are not wanted any more and still have readers
    retire_seconds: float = 600.0  # a retiring version is unloaded when no reader has named it for this long

    def wanted(
        self, files: Iterable[Key], channels: Mapping[str, Mapping[str, int]], good: Callable[[Key], bool]
    ) -> list[Key]:
        """What should be in memory: of each generator what the channels lead to, and the highest good versions.

        good: whether a file takes one of the places. A bad one takes none, and is wanted to be listed with its reason.
        returns: in order of name, then from the highest version down.
        """
        wanted: list[Key] = []
        left: dict[str, int] = {}
        for name, version in sorted(files, key=lambda key: (key[0], -key[1])):
            places = left.setdefault(name, self.versions)
            if places > 0 or version in channels.get(name, {}).values():
                wanted.append((name, version))
                left[name] = places - good((name, version))
        return wanted

    def dismissed(self, retiring: Sequence[Loaded], now: float) -> list[Loaded]:
        """Retiring files that no reader has named for long, and those beyond the bound, the longest unnamed first."""
        gone: list[Loaded] = []
        places: dict[str, int] = {}
        for loaded in sorted(retiring, key=lambda other: other.pinned_at, reverse=True):
            name = loaded.identity.name
            places[name] = places.get(name, 0) + 1
            if now - loaded.pinned_at > self.retire_seconds or places[name] > self.retiring:
                gone.append(loaded)
        return gone


@dataclass(slots=True)
class Attempt:
    """The last time that a file was tried."""

    stamp: str
    again_at: float = float("inf")
    wait: float = 0.0

    def due(self, stamp: str, now: float) -> bool:
        """Whether the file is to be tried: it has changed, or it is time."""
        return self.stamp != stamp or now >= self.again_at

    def again(self, now: float, last: Attempt | None) -> None:
        """Have the file tried again, later each time. last: the attempt before."""
        repeated = last is not None and last.stamp == self.stamp and last.wait > 0
        self.wait = min(RETRY_LIMIT_SECONDS, 2 * last.wait) if repeated and last else RETRY_SECONDS
        self.again_at = now + self.wait
