"""One ONNX file, loaded on one device: arrays in, arrays out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime

from service import artifact
from service.runtime import cuda, prune
from service.runtime import device as devices

_DTYPES: dict[str, np.dtype] = {
    "tensor(uint8)": np.dtype("<u1"),
    "tensor(int16)": np.dtype("<i2"),
    "tensor(int32)": np.dtype("<i4"),
    "tensor(int64)": np.dtype("<i8"),
    "tensor(uint64)": np.dtype("<u8"),
    "tensor(float)": np.dtype("<f4"),
}

# What each sort of batch computes.
SCORED = (artifact.OUTPUT, artifact.SCORE)
CARRIED = (artifact.TRANSFORMED, artifact.RECOGNISED)

Batch = artifact.Rows | artifact.Originals


class Session:
    """One ONNX file, loaded on one device. `run` may be called from several threads at once."""

    def __init__(
        self,
        content: bytes,
        device: str = "cpu",
        threads: int = 1,
        options: devices.Options = devices.PLAIN,
        events: devices.Callbacks = devices.SILENT,
    ) -> None:
        """Load a file.

        content: the bytes of an ONNX file with all weights inside.
        device:  "cpu", "cuda" or "cuda:N".
        threads: threads that one `run` uses on a CPU, at least 1.
        options: of a GPU. A file that cannot have CUDA graphs is loaded without, and `events` says so.

        A file with scores is loaded twice, with them and without, which costs the generator's weights once more. What
        transforms is a part of its own, which costs the encoder's weights and the generator's.

        Raises artifact.ArtifactError if the bytes cannot be loaded, device.DeviceError if the device cannot be used,
        errors.DeviceBroken if it has failed for good.
        """
        devices.providers(device, options)  # unknown names are refused first
        self.device = device
        self.threads, self._options = threads, options
        self._gpu = None if device == "cpu" else cuda.gpu(device)
        self.graphs = cuda.Graphs(options.graphs and self._gpu is not None, events)
        with devices.watching(device):
            self._open(content)
        self._content = content if self.graphs.on else b""

    def _open(self, content: bytes) -> None:
        """Load, or load again without graphs."""
        device, threads = self.device, self.threads
        plain = replace(self._options, graphs=False)
        full: onnxruntime.InferenceSession | None = _load(content, device, threads, plain)
        self._describe(full)
        # ONNX Runtime computes all nodes whichever outputs are asked for: each sort of batch takes a graph of its own.
        shorter: bytes | None = None
        if self.scored or self.transforms:
            shorter = _part(content, artifact.INPUTS, [artifact.OUTPUT])
        self._scored: Any = full
        self._carrying: Any = None  # of a file that transforms
        if self.transforms:
            # What has all parts is wanted no more, and goes before they come.
            full = self._scored = None
            carrying = _part(content, artifact.ORIGINAL_INPUTS, CARRIED)
            self._carrying = _load(carrying or content, device, threads, plain)
            if self.scored:
                scored = _part(content, artifact.INPUTS, SCORED)
                self._scored = _load(scored or content, device, threads, plain)
        self._session = (
            full if full is not None and shorter is None else _load(shorter or content, device, threads, plain)
        )
        if self.graphs.on:
            # A second session with graphs: the first one stays if that fails.
            try:
                self._session = _create(shorter or content, device, threads, self._options)
            except Exception as error:
                if devices.fatal(error):
                    raise
                self.graphs.give_up("load", error)
        if not self.scored:
            self._scored = self._session

    def _describe(self, full: onnxruntime.InferenceSession) -> None:
        """What the file says of itself."""
        try:
            self.metadata: str | None = full.get_modelmeta().custom_metadata_map.get(artifact.METADATA_KEY)
            self.inputs = [_tensor(value) for value in full.get_inputs()]
            self.optional = [_tensor(value) for value in full.get_overridable_initializers()]
            self.outputs = [_tensor(value) for value in full.get_outputs()]
        except UnicodeDecodeError as error:
            raise artifact.ArtifactError(f"a text in the file is not UTF-8: {error}") from error
        names = {value.name for value in self.outputs}
        self.scored, self.transforms = artifact.SCORE in names, names.issuperset(CARRIED)

    def without_graphs(self) -> None:
        """Load the file again, to run without CUDA graphs; nothing may be bound, and all is to be bound again."""
        del self._session, self._scored, self._carrying
        with devices.watching(self.device):
            self._open(self._content)
        self._content = b""

    def placement(self) -> dict[str, dict[str, int]]:
        """Nodes of the graph by execution provider and operator, e.g. {"CUDAExecutionProvider": {"Gemm": 4}}."""
        return _placement(self._session)

    def run(self, rows: artifact.Rows) -> np.ndarray:
        """Compute the samples of n addresses.

        rows:    n >= 1 addresses.
        returns: the generator's sample dtype [n, *sample shape].
        """
        return self._run(self._session, [artifact.OUTPUT], rows)[0]

    def run_scored(self, rows: artifact.Rows) -> tuple[np.ndarray, np.ndarray]:
        """Compute samples and their scores; only of a file that is `scored`.

        returns: as `run`, and float32 [n].
        """
        samples, scores = self._run(self._scored, SCORED, rows)
        return samples, scores

    def run_transform(self, originals: artifact.Originals) -> tuple[np.ndarray, np.ndarray]:
        """Carry n >= 1 samples into other classes; only of a file that `transforms`.

        returns: the carried samples, as `run`, and the classes that they were of, int64 [n].
        """
        samples, recognised = self._run(self._carrying, CARRIED, originals)
        return samples, recognised

    def _run(self, session: onnxruntime.InferenceSession, names: Sequence[str], rows: Batch) -> list[np.ndarray]:
        feeds = _feeds(rows)
        if self._gpu is None:
            return session.run(names, feeds)
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("gpu_graph_id", cuda.NO_GRAPH)  # without, this run would be captured
        with devices.watching(self.device):
            return self._gpu.call(session.run, names, feeds, options)

    def buffer(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """Memory for samples, of the kind that the device copies to fastest."""
        return np.empty(shape, dtype) if self._gpu is None else self._gpu.buffer(shape, dtype)

    def bind(self, rows: Batch, samples: np.ndarray, beside: np.ndarray | None = None) -> Callable[[], None]:
        """Prepare runs that read and write the same memory every time.

        rows, samples: buffers for n addresses, or n originals, and their samples; they stay the caller's to fill and to
                       read.
        beside:        float32 [n] for scores; of originals int64 [n] for the classes that they were of, and not
                       optional. None: scores are not computed.
        returns:       a function that computes `samples` (and `beside`) from what `rows` holds when it is called; of a
                       session with graphs and rows without scores a cuda.Binding that can be captured.
        """
        session, (name, name_beside) = self._session, SCORED
        if isinstance(rows, artifact.Originals):
            session, (name, name_beside) = self._carrying, CARRIED
        elif beside is not None:
            session = self._scored
        inputs = _feeds(rows)
        outputs = {name: samples} | ({} if beside is None else {name_beside: beside})
        if self._gpu is not None:
            return cuda.Binding(session, self._gpu, inputs, outputs, self.graphs)
        binding = session.io_binding()
        # On a CPU an OrtValue is the array's own memory.
        for name, array in inputs.items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
        for name, array in outputs.items():
            binding.bind_ortvalue_output(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))

        def run() -> None:
            session.run_with_iobinding(binding)

        return run


def _part(content: bytes, inputs: Collection[str], outputs: Collection[str]) -> bytes | None:
    """As prune.part; ArtifactError if there is no such part."""
    try:
        return prune.part(content, inputs, outputs)
    except prune.Needed as error:
        raise artifact.ArtifactError(f"the graph cannot be divided: {error}") from error


def _create(
    content: bytes, device: str, threads: int, options: devices.Options, fallback: bool = False
) -> onnxruntime.InferenceSession:
    """A session of ONNX Runtime; fallback: nodes without a kernel for the device may run on the CPU."""
    settings, providers = devices.session_options(device, threads, fallback), devices.providers(device, options)
    with cuda.EXCLUSIVE if device != "cpu" else contextlib.nullcontext():
        # With ONNX Runtime's own fall-back a failure would be printed, and tried again on a CPU.
        return onnxruntime.InferenceSession(content, settings, providers=providers, enable_fallback=0)


def _load(content: bytes, device: str, threads: int, options: devices.Options) -> onnxruntime.InferenceSession:
    """A graph on a device; see Session."""
    wanted = devices.providers(device, options)[0][0]
    try:
        session = _create(content, device, threads, options)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types, some of them plain RuntimeError
        if device != "cpu" and devices.fatal(error):
            raise
        # Where the provider did not start, every node is on the CPU, and that is not the file's fault.
        unsupported = [] if device == "cpu" else _unsupported_operators(content, device, threads, options)
        if unsupported is None:
            raise devices.no_provider(device, wanted) from error
        on_cpu = f"; without a kernel for {device}: {', '.join(unsupported)}" if unsupported else ""
        raise artifact.ArtifactError(f"ONNX Runtime cannot load the file: {devices.reason(error)}{on_cpu}") from error
    if session.get_providers()[0] != wanted:
        raise devices.no_provider(device, wanted)
    return session


def _unsupported_operators(content: bytes, device: str, threads: int, options: devices.Options) -> list[str] | None:
    """Operators that have no kernel for a GPU; None if its provider does not start.

    Raises ArtifactError if the file is at fault and no device could load it.
    """
    try:
        session = _create(content, device, threads, options, fallback=True)
    except Exception:  # as above
        Session(content)  # on a CPU, which is always there
        return None
    wanted = devices.providers(device, options)[0][0]
    if wanted not in session.get_providers():
        return None
    return sorted({operator for name, nodes in _placement(session).items() if name != wanted for operator in nodes})


def _placement(session: onnxruntime.InferenceSession) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for part in session.get_provider_graph_assignment_info():
        nodes = found.setdefault(part.ep_name, {})
        for node in part.get_nodes():
            nodes[node.op_type] = nodes.get(node.op_type, 0) + 1
    return found


def columns(rows: Batch) -> tuple[np.ndarray, ...]:
    """In the order of artifact.INPUTS, or ORIGINAL_INPUTS. (dataclasses.astuple would copy them.)"""
    if isinstance(rows, artifact.Originals):
        return rows.content, rows.target, rows.source, rows.strength
    return rows.seed, rows.index, rows.label, rows.truncation


def _feeds(rows: Batch) -> dict[str, np.ndarray]:
    names = artifact.ORIGINAL_INPUTS if isinstance(rows, artifact.Originals) else artifact.INPUTS
    return dict(zip(names, columns(rows), strict=True))


def _tensor(value: onnxruntime.NodeArg) -> artifact.Tensor:
    return artifact.Tensor(value.name, _DTYPES.get(value.type), tuple(value.shape))
