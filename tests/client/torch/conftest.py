from functools import partial

import pytest

from augmint.torch import SyntheticStream
from tests.client.fakes import FakeService
from tests.client.torch.reals import mixture


@pytest.fixture
def fake():
    return FakeService(max_samples=512, preferred=256)


@pytest.fixture
def stream(client):
    """Makes streams over the fake."""
    return lambda **options: SyntheticStream(client, **{"batch_size": 8, "seed": 7, **options})


@pytest.fixture
def mixed(client):
    """Makes mixtures of a Real with the fake."""
    return partial(mixture, client)
