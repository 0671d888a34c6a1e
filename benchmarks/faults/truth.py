"""What the right answer is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.engine import Session


class Truth:
    """What the files themselves give, by ONNX Runtime alone."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}
        self._sessions: dict[str, Session] = {}

    def add(self, content: bytes) -> str:
        """Know one more file; returns its digest."""
        digest = artifact.digest(content)
        self._contents[digest] = content
        return digest

    def samples(self, digest: str, seed: int, start: int, classes: Sequence[int]) -> bytes:
        """The bytes of samples that follow `start`, truncation 1."""
        n = len(classes)
        columns = (np.full(n, artifact.mix_seed(seed)), np.arange(start, start + n), np.array(classes), np.ones(n))
        kinds = artifact.INPUTS.values()
        rows = artifact.Rows(*(column.astype(kind) for column, kind in zip(columns, kinds, strict=True)))
        if digest not in self._sessions:
            self._sessions[digest] = Session(self._contents[digest])
        return self._sessions[digest].run(rows).tobytes()

    def holds(self, response: pb.GenerateResponse) -> bool:
        """Whether a response is wholly what the file that it names gives."""
        if response.digest not in self._contents:
            return False
        wanted = self.samples(response.digest, response.seed, response.start_index, response.class_indices)
        return response.data == wanted


class Checked:
    """A reader's call, of samples of one class of the generator "tiny", compared with the truth.

    seen:  digests of files to the number of answers that name them.
    wrong: digest of each answer that is not wholly what its file gives.
    """

    def __init__(self, call: Callable[..., bytes], truth: Truth, rows: int) -> None:
        self._call, self._truth, self._rows = call, truth, rows
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    def __call__(self, reader: int) -> None:
        request = pb.GenerateRequest(generator="tiny", class_indices=[reader] * self._rows, seed=reader)
        response = pb.GenerateResponse.FromString(self._call(request.SerializeToString(), timeout=60))
        self.seen[response.digest] += 1
        if not self._truth.holds(response):
            self.wrong.append(response.digest)
