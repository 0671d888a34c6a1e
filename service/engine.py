"""Arrays in, arrays out: the only place where onnxruntime is used.

A Session is one loaded file on one device. An Engine (below) runs a file by lanes and knows what a batch costs.
"""

from __future__ import annotations

import contextlib
import io
import re

import numpy as np
import onnxruntime

from service import artifact

# Warnings of ONNX Runtime go to stderr past the log; its errors reach us as exceptions.
onnxruntime.set_default_logger_severity(4)

DEVICE = re.compile(r"cpu|cuda(?::(\d{1,3}))?")

_DTYPES = {
    "tensor(uint8)": np.dtype("<u1"),
    "tensor(int16)": np.dtype("<i2"),
    "tensor(int32)": np.dtype("<i4"),
    "tensor(int64)": np.dtype("<i8"),
    "tensor(uint64)": np.dtype("<u8"),
    "tensor(float)": np.dtype("<f4"),
}


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used here; the message says why. Never answered by using another."""


class Session:
    """One ONNX file, loaded on one device. `run` may be called from several threads at once on a CPU."""

    def __init__(self, content: bytes, device: str = "cpu", threads: int = 1) -> None:
        """Load a file.

        content: the bytes of an ONNX file with all weights inside.
        device:  "cpu", "cuda" or "cuda:N".
        threads: threads that one `run` uses on a CPU, at least 1.

        Raises artifact.ArtifactError if the bytes cannot be loaded, DeviceError if the device cannot be used.
        """
        providers = _providers(device)
        wanted = providers[0][0]
        try:
            session = onnxruntime.InferenceSession(content, _options(device, threads), providers=providers)
        except Exception as error:  # ONNX Runtime raises a dozen unrelated types, some of them plain RuntimeError
            # Where the provider did not start, every node is on the CPU, and that is not the file's fault.
            if device == "cpu" or wanted in _available(content, device, threads, providers):
                raise artifact.ArtifactError(f"ONNX Runtime cannot load the file: {_reason(error)}") from error
            raise _no_provider(device, wanted) from error
        if session.get_providers()[0] != wanted:
            raise _no_provider(device, wanted)
        session.disable_fallback()
        self._session = session
        self.device = device
        self.metadata: str | None = session.get_modelmeta().custom_metadata_map.get(artifact.METADATA_KEY)
        self.inputs = [_tensor(value) for value in session.get_inputs()]
        self.outputs = [_tensor(value) for value in session.get_outputs()]

    def run(self, rows: artifact.Rows) -> np.ndarray:
        """Compute the samples of n addresses.

        rows:    n >= 1 addresses.
        returns: the generator's sample dtype [n, *sample shape].
        """
        feed = {"seed": rows.seed, "index": rows.index, "label": rows.label, "truncation": rows.truncation}
        return self._session.run([artifact.OUTPUT], feed)[0]


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


def _available(content: bytes, device: str, threads: int, providers: list[tuple[str, dict[str, str]]]) -> list[str]:
    """Providers that start when falling back is allowed; all that were asked for if the file itself is the fault."""
    try:
        return onnxruntime.InferenceSession(
            content, _options(device, threads, True), providers=providers
        ).get_providers()
    except Exception:  # as above
        return [name for name, _ in providers]


def _no_provider(device: str, provider: str) -> DeviceError:
    return DeviceError(
        f"device {device!r} cannot be used: ONNX Runtime {onnxruntime.__version__} could not start {provider}. It needs "
        "an NVIDIA driver R580 or newer and the libraries of `pip install 'onnxruntime-gpu[cuda,cudnn]'`; "
        "choose device 'cpu' to do without"
    )


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    match = DEVICE.fullmatch(device)
    if match is None:
        raise DeviceError(f"unknown device {device!r}; wanted cpu, cuda or cuda:N")
    if device == "cpu":
        return [("CPUExecutionProvider", {})]
    # Finds the CUDA libraries that pip installed. It prints when it fails, and raises nothing: the provider is asserted.
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
