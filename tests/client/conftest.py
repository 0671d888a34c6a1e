import pytest

import augmint
from tests.client.fakes import FakeService, served
from tests.client.programs import Programs
from tests.processes import Service


@pytest.fixture
def fake():
    return FakeService(max_samples=64, preferred=8)


@pytest.fixture
def light(fake, monkeypatch):
    """Measuring a load costs little time of the processor."""
    fake.pause = 0.005
    monkeypatch.setattr("augmint.bench.WARM_UP_S", 0.1)


@pytest.fixture
def client(fake):
    with augmint.Client(transport=fake) as client:
        yield client


@pytest.fixture
def target(fake):
    """The fake over a real socket: HOST:PORT."""
    with served(fake) as target:
        yield target


@pytest.fixture(scope="session")
def forked():
    """Starts a program in which PyTorch is imported: forked(CODE, *ARGUMENTS)."""
    with Programs() as programs:
        yield programs.start


@pytest.fixture(scope="module")
def service(models, forked):
    """The real service of what the file publishes, in a process of its own."""
    service = Service(models, start=forked)
    yield service
    service.kill()
