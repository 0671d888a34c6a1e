"""The runs of benchmarks/faults, small: they keep working, and the service keeps what they check."""

import argparse

import pytest

from benchmarks.faults.scenarios import RUNS

SMALL = argparse.Namespace(kills=2, swaps=3, files=25, requests=2000, pause=0.05)


# The others take their time whatever their size.
@pytest.mark.parametrize("fault", ["kills", "swaps", "corrupted", "fuzz", "disk", "certificates"])
def test_nothing_fails_under(fault, tmp_path):
    rows = RUNS[fault](tmp_path, SMALL)
    assert all(row.tried > 0 for row in rows), rows
    assert not any(row.failed for row in rows), rows
