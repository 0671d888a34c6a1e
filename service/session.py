"""One ONNX file, loaded on one device: arrays in, arrays out."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import onnxruntime

from service import artifact, graph
from service import device as devices

_DTYPES: dict[str, np.dtype] = {
    "tensor(uint8)": np.dtype("<u1"),
    "tensor(int16)": np.dtype("<i2"),
    "tensor(int32)": np.dtype("<i4"),
    "tensor(int64)": np.dtype("<i8"),
    "tensor(uint64)": np.dtype("<u8"),
    "tensor(float)": np.dtype("<f4"),
}


class Session:
    """One ONNX file, loaded on one device. `run` may be called from several threads at once on a CPU."""

    def __init__(self, content: bytes, device: str = "cpu", threads: int = 1) -> None:
        """Load a file.

        content: the bytes of an ONNX file with all weights inside.
        device:  "cpu", "cuda" or "cuda:N".
        threads: threads that one `run` uses on a CPU, at least 1.

        A file with scores is loaded twice, with them and without, which costs the generator's weights once more.

        Raises artifact.ArtifactError if the bytes cannot be loaded, device.DeviceError if the device cannot be used.
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
        return self._session.run([artifact.OUTPUT], dict(zip(artifact.INPUTS, columns(rows), strict=True)))[0]

    def run_scored(self, rows: artifact.Rows) -> tuple[np.ndarray, np.ndarray]:
        """Compute samples and their scores; only of a file that is `scored`.

        returns: as `run`, and float32 [n].
        """
        names = [artifact.OUTPUT, artifact.SCORE]
        samples, scores = self._scored.run(names, dict(zip(artifact.INPUTS, columns(rows), strict=True)))
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
        pairs = [(onnxruntime.OrtValue.ortvalue_from_numpy(array, *place), array) for array in columns(rows)]
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
    providers = devices.providers(device)
    wanted = providers[0][0]
    try:
        # With its fall-back a failure would be printed, and tried again on a CPU.
        session = onnxruntime.InferenceSession(
            content, devices.options(device, threads), providers=providers, enable_fallback=0
        )
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types, some of them plain RuntimeError
        # Where the provider did not start, every node is on the CPU, and that is not the file's fault.
        if device == "cpu" or _starts(content, device, threads, providers):
            raise artifact.ArtifactError(f"ONNX Runtime cannot load the file: {_reason(error)}") from error
        raise devices.no_provider(device, wanted) from error
    if session.get_providers()[0] != wanted:
        raise devices.no_provider(device, wanted)
    return session


def _starts(content: bytes, device: str, threads: int, providers: list[tuple[str, dict[str, str]]]) -> bool:
    """Whether the wanted provider starts when falling back is allowed; raises ArtifactError if the file is at fault."""
    try:
        session = onnxruntime.InferenceSession(
            content, devices.options(device, threads, fallback=True), providers=providers
        )
    except Exception:  # as above
        Session(content)  # on a CPU, which is always there
        return False
    return providers[0][0] in session.get_providers()


def columns(rows: artifact.Rows) -> tuple[np.ndarray, ...]:
    """In the order of artifact.INPUTS. (dataclasses.astuple would copy them.)"""
    return rows.seed, rows.index, rows.label, rows.truncation


def _tensor(value: onnxruntime.NodeArg) -> artifact.Tensor:
    return artifact.Tensor(value.name, _DTYPES.get(value.type), tuple(value.shape))


def _reason(error: Exception) -> str:
    """The useful part of an error of ONNX Runtime: one line, without its code prefix, at most 300 characters."""
    text = " ".join(str(error).split())
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)[:300]
