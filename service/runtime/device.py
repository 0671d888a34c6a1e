"""Devices: their names, how ONNX Runtime is asked for them, and what its errors say about them."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from service.errors import DeviceBroken

# Warnings of ONNX Runtime go to stderr past the log; its errors reach us as exceptions.
onnxruntime.set_default_logger_severity(4)

NAME = re.compile(r"cpu|cuda(?::(\d{1,3}))?")

_OUT_OF_MEMORY = re.compile(r"out of memory|failed to allocate memory|CUDA failure 2\b", re.IGNORECASE)
# Errors after which every call to the GPU fails until the process ends, by CUDA's number (cudaError_t): devices that
# are gone, uncorrectable errors of memory or links, illegal addresses and instructions, failed launches, unknown ones.
_FATAL = re.compile(
    r"CUDA failure (?:46|100|214|220|226|700|702|709|710|71[4-9]|721|999)\b"
    r"|illegal memory access|unspecified launch failure|uncorrectable ECC|misaligned address|illegal instruction"
    r"|device-side assert|launch timed out|context is destroyed|GPU is lost",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a GPU is used; nothing of it concerns a CPU."""

    graphs: bool = False  # one CUDA graph per batch size and lane: the CPU launches it whole
    tf32: bool = False  # faster products of matrices with 10 bits of mantissa instead of 23: other samples, not worse
    memory_bytes: int = 0  # for the activations of one file; 0: whatever the GPU has


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Callbacks for device failures; any thread may call them."""

    broken: Callable[[str], None] = lambda reason: None  # the device has failed for good; called once for each file
    fallback: Callable[[str, str], None] = lambda stage, reason: None  # a file runs without CUDA graphs from now on


PLAIN, SILENT = Options(), Callbacks()


def runtime_version() -> str:
    """The version of ONNX Runtime."""
    return str(onnxruntime.__version__)


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used here; the message says why. Never answered by using another."""


def out_of_memory(error: Exception) -> bool:
    """Whether an error says that the device is out of memory."""
    return bool(_OUT_OF_MEMORY.search(str(error)))


def fatal(error: BaseException) -> bool:
    """Whether a GPU fails every call of this process after an error."""
    return bool(_FATAL.search(str(error)))


@contextlib.contextmanager
def watching(device: str) -> Iterator[None]:
    """Turn the errors of a device that has failed for good into DeviceBroken."""
    try:
        yield
    except Exception as error:
        if device.startswith("cpu") or not fatal(error):
            raise
        raise DeviceBroken(f"device {device} has failed and this server is to be restarted; ask another one") from error


def reason(error: BaseException) -> str:
    """The useful part of an error of ONNX Runtime: one line, without its code prefix, at most 300 characters."""
    text = " ".join(str(error).split())
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)[:300]


def names(devices: str) -> list[str]:
    """Devices of a list with commas, all of one kind, since kinds round differently; raises DeviceError."""
    chosen = devices.split(",")
    for name in chosen:
        if NAME.fullmatch(name) is None:
            raise DeviceError(f"unknown device {name!r}; wanted cpu, cuda or cuda:N, or several: cuda:0,cuda:1")
    gpus = [number(name) for name in chosen if name != "cpu"]
    if gpus and len(gpus) < len(chosen):
        raise DeviceError(f"devices {devices!r} are of two kinds, and samples of one kind differ from the other's")
    if len(set(gpus)) < len(gpus):
        raise DeviceError(f"devices {devices!r} name one GPU twice")
    return chosen


def number(device: str) -> int:
    """The number of a GPU, e.g. 1 for cuda:1."""
    return int(device.partition(":")[2] or 0)


def lanes(devices: str, cores: int) -> int:
    """How many batches should be at work at the same time: one per core, or two per GPU.

    Of the two batches on a GPU one is computed while the samples of the other are copied out and handed over.
    """
    chosen = names(devices)
    return max(cores, len(chosen)) if chosen[0] == "cpu" else 2 * len(chosen)


def session_options(device: str, threads: int, fallback: bool = False) -> onnxruntime.SessionOptions:
    """fallback: nodes without a kernel for the device may run on the CPU."""
    chosen = onnxruntime.SessionOptions()
    # Records which node runs where.
    chosen.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    chosen.use_deterministic_compute = True
    # A thread that spins while it waits takes a core from the other lanes and from gRPC.
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if device != "cpu" and not fallback:
        # A node without a kernel for the GPU is a load error, not a slow detour through the CPU.
        chosen.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return chosen


def providers(device: str, chosen: Options) -> list[tuple[str, dict[str, str]]]:
    """The execution provider of a device and its options; raises DeviceError for an unknown name."""
    names(device)
    if device == "cpu":
        return [("CPUExecutionProvider", {})]
    # Finds the CUDA libraries that pip installed. When it fails it only prints: the provider is asserted.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    options = {
        "device_id": str(number(device)),
        # The default, EXHAUSTIVE, times every algorithm for every new batch size, and may choose differently each time.
        "cudnn_conv_algo_search": "HEURISTIC",
        # TensorFloat-32 rounds differently from one generation of GPUs to the next.
        "use_tf32": "1" if chosen.tf32 else "0",
        # While a graph is captured nothing can be allocated; ONNX Runtime's own tests of graphs ask for this as well.
        "arena_extend_strategy": "kSameAsRequested",
        "enable_cuda_graph": "1" if chosen.graphs else "0",
    }
    if chosen.memory_bytes:
        options["gpu_mem_limit"] = str(chosen.memory_bytes)
    return [("CUDAExecutionProvider", options)]


def no_provider(device: str, provider: str) -> DeviceError:
    """The error to raise when ONNX Runtime could not start a provider."""
    return DeviceError(
        f"device {device!r} cannot be used: ONNX Runtime {onnxruntime.__version__} could not start {provider}. It "
        "needs an NVIDIA driver R580 or newer and the libraries of `pip install 'onnxruntime-gpu[cuda,cudnn]'`; "
        "choose device 'cpu' to do without"
    )


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use, at least 1; in a container with a limit fewer than the machine has.

    quota: of control groups version 2, "MICROSECONDS PERIOD" or "max PERIOD"; need not exist.
    """
    most = len(os.sched_getaffinity(0))
    try:
        allowed, period = quota.read_text().split()
        # Rounded up: with 1.5 cores, two lanes use all of them and one does not.
        return min(most, max(1, math.ceil(int(allowed) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):
        return most
