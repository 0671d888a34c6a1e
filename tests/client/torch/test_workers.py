"""Runs workers.py, which says why."""

from pathlib import Path


def test_loaders_with_worker_processes(forked):
    code = "import pytest, sys; sys.exit(pytest.main())"
    process = forked(code, "-q", "-p", "no:cacheprovider", str(Path(__file__).with_name("workers.py")))
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
