"""benchmarks/serving/served.py: what is asked of several processes that serve alike."""

import shutil
from pathlib import Path

import pytest

from benchmarks.serving.models import only
from benchmarks.serving.served import Served, batches
from tests import generators


@pytest.mark.parametrize("kind", ["Python", "h2load"])
def test_replicas_share_the_calls(kind: str, tmp_path: Path):
    if kind == "h2load" and not shutil.which("h2load"):
        pytest.skip("h2load is not installed (Debian: nghttp2-client)")
    generators.publish(tmp_path)
    command = ["service", "--models", str(tmp_path), "--port", "0", "--metrics-port", "0", "--lanes", "1"]
    served = Served("two", command, only(tmp_path), replicas=2)
    try:
        served.readers.ask("check 5")
        answer = served.ask(f"{kind} 4 7", 0.5)
        each = [batches(metrics)[1] for metrics in served.metrics]
        resident = served.resident()
    finally:
        served.stop()
    assert answer["calls"] >= 4
    assert len(each) == 2
    assert min(each) >= 2
    assert resident > 60
