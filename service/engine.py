"""Arrays in, arrays out: the only place where onnxruntime is used.

A Session is one loaded file on one device. An Engine runs a session by lanes, in batches of a few fixed sizes, and
knows what each of them costs.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import numpy as np
import onnxruntime

from service import artifact, graph

# Warnings of ONNX Runtime go to stderr past the log; its errors reach us as exceptions.
onnxruntime.set_default_logger_severity(4)

# Batch sizes that may become buckets. Powers of two waste up to half a batch on padding; the steps between waste less.
LADDER = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
# A batch size within 3 % of the best rate is as good: the measurement is no better than that.
GOOD_ENOUGH = 0.97
# A newcomer waits for the running batch, and memory for activations is kept for good: with up to 0.1 s a batch the
# service of a 7 MFLOP generator held up to 140 MiB beside model and runtime, with up to 0.03 s it holds 35.
BATCH_SECONDS_LIMIT = 0.03
# Below this nobody notices the wait, but every hand-over costs: lanes wait for the interpreter, and the weights have to
# come back into the cache. With batches of 128 rows and 11 ms two scheduled lanes gave all of what bare callers give.
# (Smaller ones gave less, 65 % at 16 rows and 92 % at 64, but those were measured on a busy machine.)
BATCH_SECONDS_FLOOR = 0.008
# For the timed runs of one batch size, and for all of it.
CALIBRATION_SECONDS = 0.02
CALIBRATION_LIMIT_SECONDS = 1.0
# Batch seconds over which the pace that is met in service replaces the one before, and limits of what one batch says.
PACE_SECONDS = 10.0
PACE_WEIGHT = 0.05
PACE_RANGE = (0.25, 8.0)
# What the scheduler adds to every batch, measured: it decides the batch size of very small generators.
BATCH_OVERHEAD_SECONDS = 1e-4
BUFFER_BYTES_LIMIT = 2**26

_OUT_OF_MEMORY = re.compile(r"out of memory|failed to allocate memory|CUDA failure 2\b", re.IGNORECASE)

DEVICE = re.compile(r"cpu|cuda(?::(\d{1,3}))?")

_DTYPES: dict[str, np.dtype] = {
    "tensor(uint8)": np.dtype("<u1"),
    "tensor(int16)": np.dtype("<i2"),
    "tensor(int32)": np.dtype("<i4"),
    "tensor(int64)": np.dtype("<i8"),
    "tensor(uint64)": np.dtype("<u8"),
    "tensor(float)": np.dtype("<f4"),
}


def runtime_version() -> str:
    """Of ONNX Runtime."""
    return str(onnxruntime.__version__)


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used here; the message says why. Never answered by using another."""


class Session:
    """One ONNX file, loaded on one device. `run` may be called from several threads at once on a CPU."""

    def __init__(self, content: bytes, device: str = "cpu", threads: int = 1) -> None:
        """Load a file.

        content: the bytes of an ONNX file with all weights inside.
        device:  "cpu", "cuda" or "cuda:N".
        threads: threads that one `run` uses on a CPU, at least 1.

        A file with scores is loaded twice, with them and without, which costs the generator's weights once more.

        Raises artifact.ArtifactError if the bytes cannot be loaded, DeviceError if the device cannot be used.
        """
        self.device = device
        full = _load(content, device, threads)
        self.scored = any(value.name == artifact.SCORE for value in full.get_outputs())
        # ONNX Runtime computes all nodes whichever outputs are asked for: without scores takes a graph without them.
        plain = graph.without_output(content, artifact.SCORE) if self.scored else None
        self._session = full if plain is None else _load(plain, device, threads)
        self._scored = full
        try:
            self.metadata: str | None = full.get_modelmeta().custom_metadata_map.get(artifact.METADATA_KEY)
            self.inputs = [_tensor(value) for value in full.get_inputs()]
            self.outputs = [_tensor(value) for value in full.get_outputs()]
        except UnicodeDecodeError as error:
            raise artifact.ArtifactError(f"a text in the file is not UTF-8: {error}") from error

    def run(self, rows: artifact.Rows) -> np.ndarray:
        """Compute the samples of n addresses.

        rows:    n >= 1 addresses.
        returns: the generator's sample dtype [n, *sample shape].
        """
        return self._session.run([artifact.OUTPUT], dict(zip(artifact.INPUTS, _columns(rows), strict=True)))[0]

    def run_scored(self, rows: artifact.Rows) -> tuple[np.ndarray, np.ndarray]:
        """Compute samples and their scores; only of a file that is `scored`.

        returns: as `run`, and float32 [n].
        """
        names = [artifact.OUTPUT, artifact.SCORE]
        samples, scores = self._scored.run(names, dict(zip(artifact.INPUTS, _columns(rows), strict=True)))
        return samples, scores

    def bind(self, rows: artifact.Rows, samples: np.ndarray, scores: np.ndarray | None = None) -> Callable[[], None]:
        """Prepare runs that read and write the same memory every time.

        rows, samples: buffers for n addresses and their samples; they stay the caller's to fill and to read.
        scores:        float32 [n], likewise; None: scores are not computed.
        returns:       a function that computes `samples` (and `scores`) from what `rows` holds when it is called.
        """
        kind, _, number = self.device.partition(":")
        place = (kind, int(number or 0))
        session = self._session if scores is None else self._scored
        binding = session.io_binding()
        # On a CPU an OrtValue is the array's own memory; on a GPU it is a device buffer, which keeps its address: what
        # a CUDA graph per batch size will need.
        pairs = [(onnxruntime.OrtValue.ortvalue_from_numpy(array, *place), array) for array in _columns(rows)]
        for name, (value, _) in zip(artifact.INPUTS, pairs, strict=True):
            binding.bind_ortvalue_input(name, value)
        results = [(artifact.OUTPUT, samples)] + ([] if scores is None else [(artifact.SCORE, scores)])
        outputs = [(onnxruntime.OrtValue.ortvalue_from_numpy(array, *place), array) for _, array in results]
        for (name, _), (value, _) in zip(results, outputs, strict=True):
            binding.bind_ortvalue_output(name, value)

        def on_cpu() -> None:
            session.run_with_iobinding(binding)

        def on_gpu() -> None:
            for value, array in pairs:
                value.update_inplace(array)
            session.run_with_iobinding(binding)
            binding.synchronize_outputs()
            for value, array in outputs:
                np.copyto(array, value.numpy())

        return on_cpu if kind == "cpu" else on_gpu


def _load(content: bytes, device: str, threads: int) -> onnxruntime.InferenceSession:
    """A graph on a device; see Session."""
    providers = _providers(device)
    wanted = providers[0][0]
    try:
        # With its fall-back a failure would be printed, and tried again on a CPU.
        session = onnxruntime.InferenceSession(
            content, _options(device, threads), providers=providers, enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types, some of them plain RuntimeError
        # Where the provider did not start, every node is on the CPU, and that is not the file's fault.
        if device == "cpu" or _starts(content, device, threads, providers):
            raise artifact.ArtifactError(f"ONNX Runtime cannot load the file: {_reason(error)}") from error
        raise _no_provider(device, wanted) from error
    if session.get_providers()[0] != wanted:
        raise _no_provider(device, wanted)
    return session


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
        alone: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Allocate the buffers and calibrate: run every batch size on all lanes at once and time it.

        lanes:     callers of `run` that may be at work at the same time; each has its own buffers.
        max_batch: no larger batch is tried. Sizes are tried upwards only while they pay, so that calibration takes
                   about half a second.
        alone:     entered around each timing, some tens of milliseconds: keeps other work off the device.
        """
        self.lanes = lanes
        self._alone = alone
        self.device = session.device
        output = next(value for value in session.outputs if value.name == artifact.OUTPUT)
        self.sample_shape = tuple(int(extent or 0) for extent in output.shape[1:])
        self.sample_dtype = np.dtype(output.dtype)
        sample_bytes = int(np.prod(self.sample_shape)) * self.sample_dtype.itemsize
        ladder = [n for n in LADDER if n <= max_batch and (n * sample_bytes <= BUFFER_BYTES_LIMIT or n == LADDER[0])]
        self._lanes = [_Lane(session, ladder, self.sample_shape, self.sample_dtype) for _ in range(lanes)]
        # Time of batches in service over their time as calibrated. One number for all sizes: the shape of the costs is
        # the generator's, and how fast the device is at the moment depends on what else runs there.
        self._pace = 1.0
        self._seconds = self._calibrate(ladder)
        self.best_batch = _best(self._seconds)
        self._seconds = {n: seconds for n, seconds in self._seconds.items() if n <= self.best_batch}
        for lane in self._lanes:
            lane.shrink(self.best_batch)
        # How much longer a full batch takes with scores, at least 1.
        self.scored_cost = self._price_scores() if session.scored else 1.0

    @property
    def buckets(self) -> tuple[int, ...]:
        """Batch sizes that run, ascending; a batch is padded to the next of them."""
        return tuple(self._seconds)

    @property
    def capacity_samples_per_second(self) -> float:
        """What all lanes make together with full batches: as calibrated, then as met in service."""
        return self.lanes * self.best_batch / (self._seconds[self.best_batch] * self._pace)

    def bucket(self, n: int) -> int:
        """The batch size that n rows are padded to; n in [1, best_batch]."""
        buckets = self.buckets
        return buckets[bisect.bisect_left(buckets, n)]

    def seconds(self, n: int) -> float:
        """Predicted time of n rows on one lane while the others are busy too; n >= 1, split if above best_batch."""
        full, rest = divmod(n, self.best_batch)
        calibrated = full * self._seconds[self.best_batch] + (self._seconds[self.bucket(rest)] if rest else 0.0)
        return calibrated * self._pace

    def learn(self, n: int, seconds: float) -> None:
        """Take what a batch of n rows took in service into account; any lane's thread may call."""
        if n > self.best_batch:  # given up meanwhile
            return
        low, high = PACE_RANGE
        ratio = min(high, max(low, seconds / self._seconds[self.bucket(n)]))
        # A single batch weighs little, however long: the machine may have slept.
        self._pace += (ratio - self._pace) * min(PACE_WEIGHT, seconds / PACE_SECONDS)

    def run(self, rows: artifact.Rows, lane: int = 0) -> np.ndarray:
        """Compute one batch.

        rows:    n addresses, n in [1, best_batch].
        lane:    in [0, lanes); one caller at a time.
        returns: sample dtype [n, *sample shape]; the lane's own memory, valid until its next run.

        A GPU that runs out of memory loses its largest batch size, and the rows are run in two halves.
        """
        return self._run(rows, lane, scored=False)[0]

    def run_scored(self, rows: artifact.Rows, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Compute one batch with its scores, of a file that has them: as `run`, and float32 [n]."""
        return self._run(rows, lane, scored=True)

    def _run(self, rows: artifact.Rows, lane: int, scored: bool) -> tuple[np.ndarray, np.ndarray]:
        n = len(rows.seed)
        # Another lane may have given up the size between the forming of this batch and now.
        if n <= self.best_batch:
            bucket = self.bucket(n)
            try:
                return self._lanes[lane].run(rows, n, bucket, scored)
            except Exception as error:
                if not _OUT_OF_MEMORY.search(str(error)) or bucket == self.buckets[0]:
                    raise
                self._give_up(bucket)
        half = (n + 1) // 2
        parts = (slice(0, half), slice(half, n))
        halves = [artifact.Rows(*(column[part] for column in _columns(rows))) for part in parts]
        pairs = [[array.copy() for array in self._run(half, lane, scored)] for half in halves]
        samples, scores = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        return samples, scores

    def close(self) -> None:
        """Give the session and the buffers back. No run may be under way or follow."""
        self._lanes = []

    def _give_up(self, bucket: int) -> None:
        self._seconds = {n: seconds for n, seconds in self._seconds.items() if n < bucket}
        self.best_batch = max(self._seconds)

    def _price_scores(self) -> float:
        n, lane = self.best_batch, self._lanes[0]
        with self._alone():
            return max(1.0, lane.seconds(n, scored=True) / lane.seconds(n))

    def _calibrate(self, ladder: list[int]) -> dict[int, float]:
        """Seconds of each batch size worth having."""
        spent = 0.0  # without the waits for the device
        found: dict[int, float] = {}
        with ThreadPoolExecutor(self.lanes) as pool:

            def measure(n: int) -> float:
                nonlocal spent
                with self._alone():
                    start = time.perf_counter()
                    try:
                        return max(pool.map(lambda lane: lane.seconds(n), self._lanes))
                    finally:
                        spent += time.perf_counter() - start

            for n in ladder:
                try:
                    found[n] = measure(n)
                except Exception as error:
                    if not _OUT_OF_MEMORY.search(str(error)) or not found:
                        raise
                    break
                best = min(found, key=lambda size: found[size] / size)
                # Three sizes in a row that are no better end the climb, and so does a batch too long to wait for.
                late = spent > CALIBRATION_LIMIT_SECONDS
                if late or found[n] > BATCH_SECONDS_LIMIT or len(found) - list(found).index(best) > 3:
                    break
            # Again, against disturbances; a slow generator need not be disturbed twice to be priced well enough.
            if spent < CALIBRATION_LIMIT_SECONDS / 2:
                found = {n: min(seconds, measure(n)) for n, seconds in found.items()}
        return found


def _best(seconds: dict[int, float]) -> int:
    """The smallest of the good sizes: as fast as the best one, and a newcomer waits less for the running batch."""
    long_enough = [n for n, time_of in seconds.items() if time_of >= BATCH_SECONDS_FLOOR] or [max(seconds)]
    rates = {n: n / seconds[n] for n in long_enough}
    return min(n for n, rate in rates.items() if rate >= GOOD_ENOUGH * max(rates.values()))


class _Lane:
    """One caller's buffers: each batch size is bound to the beginning of the same memory."""

    def __init__(self, session: Session, sizes: list[int], shape: tuple[int, ...], dtype: np.dtype) -> None:
        largest = max(sizes)
        # Ones: padding must be valid addresses, and a seed must be odd to be a good key. Label 1 may not exist.
        self._rows = artifact.Rows(*(np.ones(largest, dtype) for dtype in artifact.INPUTS.values()))
        self._rows.label[:] = 0
        self._samples = np.empty((largest, *shape), dtype)
        self._scores = np.empty(largest, np.float32)
        self._session = session
        self._runs: dict[tuple[int, bool], Callable[[], None]] = {}

    def run(self, rows: artifact.Rows, n: int, bucket: int, scored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Samples and scores of n rows; the scores are old ones unless asked for."""
        for buffer, values in zip(_columns(self._rows), _columns(rows), strict=True):
            buffer[:n] = values
        run = self._runs.get((bucket, scored))
        if run is None:
            prefix = artifact.Rows(*(buffer[:bucket] for buffer in _columns(self._rows)))
            scores = self._scores[:bucket] if scored else None
            run = self._runs[bucket, scored] = self._session.bind(prefix, self._samples[:bucket], scores)
        run()
        return self._samples[:n], self._scores[:n]

    def seconds(self, n: int, scored: bool = False) -> float:
        """Time of one batch of n rows: the least of a few, since whatever disturbs a run only adds to it."""
        rows = artifact.Rows(*(buffer[:n].copy() for buffer in _columns(self._rows)))
        times: list[float] = []
        while len(times) < 3 or (len(times) < 12 and sum(times) < CALIBRATION_SECONDS):
            start = time.perf_counter()
            self.run(rows, n, n, scored)
            times.append(time.perf_counter() - start)
        return min(times[1:]) + BATCH_OVERHEAD_SECONDS

    def shrink(self, largest: int) -> None:
        """Keep only sizes up to `largest`, and memory for them."""
        self._rows = artifact.Rows(*(buffer[:largest].copy() for buffer in _columns(self._rows)))
        self._samples = self._samples[:largest].copy()
        self._runs = {}


def _columns(rows: artifact.Rows) -> tuple[np.ndarray, ...]:
    """In the order of artifact.INPUTS. (dataclasses.astuple would copy them.)"""
    return rows.seed, rows.index, rows.label, rows.truncation


def _options(device: str, threads: int, fallback: bool = False) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # A thread that spins while it waits takes a core from the other lanes and from gRPC.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device != "cpu" and not fallback:
        # A node without a kernel for the GPU is a load error, not a slow detour through the CPU.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def _starts(content: bytes, device: str, threads: int, providers: list[tuple[str, dict[str, str]]]) -> bool:
    """Whether the wanted provider starts when falling back is allowed; raises ArtifactError if the file is at fault."""
    try:
        session = onnxruntime.InferenceSession(content, _options(device, threads, fallback=True), providers=providers)
    except Exception:  # as above
        Session(content)  # on a CPU, which is always there
        return False
    return providers[0][0] in session.get_providers()


def _no_provider(device: str, provider: str) -> DeviceError:
    return DeviceError(
        f"device {device!r} cannot be used: ONNX Runtime {onnxruntime.__version__} could not start {provider}. It "
        "needs an NVIDIA driver R580 or newer and the libraries of `pip install 'onnxruntime-gpu[cuda,cudnn]'`; "
        "choose device 'cpu' to do without"
    )


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    match = DEVICE.fullmatch(device)
    if match is None:
        raise DeviceError(f"unknown device {device!r}; wanted cpu, cuda or cuda:N")
    if device == "cpu":
        return [("CPUExecutionProvider", {})]
    # Finds the CUDA libraries that pip installed. When it fails it only prints: the provider is asserted.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    options = {
        "device_id": match.group(1) or "0",
        # The default, EXHAUSTIVE, times every algorithm for every new batch size, and may choose differently each time.
        "cudnn_conv_algo_search": "HEURISTIC",
        # TensorFloat-32 rounds differently from one generation of GPUs to the next.
        "use_tf32": "0",
        "arena_extend_strategy": "kSameAsRequested",
    }
    return [("CUDAExecutionProvider", options)]


def _tensor(value: onnxruntime.NodeArg) -> artifact.Tensor:
    return artifact.Tensor(value.name, _DTYPES.get(value.type), tuple(value.shape))


def _reason(error: Exception) -> str:
    """The useful part of an error of ONNX Runtime: one line, without its code prefix, at most 300 characters."""
    text = " ".join(str(error).split())
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)[:300]
