"""From bytes to something that is served: verifies a file, then calibrates it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import DeviceBroken
from service.runtime import device as devices
from service.runtime.engine import Engine
from service.runtime.session import Session
from service.runtime.verify import verify

# The page that bulk readers are told to ask for: a few batches, so that a call costs little beside its work, and no
# more than clients and networks take at once.
PAGE_BYTES = 2**20
PAGE_SECONDS = 0.25
RESPONSE_BYTES_LIMIT = 2**26


@dataclass(frozen=True, slots=True)
class Loader:
    """What every file is loaded with."""

    device: str = "cpu"  # or several with commas
    lanes: int = 1
    max_batch: int = 1024
    allow_withheld: bool = False
    alone: Callable[[], AbstractContextManager[None]] = nullcontext
    options: devices.Options = devices.PLAIN
    events: devices.Callbacks = devices.SILENT

    def load(self, content: bytes, name: str, version: int) -> tuple[pb.Generator, Engine, dict[str, float]]:
        """The metadata, an engine, and the seconds that each phase took.

        name, version: of the folders that the file lies in.
        Raises artifact.ArtifactError, device.DeviceError if no file could be loaded, or errors.DeviceBroken, of which
        `events` is told.
        """
        try:
            return self._load(content, name, version)
        except DeviceBroken as error:
            self.events.broken(devices.reason(error.__cause__ or error))
            raise

    def _load(self, content: bytes, name: str, version: int) -> tuple[pb.Generator, Engine, dict[str, float]]:
        start = time.perf_counter()
        sessions = [Session(content, each, 1, self.options, self.events) for each in devices.names(self.device)]
        message, *_ = [verify(session) for session in sessions]
        check_place(message, name, version)
        if not self.allow_withheld:
            artifact.check_verdict(message)
        verified = time.perf_counter()
        engine = Engine(sessions[0], self.lanes, self.max_batch, self.alone, sessions[1:], self.events)
        return message, engine, {"verify": verified - start, "calibrate": time.perf_counter() - verified}


def page_sizes(engine: Engine, max_samples: int) -> tuple[int, int]:
    """Largest and preferred number of samples of one call.

    max_samples: what the settings allow; large samples allow fewer.
    """
    sample_bytes = int(np.prod(engine.sample_shape)) * engine.sample_dtype.itemsize
    most = max(1, min(max_samples, RESPONSE_BYTES_LIMIT // sample_bytes))
    page = int(min(PAGE_BYTES // sample_bytes, engine.capacity_samples_per_second * PAGE_SECONDS))
    return most, min(most, max(engine.best_batch, page))


def check_place(message: pb.Generator, name: str, version: int) -> None:
    """Raise ArtifactError unless a file says that it is what its folders are named."""
    if (message.name, message.version) != (name, version):
        raise artifact.ArtifactError(
            f"the file says that it is {message.name}/{message.version}, and it lies in {name}/{version}"
        )
