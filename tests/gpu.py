"""A make-believe GPU: what the service uses of ONNX Runtime's CUDA provider, as it is documented, computed on the CPU.

Memory of the device is apart from that of the host; a graph is captured per thread and id in the third run, and then
reads and writes the addresses that it was captured with, whatever is bound; what would spoil a capture on a GPU, or
corrupt the memory of a graph, is noted in `wrongs`. Faults are made by setting attributes.
"""

from __future__ import annotations

import ctypes
import functools
import threading

import numpy as np
import onnxruntime as real

from service.runtime import cuda

REGULAR_RUNS = 2


class Value:
    """A tensor on the device."""

    def __init__(self, gpu, array):
        self._gpu = gpu
        self.memory = array.copy()

    def update_inplace(self, array):
        self._gpu.touch("update_inplace")
        self._gpu.fail("copy")
        assert array.shape == self.memory.shape
        assert array.dtype == self.memory.dtype
        self.memory[...] = array

    def numpy(self):
        self._gpu.touch("numpy")
        self._gpu.fail("copy")
        return self.memory.copy()

    def data_ptr(self):
        return self.memory.ctypes.data


class Binding:
    def __init__(self):
        self.inputs, self.outputs = {}, {}

    def bind_ortvalue_input(self, name, value):
        self.inputs[name] = value

    def bind_ortvalue_output(self, name, value):
        self.outputs[name] = value

    def synchronize_outputs(self):
        pass


class Session:
    """An InferenceSession on the device."""

    def __init__(self, gpu, content, options, providers, enable_fallback=1):
        (self._provider, settings), *_ = providers
        gpu.touch("session")
        gpu.fail("load")
        self.graphs = settings.get("enable_cuda_graph") == "1"
        if self.graphs:
            gpu.fail("load_graphs")
        self.settings = settings
        self._gpu = gpu
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "0")
        self._real = real.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._running = threading.Lock()
        self._runs: dict[tuple[int, str], int] = {}
        self._captured: dict[tuple[int, str], Binding] = {}
        gpu.sessions.append(self)

    def get_providers(self):
        return [self._provider, "CPUExecutionProvider"]

    def __getattr__(self, name):  # get_inputs, get_outputs, get_modelmeta, get_provider_graph_assignment_info
        return getattr(self._real, name)

    def io_binding(self):
        return Binding()

    def run(self, names, feeds, options=None):
        self._gpu.touch("run")
        self._gpu.fail("run")
        if self.graphs and (options is None or options.get_run_config_entry("gpu_graph_id") != "-1"):
            self._gpu.wrongs.append("a run without bound memory would be captured")
        return self._real.run(names, feeds)

    def run_with_iobinding(self, binding, options=None):
        graph = "0"
        try:
            graph = options.get_run_config_entry("gpu_graph_id")
        except Exception:
            self._gpu.wrongs.append("a run without a graph id")
        if not self._running.acquire(blocking=False):
            self._gpu.wrongs.append("two runs of a session at the same time share the memory of its graphs")
            self._running.acquire()
        try:
            self._run(binding, graph)
        finally:
            self._running.release()

    def _run(self, binding, graph):
        place = threading.get_ident(), graph
        rows = len(next(iter(binding.inputs.values())).memory)
        if not self.graphs or graph == "-1":
            self._gpu.touch("run")
            self._gpu.fail("run", rows)
            self._compute(binding)
        elif place in self._captured:
            self._gpu.touch("run")
            self._gpu.fail("replay", rows)
            self._gpu.replays += 1
            self._compute(self._captured[place])
        elif self._runs.setdefault(place, 0) < REGULAR_RUNS:
            self._gpu.touch("run")
            self._runs[place] += 1
            self._compute(binding)
        else:
            self._gpu.capturing = threading.get_ident()
            try:
                self._gpu.fail("capture", rows)
                self._compute(binding)
            finally:
                self._gpu.capturing = None
            bound = Binding()
            bound.inputs, bound.outputs = dict(binding.inputs), dict(binding.outputs)
            self._captured[place] = bound
            self._gpu.captures.append((graph, rows))

    def _compute(self, binding):
        feeds = {name: value.memory for name, value in binding.inputs.items()}
        for value, result in zip(binding.outputs.values(), self._real.run(list(binding.outputs), feeds), strict=True):
            value.memory[...] = result + np.asarray(self._gpu.wrong_by, result.dtype)


class Cudart:
    """What the service uses of the CUDA runtime; all memory is the host's."""

    def __init__(self, gpu):
        self._gpu = gpu
        self._kept = []
        self.copies = 0
        self.status = 0  # what cudaMemcpy returns
        self.locked = 0  # bytes

    def cudaSetDevice(self, number):
        return 0

    def cudaMemcpy(self, to, source, size, kind):
        self._gpu.touch("cudaMemcpy")
        if self.status:
            return self.status
        self.copies += 1
        ctypes.memmove(to, source, size)
        return 0

    def cudaHostAlloc(self, pointer, size, flags):
        self._gpu.touch("cudaHostAlloc")
        self._kept.append((ctypes.c_uint8 * size)())
        self.locked += size
        pointer._obj.value = ctypes.addressof(self._kept[-1])
        return 0


class Gpu:
    """Stands for the modules onnxruntime and libcudart where the service looks for them; see `install`."""

    def __init__(self):
        self.sessions: list[Session] = []
        self.captures: list[tuple[str, int]] = []  # id and rows
        self.replays = 0
        self.capturing: int | None = None  # the thread that is
        self.wrongs: list[str] = []
        self.wrong_by = 0  # added to all samples
        self.faults: dict[str, str] = {}  # of load, load_graphs, run, replay, capture or copy: the error's message
        self.memory_rows: int | None = None  # larger batches run out of memory
        self.cudart = Cudart(self)
        gpu = self

        class OrtValue:
            @staticmethod
            def ortvalue_from_numpy(array, device_type="cpu", device_id=0):
                if device_type == "cpu":
                    return real.OrtValue.ortvalue_from_numpy(array)
                gpu.touch("allocation")
                return Value(gpu, array)

        class Module:
            """`onnxruntime`, except for what concerns the device."""

            def __getattr__(self, name):
                return getattr(real, name)

        self.module = Module()
        self.module.OrtValue = OrtValue
        self.module.preload_dlls = lambda: None
        self.module.InferenceSession = self._session

    def _session(self, content, options=None, providers=(), **others):
        if providers and providers[0][0] == "CUDAExecutionProvider":
            return Session(self, content, options, providers, **others)
        return real.InferenceSession(content, options, providers=providers, **others)

    def touch(self, what):
        if self.capturing is not None and self.capturing != threading.get_ident():
            self.wrongs.append(f"{what} of another thread spoils a capture")

    def fail(self, where, rows=0):
        if where in self.faults:
            raise RuntimeError(self.faults[where])
        if self.memory_rows is not None and rows > self.memory_rows:
            raise RuntimeError(
                "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer"
            )

    def install(self, monkeypatch, pinned=True):
        """Put it where a GPU would be, for one test. pinned: the CUDA runtime is found."""
        for module in ("service.runtime.session", "service.runtime.cuda", "service.runtime.device"):
            monkeypatch.setattr(f"{module}.onnxruntime", self.module)
        monkeypatch.setattr("service.runtime.cuda._library", lambda: self.cudart if pinned else None)
        monkeypatch.setattr("service.runtime.cuda.gpu", functools.cache(cuda.Gpu))
        return self
