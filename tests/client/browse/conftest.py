import pytest

from tests.client.browse.serving import browsed, publish_all
from tests.processes import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory, forked):
    """The real service, in a process of its own, with a generator of each kind."""
    models = tmp_path_factory.mktemp("models")
    publish_all(models)
    with Service(models, start=forked) as service:
        yield service


@pytest.fixture(scope="session")
def site(service):
    """Address of its page."""
    with browsed(service.target) as address:
        yield address
