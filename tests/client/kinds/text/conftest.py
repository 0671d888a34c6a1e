import numpy as np
import pytest

from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService

VOCABULARY = ("", "a", "b", "é", "ש", "\U0001f469", "\u200d", " ", '"', "the ")
LENGTH = 6


class TextService(FakeService):
    """The fake, with texts."""

    def __init__(self, vocabulary=VOCABULARY, labels=("Greek", "Irish")) -> None:
        super().__init__(max_samples=4096, preferred=512, labels=labels)
        text = pb.TextSpec(vocabulary=vocabulary, end_id=0)
        self.sample = pb.SampleSpec(shape=[LENGTH], dtype=pb.DATA_TYPE_INT32, text=text)

    def expected(self, seed, indices, classes, truncation=1, version=0):
        ids = super().expected(seed, indices, classes, truncation, version) % len(self.sample.text.vocabulary)
        return np.where((ids == 0).cumsum(1) > 0, 0, ids).astype(np.int32)


@pytest.fixture
def fake():
    return TextService()
