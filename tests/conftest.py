"""Settings of the whole suite.

One thread for numerical libraries, in this process and those that tests start, unless OMP_NUM_THREADS says otherwise:
on two cores, threads of two programs that wait for each other make both a hundred times slower. Sums, and with them
last bits, depend on the number of threads: it is the same in all tests.

Ctrl-C works in programs that tests start, though the suite itself may run in a shell's background, where it is
ignored, and what is started there would inherit that.

Property tests try the same examples in every run, and nothing in them depends on how fast the machine is.
"""

import gc
import os
import signal
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch is imported
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import HealthCheck, settings

import service  # noqa: F401 - before ONNX Runtime, which some tests import first
from tests.browser import browser, page, visit  # noqa: F401 - fixtures
from tests.longest import LONGEST

settings.register_profile(
    "augmint",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("augmint")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONGEST)))


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """What was imported, and all tests, are more than a million objects, none of which is ever let go."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _settings_of_torch():
    """Training sets the number of threads, and flushes vanishing numbers to zero; tests after it must not notice."""
    yield
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.set_flush_denormal(False)
        if torch.get_num_threads() != (threads := int(os.environ["OMP_NUM_THREADS"])):
            torch.set_num_threads(threads)
