import numpy as np
import pytest

from augmint.generators import Description
from augmint.samples import Samples
from augmint.v1 import generator_pb2 as pb
from tests.client.tables import LABELS, TableService


@pytest.fixture
def fake():
    return TableService()


@pytest.fixture
def samples_of():
    """(table, raw rows) -> Samples, labels in turn."""

    def make(table, rows):
        rows = np.asarray(rows, np.float32)
        fake = TableService(table)
        description = Description.read(fake.get_generator(pb.GetGeneratorRequest(), 1))
        n = len(rows)
        return Samples(rows, np.arange(n) % len(LABELS), np.arange(n, dtype=np.uint64), description, 7, 1.0)

    return make
