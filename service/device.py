"""Devices: their names, how ONNX Runtime is asked for them, and what its errors say about them."""

from __future__ import annotations

import contextlib
import io
import re

import onnxruntime

# Warnings of ONNX Runtime go to stderr past the log; its errors reach us as exceptions.
onnxruntime.set_default_logger_severity(4)

NAME = re.compile(r"cpu|cuda(?::(\d{1,3}))?")

_OUT_OF_MEMORY = re.compile(r"out of memory|failed to allocate memory|CUDA failure 2\b", re.IGNORECASE)


def runtime_version() -> str:
    """Of ONNX Runtime."""
    return str(onnxruntime.__version__)


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used here; the message says why. Never answered by using another."""


def out_of_memory(error: Exception) -> bool:
    """Whether a device had no memory for what failed."""
    return bool(_OUT_OF_MEMORY.search(str(error)))


def options(device: str, threads: int, fallback: bool = False) -> onnxruntime.SessionOptions:
    """Of a session; fallback: nodes without a kernel for the device may run on the CPU."""
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.use_deterministic_compute = True
    # A thread that spins while it waits takes a core from the other lanes and from gRPC.
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device != "cpu" and not fallback:
        # A node without a kernel for the GPU is a load error, not a slow detour through the CPU.
        chosen.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return chosen


def providers(device: str) -> list[tuple[str, dict[str, str]]]:
    """The execution provider of a device and its options; raises DeviceError for an unknown name."""
    match = NAME.fullmatch(device)
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


def no_provider(device: str, provider: str) -> DeviceError:
    """What to raise when ONNX Runtime did without the provider."""
    return DeviceError(
        f"device {device!r} cannot be used: ONNX Runtime {onnxruntime.__version__} could not start {provider}. It "
        "needs an NVIDIA driver R580 or newer and the libraries of `pip install 'onnxruntime-gpu[cuda,cudnn]'`; "
        "choose device 'cpu' to do without"
    )
