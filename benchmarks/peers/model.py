"""The generator's file as every peer holds it; needs NumPy and ONNX Runtime and nothing of this project."""

import numpy as np
import onnxruntime

from benchmarks.serving.row import ROW


class Model:
    """A session of one thread: two of them, on two cores, are faster than one of two threads."""

    def __init__(self, file: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(self, rows: bytes | np.ndarray) -> np.ndarray:
        """Compute samples.

        rows:    records of ROW, n of them, n >= 1.
        returns: the generator's sample dtype [n, *sample shape].
        """
        records = np.frombuffer(rows, ROW)
        feed = {name: np.ascontiguousarray(records[name]) for name in ROW.names or ()}
        return self._session.run(["sample"], feed)[0]

    def run_requests(self, requests: list[bytes]) -> list[bytes]:
        """Compute the samples of many requests in one batch; the answers, in the same order."""
        samples = self.run(b"".join(requests)).data.cast("B")
        size = len(samples) * ROW.itemsize // sum(map(len, requests))
        answers, start = [], 0
        for request in requests:
            end = start + len(request) // ROW.itemsize * size
            answers.append(bytes(samples[start:end]))
            start = end
        return answers
