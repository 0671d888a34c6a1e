import time

import pytest
from prometheus_client import CollectorRegistry

from service.metrics import Metrics
from service.repository.loader import Loader
from service.repository.policy import Keep
from service.repository.repository import Repository
from service.repository.sources import Folder
from service.scheduling.scheduler import Scheduler


@pytest.fixture
def load(tmp_path):
    """Load the repository in tmp_path; answers with it and its registry."""
    schedulers = []

    def load(clock=time.monotonic, **keep):
        registry = CollectorRegistry()
        metrics = Metrics(registry)
        schedulers.append(Scheduler(1, 10, metrics))
        loader = Loader(max_batch=4, alone=schedulers[-1].alone)
        repository = Repository(
            Folder(tmp_path), loader, schedulers[-1], metrics, max_samples=100, keep=Keep(**keep), clock=clock
        )
        repository.load()
        return repository, registry

    yield load
    for scheduler in schedulers:
        scheduler.close()
