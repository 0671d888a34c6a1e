"""Trainers and loaders of others, as they are: `make test-frameworks` installs them and runs these.

Elsewhere they are skipped, by name: they fork, and a process in which another test has run a gRPC server cannot be.
"""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FRAMEWORKS = ("lightning", "accelerate", "pytorch-ignite", "transformers", "torchdata", "datasets")
ALL = os.environ.get("TEST_FRAMEWORKS") == "all"
if ALL:
    for name in FRAMEWORKS:
        importlib.metadata.version(name)  # or else PackageNotFoundError: nothing is to be skipped


def pytest_report_header():
    versions = []
    for name in FRAMEWORKS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} is missing")
    return "frameworks: " + ", ".join(versions)


def pytest_collection_modifyitems(items):
    for item in items:
        if not ALL and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="run by make test-frameworks"))


@pytest.fixture(scope="session")
def target():
    """A fake service in a process of its own: one that has run a gRPC server cannot be forked."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.client.fakes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.communicate(timeout=20)
