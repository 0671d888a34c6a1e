"""Trainers and loaders of others, as they are: `make test-frameworks` installs them; elsewhere these are skipped."""

import importlib.metadata
import os
import subprocess
import sys

import pytest

FRAMEWORKS = ("lightning", "accelerate", "pytorch-ignite", "transformers", "torchdata", "datasets")


def pytest_report_header():
    versions = []
    for name in FRAMEWORKS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} is missing")
    return "frameworks: " + ", ".join(versions)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Where all of them are to be there, what is skipped has failed."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("AUGMINT_FRAMEWORKS") == "all" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"


@pytest.fixture(scope="session")
def target():
    """A fake service in a process of its own: one that has run a gRPC server cannot be forked."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.client.fakes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process.stdout.readline().strip()
    process.kill()
    process.communicate(timeout=20)
