"""Runs a session by lanes, in batches of a few fixed sizes, and knows what each of them costs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from service import artifact
from service.errors import DeviceBroken
from service.runtime import cuda
from service.runtime import device as devices
from service.runtime.calibration import Alone, Costs, calibrate, ladder, time_of
from service.runtime.session import Batch, Session, columns

# Batches of a GPU that fail one after the other, for whatever reason, before it is given up.
FAILURES_LIMIT = 3


class Engine:
    """Runs a session by lanes and picks the batch size.

    On a CPU the lanes share the session: measured on 2 cores with a generator of 7 MFLOP a sample, 64 rows a run, two
    callers of one thread each make 21,100 samples/s on one session and 21,400 on a session each, which costs the
    weights twice; one caller with two threads makes 17,600. With IOBinding on buffers allocated once it is 22,600.
    """

    def __init__(
        self,
        session: Session,
        lanes: int = 1,
        max_batch: int = 1024,
        alone: Alone = contextlib.nullcontext,
        others: Sequence[Session] = (),
        events: devices.Callbacks = devices.SILENT,
    ) -> None:
        """Allocate the buffers and calibrate: run every batch size on all lanes at once and time it.

        lanes:     callers of `run` that may be at work at the same time; each has its own buffers.
        max_batch: no larger batch is tried.
        alone:     entered around each timing and capture, some tens of milliseconds: keeps other work off the device.
        others:    the same file on further devices of the same kind, which the lanes are shared out to in turns.

        Raises errors.DeviceBroken if the device fails for good meanwhile.
        """
        sessions = (session, *others)
        if lanes < len(sessions):
            raise devices.DeviceError(f"{lanes} lanes are too few for {len(sessions)} devices; one at least for each")
        self.lanes = lanes
        self.device = ",".join(each.device for each in sessions)
        # Why the device has failed for good; empty while it works.
        self.broken = ""
        self._events = events
        self._failures = 0  # in a row
        output = next(value for value in session.outputs if value.name == artifact.OUTPUT)
        self.sample_shape = tuple(int(extent or 0) for extent in output.shape[1:])
        self.sample_dtype = np.dtype(output.dtype)
        sizes = ladder(max_batch, int(np.prod(self.sample_shape)) * self.sample_dtype.itemsize)
        # Lanes of one GPU take turns.
        shared = session.device != "cpu" and lanes > len(sessions)
        self._lanes = [
            _Lane(sessions[lane % len(sessions)], sizes, self.sample_shape, self.sample_dtype, shared)
            for lane in range(lanes)
        ]
        with devices.watching(self.device), ThreadPoolExecutor(lanes) as pool:

            def seconds(n: int) -> float:
                return max(pool.map(lambda lane: lane.seconds(n), self._lanes))

            self._costs = Costs(calibrate(sizes, seconds, alone))
            for lane in self._lanes:
                lane.shrink(self.best_batch)
            if all(each.graphs.on for each in sessions) and self._capture(sessions, alone):
                # Without the cost of launching, smaller batches may be as good.
                self._costs = Costs(calibrate(list(self.buckets), seconds, alone))
            if session.device == "cpu":
                # Nothing is captured or tuned for a size.
                self._costs.refine()
            # How much longer a full batch takes with scores, at least 1.
            self.scored_cost = 1.0
            if session.scored:
                n, first = self.best_batch, self._lanes[0]
                with alone():
                    self.scored_cost = max(1.0, first.seconds(n, scored=True) / first.seconds(n))
            # Batches of originals have sizes and a pace of their own: a row of them takes several times as long.
            self._carrying: Costs | None = None
            if session.transforms:
                self._carrying = self._calibrate_carrying(pool, sizes, alone, refine=session.device == "cpu")

    def _calibrate_carrying(self, pool: ThreadPoolExecutor, sizes: list[int], alone: Alone, refine: bool) -> Costs:
        """Buffers for originals, and what batches of them cost."""
        for lane in self._lanes:
            lane.hold_originals(self.best_batch)
        costs = Costs(
            calibrate(
                [n for n in sizes if n <= self.best_batch],
                lambda n: max(pool.map(lambda lane: lane.seconds_of_originals(n), self._lanes)),
                alone,
            )
        )
        for lane in self._lanes:
            lane.hold_originals(costs.best_batch)
        if refine:
            costs.refine()
        return costs

    def _capture(self, sessions: Sequence[Session], alone: Alone) -> bool:
        """Capture a graph for each batch size and lane; all or, on any failure, none."""
        try:
            # The largest first: what is allocated for it is enough for the others.
            for bucket in reversed(self.buckets):
                for lane in self._lanes:
                    with alone():
                        lane.capture(bucket)
        except Exception as error:
            if devices.fatal(error):
                raise
            # A session in which a capture failed halfway is not trusted with anything.
            for lane in self._lanes:
                lane.unbind()
            for session in sessions:
                session.graphs.give_up("capture", error)
                session.without_graphs()
            return False
        return True

    @property
    def best_batch(self) -> int:
        """The largest batch, and the one to fill."""
        return self._costs.best_batch

    @property
    def buckets(self) -> tuple[int, ...]:
        """Batch sizes that run, ascending; a batch is padded to the next of them."""
        return self._costs.buckets

    @property
    def capacity_samples_per_second(self) -> float:
        """What all lanes make together with full batches: as calibrated, then as met in service."""
        return self.lanes * self._costs.rate

    def bucket(self, n: int) -> int:
        """The batch size that n rows are padded to; n in [1, best_batch]."""
        return self._costs.bucket(n)

    def seconds(self, n: int) -> float:
        """Predicted time of n rows on one lane while the others are busy too; n >= 1, split if above best_batch."""
        return self._costs.seconds(n)

    def learn(self, n: int, seconds: float) -> None:
        """Take what a batch of n rows took in service into account; any lane's thread may call."""
        self._costs.learn(n, seconds)

    @property
    def transforms(self) -> bool:
        """Whether samples can be carried into other classes."""
        return self._carrying is not None

    @property
    def transform_batch(self) -> int:
        """As best_batch, of originals; 0: there can be none."""
        return 0 if self._carrying is None else self._carrying.best_batch

    @property
    def transform_cost(self) -> float:
        """Of one of many originals: device time as a multiple of a sample's."""
        return 1.0 if self._carrying is None else self._costs.rate / self._carrying.rate

    def transform_bucket(self, n: int) -> int:
        """The batch size that n originals are padded to; n in [1, transform_batch]."""
        return self._carries.bucket(n)

    def learn_transform(self, n: int, seconds: float) -> None:
        """As `learn`, of a batch of n originals."""
        self._carries.learn(n, seconds)

    @property
    def _carries(self) -> Costs:
        assert self._carrying is not None, "the file transforms nothing"
        return self._carrying

    def run(self, rows: artifact.Rows, lane: int = 0) -> np.ndarray:
        """Compute one batch.

        rows:    n addresses, n in [1, best_batch].
        lane:    in [0, lanes); one caller at a time.
        returns: sample dtype [n, *sample shape]; the lane's own memory, valid until its next run.

        A GPU that runs out of memory loses its largest batch size, and the rows are run in two halves.
        """
        return self._run(rows, lane, self._costs)[0]

    def run_scored(self, rows: artifact.Rows, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Compute one batch with its scores, of a file that has them: as `run`, and float32 [n]."""
        return self._run(rows, lane, self._costs, scored=True)

    def run_transform(self, originals: artifact.Originals, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Carry one batch into other classes: as `run`, and the classes that they were of, int64 [n].

        originals: n of them, n in [1, transform_batch].
        """
        return self._run(originals, lane, self._carries)

    def _run(self, rows: Batch, lane: int, costs: Costs, scored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        n = len(columns(rows)[0])
        if self.broken:
            raise DeviceBroken(self.broken)
        # Another lane may have given up the size between the forming of this batch and now.
        if n <= costs.best_batch:
            bucket = costs.bucket(n)
            try:
                with devices.watching(self.device):
                    result = self._lanes[lane].run(rows, n, bucket, scored)
                self._failures = 0
                return result
            except DeviceBroken as error:
                self._condemn(str(error), error.__cause__)
                raise
            except Exception as error:
                if not devices.out_of_memory(error) or bucket == costs.buckets[0]:
                    self._count(error)
                    raise
                costs.give_up(bucket)
        half = (n + 1) // 2
        parts = (slice(0, half), slice(half, n))
        halves = [type(rows)(*(column[part] for column in columns(rows))) for part in parts]
        pairs = [[array.copy() for array in self._run(half, lane, costs, scored)] for half in halves]
        samples, beside = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        return samples, beside

    def _count(self, error: Exception) -> None:
        """Condemn a GPU that fails again and again: it computes the same for all addresses, so none is at fault."""
        self._failures += 1
        if not self.device.startswith("cpu") and self._failures >= FAILURES_LIMIT:
            text = f"device {self.device} failed {self._failures} times in a row and this server is to be restarted"
            self._condemn(f"{text}; ask another one", error)
            raise DeviceBroken(self.broken) from error

    def _condemn(self, message: str, cause: BaseException | None) -> None:
        first, self.broken = not self.broken, message
        if first:
            self._events.broken(devices.reason(cause or RuntimeError(message)))

    def close(self) -> None:
        """Give the session and the buffers back. No run may be under way or follow."""
        self._lanes = []


class _Lane:
    """One caller's buffers: each batch size is bound to the beginning of the same memory."""

    def __init__(
        self, session: Session, sizes: list[int], shape: tuple[int, ...], dtype: np.dtype, shared: bool
    ) -> None:
        """shared: the device computes for one lane at a time."""
        largest = max(sizes)
        # Ones: padding must be valid addresses, and a seed must be odd to be a good key. Label 1 may not exist.
        self._rows = artifact.Rows(*(np.ones(largest, dtype) for dtype in artifact.INPUTS.values()))
        self._rows.label[:] = 0
        self._samples = np.empty((largest, *shape), dtype)
        self._scores = np.empty(largest, np.float32)
        self._originals: artifact.Originals | None = None
        self._recognised = np.empty(0, np.int64)
        self._session = session
        self._shared = shared
        # A service that starts beside a busy process would else find its larger batches slow, and keep to small ones.
        self._clock = time.thread_time if session.device == "cpu" and session.threads == 1 else time.perf_counter
        self._runs: dict[tuple[int, bool, bool], Callable[[], None]] = {}

    def run(self, rows: Batch, n: int, bucket: int, scored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Samples of n rows, and their scores, which are old ones unless asked for; of originals, their classes."""
        carries = isinstance(rows, artifact.Originals)
        for buffer, values in zip(columns(self._buffers(carries)), columns(rows), strict=True):
            buffer[:n] = values
        run = self._runs.get((bucket, scored, carries)) or self._bind(bucket, scored, carries)
        run()
        return self._samples[:n], self._recognised[:n] if carries else self._scores[:n]

    def _buffers(self, carries: bool) -> Batch:
        found = self._originals if carries else self._rows
        assert found is not None, "the file transforms nothing"
        return found

    def _bind(self, bucket: int, scored: bool = False, carries: bool = False) -> Callable[[], None]:
        buffers = self._buffers(carries)
        prefix = type(buffers)(*(buffer[:bucket] for buffer in columns(buffers)))
        beside = self._recognised[:bucket] if carries else self._scores[:bucket] if scored else None
        run = self._runs[bucket, scored, carries] = self._session.bind(prefix, self._samples[:bucket], beside)
        return run

    def unbind(self) -> None:
        """Let go of the session."""
        self._runs = {}

    def capture(self, bucket: int) -> None:
        """Capture the CUDA graph of a batch size."""
        run = self._bind(bucket)
        if isinstance(run, cuda.Binding):
            run.capture()

    def seconds(self, n: int, scored: bool = False) -> float:
        """Time of one batch of n rows."""
        rows = artifact.Rows(*(buffer[:n].copy() for buffer in columns(self._rows)))
        return time_of(lambda: self.run(rows, n, n, scored), self._shared, self._clock)

    def seconds_of_originals(self, n: int) -> float:
        """Time of one batch of n originals."""
        rows = artifact.Originals(*(buffer[:n].copy() for buffer in columns(self._buffers(carries=True))))
        return time_of(lambda: self.run(rows, n, n), self._shared, self._clock)

    def shrink(self, largest: int) -> None:
        """Keep only sizes up to `largest`, and memory for them."""
        self._rows = artifact.Rows(*(buffer[:largest].copy() for buffer in columns(self._rows)))
        self._samples = self._session.buffer((largest, *self._samples.shape[1:]), self._samples.dtype)
        self._runs = {}

    def hold_originals(self, largest: int) -> None:
        """Have memory for so many originals, which are none yet, and forget what was bound to other memory."""
        # Padding must be valid: zeros mean something in every kind.
        self._originals = artifact.Originals(
            np.zeros((largest, *self._samples.shape[1:]), self._samples.dtype),
            np.zeros(largest, np.int64),
            np.full(largest, artifact.UNKNOWN, np.int64),
            np.ones(largest, np.float32),
        )
        self._recognised = np.zeros(largest, np.int64)
        self._runs = {key: run for key, run in self._runs.items() if not key[2]}
