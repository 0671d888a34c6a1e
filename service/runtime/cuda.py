"""Batches on a GPU: memory at fixed addresses, one thread that computes, CUDA graphs, copies that do not hold it up.

Written after ONNX Runtime's documentation and sources and tested with a make-believe GPU (tests/gpu.py); not verified
on a real one: `python -m benchmarks.serving.gpu` does that. What it builds on, with reasons: docs/gpu.md.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import onnxruntime

from service.runtime import device

# While a graph is captured, allocations and copies of any thread of the process would spoil it (its mode is global). So
# sessions are made and graphs captured one at a time, and all lanes rest during a capture (Scheduler.alone).
EXCLUSIVE = threading.RLock()
# ONNX Runtime captures in the first run of an id or in the third, depending on its version.
WARM_UPS = 3
NO_GRAPH = "-1"
# Arguments of the CUDA runtime.
_ALLOC_PORTABLE, _DEVICE_TO_HOST = 1, 2

T = TypeVar("T")


class Gpu:
    """One GPU of this process.

    All that computes on it is launched by one thread: ONNX Runtime keeps captured graphs with the thread that captured
    them, and graphs of one session share memory, so that no two of them may run at the same time.
    """

    def __init__(self, name: str) -> None:
        """name: "cuda" or "cuda:N"."""
        self.name = name
        self.number = device.number(name)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._free: list[tuple[int, int]] = []  # bytes and address of unused page-locked memory
        self._library = _library()
        if self._library is not None and not self._copies_well():
            self._library = None

    @property
    def pinned(self) -> bool:
        """Whether samples are copied into page-locked memory, without holding the interpreter meanwhile."""
        return self._library is not None

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """The result of a function, called by the thread that computes."""
        return self._thread.submit(function, *arguments).result()

    def buffer(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Memory for what is copied from the GPU: page-locked if it can be had, else any.

        It is used again when the array and all its parts are gone, and never given back: that could spoil a capture.
        """
        size = max(1, int(np.prod(shape)) * dtype.itemsize)
        address = self._locked(size)
        if address is None:
            return np.empty(shape, dtype)
        memory = (ctypes.c_uint8 * size).from_address(address)
        weakref.finalize(memory, self._free.append, (size, address))
        return np.frombuffer(memoryview(memory), dtype, int(np.prod(shape))).reshape(shape)

    def fetch(self, value: onnxruntime.OrtValue, array: np.ndarray) -> None:
        """Copy a tensor of the GPU into an array of its shape and dtype; any thread may call."""
        if self._library is None:
            np.copyto(array, value.numpy())
            return
        # A foreign call: the interpreter goes on, and so does the GPU with the next batch.
        status = self._library.cudaSetDevice(self.number) or self._library.cudaMemcpy(
            array.ctypes.data, value.data_ptr(), array.nbytes, _DEVICE_TO_HOST
        )
        if status:
            raise RuntimeError(f"CUDA failure {status}: copying {array.nbytes} bytes of samples from {self.name}")

    def _locked(self, size: int) -> int | None:
        if self._library is None:
            return None
        for place in sorted(self._free):
            # Not much larger, or a small version would keep a large one's memory.
            if size <= place[0] <= 2 * size:
                self._free.remove(place)
                return place[1]
        pointer = ctypes.c_void_p()
        with EXCLUSIVE:
            failed = self._library.cudaSetDevice(self.number) or self._library.cudaHostAlloc(
                ctypes.byref(pointer), size, _ALLOC_PORTABLE
            )
        return None if failed else pointer.value

    def _copies_well(self) -> bool:
        sent, got = np.arange(4096, dtype=np.uint8), np.zeros(4096, np.uint8)
        try:
            with EXCLUSIVE:
                self.fetch(onnxruntime.OrtValue.ortvalue_from_numpy(sent, "cuda", self.number), got)
        except Exception:  # whatever is wrong with this way, there is another
            return False
        return np.array_equal(got, sent)


@functools.cache
def gpu(name: str) -> Gpu:
    """The GPU of a name; all sessions on it share its thread."""
    return Gpu(name)


class Graphs:
    """Whether the runs of a session are captured, and what happened when they no longer are."""

    def __init__(self, on: bool, events: device.Callbacks) -> None:
        self.on = on
        self._events = events
        self._numbers = itertools.count(1)

    def new(self) -> str:
        """An id that no other graph of the session has."""
        return str(next(self._numbers))

    def give_up(self, stage: str, error: BaseException) -> None:
        """Run without graphs from now on."""
        if self.on:
            self.on = False
            self._events.fallback(stage, device.reason(error))


class Binding:
    """Runs of one batch size that read and write the same memory every time; captured, or not yet, or not at all."""

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        gpu: Gpu,
        inputs: dict[str, np.ndarray],
        outputs: dict[str, np.ndarray],
        graphs: Graphs,
    ) -> None:
        """inputs, outputs: arrays to copy from and to, by the names of the graph's tensors."""
        self._session, self._gpu, self._graphs = session, gpu, graphs
        self._captured = False
        self._graph = graphs.new()
        self._binding = session.io_binding()
        with EXCLUSIVE:
            self._inputs = [(self._place(array), array) for array in inputs.values()]
            self._outputs = [(self._place(array), array) for array in outputs.values()]
        for name, (value, _) in zip(inputs, self._inputs, strict=True):
            self._binding.bind_ortvalue_input(name, value)
        for name, (value, _) in zip(outputs, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(name, value)

    def __call__(self) -> None:
        """Copy in, compute, copy out; only the computing waits for that of other lanes."""
        self._feed()
        if self._captured and self._graphs.on:
            try:
                self._gpu.call(self._launch, self._graph)
            except Exception as error:
                if device.fatal(error):
                    raise
                self._graphs.give_up("replay", error)
                self._gpu.call(self._launch, NO_GRAPH)
        else:
            self._gpu.call(self._launch, NO_GRAPH)
        self._fetch()

    def capture(self) -> None:
        """Capture the graph and prove that it computes what runs without it do, from inputs that it has not seen.

        Nothing else may be at work on any GPU of this process. Raises whatever ONNX Runtime does, or RuntimeError; the
        session is not to be trusted then.
        """
        indices = self._inputs[1][1]
        with EXCLUSIVE:
            indices += np.uint64(1)
            self()
            wanted = [array.copy() for _, array in self._outputs]
            indices -= np.uint64(1)
            self._feed()
            for _ in range(WARM_UPS):
                self._gpu.call(self._launch, self._graph)
            self._captured = True
            indices += np.uint64(1)
            self._feed()
            self._gpu.call(self._launch, self._graph)
            self._fetch()
            indices -= np.uint64(1)
        for (_, array), before in zip(self._outputs, wanted, strict=True):
            if array.tobytes() != before.tobytes():
                raise RuntimeError(f"the captured graph of {len(array)} rows computes other samples than runs without")

    def _feed(self) -> None:
        for value, array in self._inputs:
            value.update_inplace(array)

    def _launch(self, graph: str) -> None:
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("gpu_graph_id", graph)
        self._session.run_with_iobinding(self._binding, options)
        if graph == NO_GRAPH:  # a replay waits for its stream by itself
            self._binding.synchronize_outputs()

    def _fetch(self) -> None:
        for value, array in self._outputs:
            self._gpu.fetch(value, array)

    def _place(self, array: np.ndarray) -> onnxruntime.OrtValue:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", self._gpu.number)


def _library() -> Any:
    """The CUDA runtime that ONNX Runtime has loaded, for copies into page-locked memory; None: there is none."""
    try:
        library = ctypes.CDLL("libcudart.so.13")
        library.cudaSetDevice.argtypes = [ctypes.c_int]
        library.cudaMemcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        library.cudaHostAlloc.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_uint]
    except (OSError, AttributeError):
        return None
    return library
