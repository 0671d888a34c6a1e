"""Keeps what is served in step with what the models' source holds."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

import structlog

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.artifact import Key
from service.metrics import Metrics
from service.periodic import every
from service.repository.drift import Drift
from service.repository.loader import Loader, page_sizes
from service.repository.policy import Attempt, Keep
from service.repository.sources import Scan, Source, SourceError
from service.repository.versions import Entry, Identity, Loaded, Versions
from service.runtime.device import DeviceError
from service.scheduling.scheduler import Scheduler

log = structlog.get_logger("augmint.repository")


class Repository:
    """The generators of a source.

    `load` once, then `refresh` whenever the source may have changed: one thread at a time. Questions are answered from
    any thread meanwhile, from a snapshot that is replaced as a whole.
    """

    def __init__(
        self,
        source: Source,
        loader: Loader,
        scheduler: Scheduler,
        metrics: Metrics,
        max_samples: int = 16384,
        keep: Keep = Keep(),
        clock: Callable[[], float] = time.monotonic,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        """
        max_samples: of one call.
        clock:       seconds, never going back.
        tidy:        called when files have been loaded, refused or unloaded, which leaves much memory unused.
        """
        self._source = source
        self._loader = loader
        self._scheduler = scheduler
        self._metrics = metrics
        self._max_samples = max_samples
        self._keep = keep
        self._clock = clock
        self._tidy = tidy
        self._untidy = False
        self._entries: dict[Key, Entry] = {}
        self._attempts: dict[Key, Attempt] = {}
        self._seen: dict[Key, str] = {}  # stamps of the scan before
        self._channels: dict[str, dict[str, int]] = {}
        self._channel_texts: dict[str, str] = {}
        self._retiring: list[Loaded] = []
        self._problem = ""
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self._versions = Versions({})

    # -- life cycle ----------------------------------------------------------------------------------------

    def load(self) -> None:
        """Load what there is. A bad file is recorded with its reason and does not stop the good ones.

        Raises SourceError if the source cannot be listed, DeviceError if the device cannot be used: then no file can
        be good.
        """
        scan = self._source.scan()
        self._metrics.last_scan.set_to_current_time()
        self._follow_channels(scan)
        self._entries = {key: Entry() for key in self._wanted(scan)}
        self._show()
        self._bring_in(scan, lambda key, stamp: True)
        self._tidy_up()

    def refresh(self) -> None:
        """Look at the source again: load what is new beside what runs, then let go of what is not wanted any more.

        A file is loaded when two scans in a row have seen it alike, so that one that is being written is left alone.
        Nothing that goes wrong here disturbs what is served.
        """
        try:
            scan = self._source.scan()
            if not scan.files and self._versions.ready():
                # A folder that was not mounted again, a bucket whose name was mistyped: never intended.
                raise SourceError("all generators are gone at once; going on with those that are loaded")
        except SourceError as error:
            self._metrics.scan_failures.inc()
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("models cannot be looked at", reason=self._problem)
            return
        self._problem = ""
        self._metrics.last_scan.set_to_current_time()
        self._dismiss()  # those that retired before this scan: no request can be on its way to them
        self._follow_channels(scan)
        settled = {key for key, stamp in scan.files.items() if self._seen.get(key) == stamp}
        self._seen = dict(scan.files)
        self._bring_in(scan, lambda key, stamp: key in settled)
        self._retire(scan)
        self._show()
        self._tidy_up()

    def watch(self, seconds: float, changed: Callable[[], None]) -> None:
        """Refresh again and again, in a thread of its own, until closed.

        seconds: from the end of one refresh to the next.
        changed: called after each refresh, in that thread.
        """

        def look() -> None:
            try:
                self.refresh()
            except Exception:  # our bug, and no reason to stop looking
                self._metrics.scan_failures.inc()
                log.exception("refresh failed")
            changed()

        self._watcher = every(seconds, look, self._closing, "watcher")

    def close(self, seconds: float = 10.0) -> None:
        """Stop watching; wait at most this long for a file that is being loaded."""
        self._closing.set()
        if self._watcher:
            self._watcher.join(seconds)

    # -- questions -----------------------------------------------------------------------------------------

    def get(self, name: str, version: int = 0, digest: str = "", channel: str = "") -> Loaded:
        """The file that a request means; see Versions.get."""
        return self._versions.get(name, version, digest, channel, self._clock())

    def names(self) -> list[str]:
        """See Versions.names."""
        return self._versions.names()

    def ready(self) -> list[Identity]:
        """See Versions.ready."""
        return self._versions.ready()

    def statuses(self) -> list[pb.GeneratorStatus]:
        """See Versions.statuses."""
        return self._versions.statuses()

    def status(self, name: str, version: int, digest: str = "") -> pb.GeneratorStatus:
        """See Versions.status."""
        return self._versions.status(name, version, digest)

    # -- inside --------------------------------------------------------------------------------------------

    def _wanted(self, scan: Scan, hopeful: bool = True) -> list[Key]:
        """See Keep.wanted.

        hopeful: whether a file that was not tried yet counts as good. It must not drive out one that is.
        """

        def good(key: Key) -> bool:
            entry, attempt = self._entries.get(key), self._attempts.get(key)
            if entry and entry.loaded:
                return True
            refused = entry and attempt and attempt.stamp == scan.files[key]
            return hopeful and not refused

        return self._keep.wanted(scan.files, self._channels, good)

    def _bring_in(self, scan: Scan, settled: Callable[[Key, str], bool]) -> None:
        """Load what is wanted and new. Each bad file makes room for the next lower version."""

        def next_one() -> Key | None:
            for key in self._wanted(scan):
                attempt, stamp = self._attempts.get(key), scan.files[key]
                if (attempt is None or attempt.due(stamp, self._clock())) and settled(key, stamp):
                    return key
            return None

        while not self._closing.is_set() and (key := next_one()):
            self._load_one(key, scan.files[key])
            self._show()

    def _load_one(self, key: Key, stamp: str) -> None:
        """Try a file: what came of it stands in its entry."""
        self._untidy = True
        entry = self._entries.setdefault(key, Entry())
        last = self._attempts.get(key)
        attempt = self._attempts[key] = Attempt(stamp)
        start = time.perf_counter()
        try:
            content = self._source.read(key, stamp)
            digest = artifact.digest(content)
            seconds = {"read": time.perf_counter() - start}
            if entry.loaded and entry.loaded.identity.digest == digest:
                entry.reason = ""  # touched, and the same; or put back after a bad one
                return
            entry.digest = digest
            loaded = self._back(key, digest) or self._make(Identity(*key, digest), content, seconds)
        except (artifact.ArtifactError, SourceError, DeviceError) as error:
            if isinstance(error, DeviceError) and not self._versions.ready():
                raise
            if isinstance(error, SourceError):
                attempt.again(self._clock(), last)
            self._refuse(key, entry, error)
        except Exception as error:  # a device without memory, say: what runs must go on
            log.exception("loading failed", generator=key[0], version=key[1])
            self._refuse(key, entry, error)
        else:
            self._serve(entry, loaded, sum(seconds.values()))

    def _make(self, identity: Identity, content: bytes, seconds: dict[str, float]) -> Loaded:
        """Load a file and give it a queue. seconds: of the phases so far; those of this are added."""
        name, version = identity.name, identity.version
        message, engine, phases = self._loader.load(content, name, version)
        seconds |= phases
        observer = Drift(engine, len(message.labels), self._metrics.outputs(name, version))
        most, page = page_sizes(engine, self._max_samples)
        loaded = Loaded(
            identity=identity,
            message=message,
            classes={label: index for index, label in enumerate(message.labels)},
            queue=self._scheduler.add(engine, self._metrics.meters(name, version, self._loader.device), observer),
            max_samples=most,
            preferred_page_samples=page,
            capacity=engine.capacity_samples_per_second,
            fault=artifact.checker(message.sample),
        )
        self._metrics.generator_info.labels(name, str(version), identity.digest).set(1)
        for phase, took in seconds.items():
            self._metrics.load_duration.labels(phase).observe(took)
        return loaded

    def _serve(self, entry: Entry, loaded: Loaded, seconds: float) -> None:
        """Put a file in the place of its version; the one that was there retires."""
        if entry.loaded:
            self._retiring.append(entry.loaded)
        entry.loaded, entry.reason, entry.labels = loaded, "", list(loaded.message.labels)
        # The gauge is part of a cycle of references, and would else keep a closed engine until it is collected.
        serving = weakref.ref(loaded.queue.engine)

        def capacity() -> float:
            runs = serving()
            return runs.capacity_samples_per_second if runs else 0.0

        identity, engine = loaded.identity, loaded.queue.engine
        self._metrics.capacity.labels(identity.name, str(identity.version)).set_function(capacity)
        log.info(
            "generator ready",
            generator=identity.name,
            version=identity.version,
            digest=identity.digest,
            seconds=round(seconds, 3),
            samples_per_second=round(loaded.capacity),
            batch=engine.best_batch,
            transforms_per_second=round(loaded.capacity / engine.transform_cost) if engine.transform_batch else 0,
        )

    def _back(self, key: Key, digest: str) -> Loaded | None:
        """A file that is retiring and wanted again."""
        for loaded in self._retiring:
            if loaded.identity == Identity(*key, digest):
                self._retiring.remove(loaded)
                return loaded
        return None

    def _refuse(self, key: Key, entry: Entry, error: Exception) -> None:
        entry.reason = " ".join(str(error).split())[:500] or type(error).__name__
        self._metrics.load_failures.labels(_kind(error)).inc()
        log.error(
            "generator refused",
            generator=key[0],
            version=key[1],
            reason=entry.reason,
            **({"still_served": entry.loaded.identity.digest} if entry.loaded else {}),
        )

    def _follow_channels(self, scan: Scan) -> None:
        for name in {*scan.channels, *self._channel_texts}:
            text = scan.channels.get(name)
            if text == self._channel_texts.get(name):
                continue
            if text is None:
                del self._channel_texts[name]
                self._channels.pop(name, None)
                log.info("no channels any more", generator=name)
                continue
            self._channel_texts[name] = text
            try:
                self._channels[name] = artifact.channels(text)
                log.info("channels", generator=name, channels=self._channels[name])
            except artifact.ArtifactError as error:
                self._metrics.load_failures.labels("channels").inc()
                log.error("channels refused; the last good ones stay", generator=name, reason=str(error))

    def _retire(self, scan: Scan) -> None:
        """Let go of what is not wanted any more: at once if no reader pinned it, else when none has for a while."""
        wanted = set(self._wanted(scan, hopeful=False))
        for key in set(self._entries) - wanted:
            loaded = self._entries.pop(key).loaded
            self._attempts.pop(key, None)
            if loaded:
                self._retiring.append(loaded)
                log.info("generator retires", generator=key[0], version=key[1], digest=loaded.identity.digest)
        for key in set(self._attempts) - wanted:
            del self._attempts[key]

    def _dismiss(self) -> None:
        """Unload what has retired and is not needed any more."""
        for loaded in self._keep.dismissed(self._retiring, self._clock()):
            name, version = loaded.identity.name, loaded.identity.version
            self._untidy = True
            self._retiring.remove(loaded)
            self._show()  # no request finds it from here on
            self._scheduler.remove(loaded.queue)
            self._metrics.generator_info.remove(name, str(version), loaded.identity.digest)
            others = [*self._versions.ready(), *(rest.identity for rest in self._retiring)]
            if (name, version) not in {(other.name, other.version) for other in others}:
                self._metrics.forget(name, version)
            log.info("generator unloaded", generator=name, version=version, digest=loaded.identity.digest)

    def _tidy_up(self) -> None:
        if self._untidy:
            self._untidy = False
            self._tidy()

    def _show(self) -> None:
        """Answer questions by what is known now."""
        self._versions = Versions(self._entries, self._retiring, self._channels)
        counts = dict.fromkeys(pb.GeneratorState.values(), 0)
        for status in self._versions.statuses():
            counts[status.state] += 1
        for state, count in counts.items():
            if state != pb.GENERATOR_STATE_UNSPECIFIED:
                name = pb.GeneratorState.Name(state).removeprefix("GENERATOR_STATE_").lower()
                self._metrics.generators.labels(name).set(count)


def _kind(error: Exception) -> str:
    """The label of a refusal in the metrics, from a short closed list."""
    kinds = ((artifact.Withheld, "withheld"), (artifact.ArtifactError, "artifact"), (SourceError, "file"))
    return next((name for kind, name in kinds if isinstance(error, kind)), "device")
