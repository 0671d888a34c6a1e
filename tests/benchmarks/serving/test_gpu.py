"""benchmarks/serving/gpu.py, rehearsed: on the CPU as it is, and on a make-believe GPU."""

import pytest

from benchmarks.serving import gpu as benchmark
from service.runtime.engine import Engine
from tests import generators
from tests.gpu import Gpu

SMALL = ["--seconds", "0.05", "--max-batch", "8", "--addresses", "40"]


@pytest.fixture
def models(tmp_path):
    generators.publish(tmp_path)
    return tmp_path


def test_a_cpu_rehearses_it(models, capsys, monkeypatch):
    monkeypatch.setattr(benchmark, "SERVED_SECONDS", 0.3)
    monkeypatch.setattr(benchmark, "PAGE", 16)
    assert benchmark.main(["--device", "cpu", "--models", str(models), *SMALL]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "| every node on the device | yes" in told
    assert "| same bits in all batches without graphs | yes, 0 of 80 samples differ" in told
    assert "samples/s of the service, graphs off" in told
    assert told.endswith("| promises broken | 0 |")


def test_without_a_gpu_it_says_so(models, capsys, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert benchmark.main(["--models", str(models), *SMALL]) == 2
    assert "device 'cuda' cannot be used" in capsys.readouterr().err


def test_every_promise_is_looked_at_on_a_gpu(monkeypatch, capsys):
    gpu = Gpu().install(monkeypatch)
    report = benchmark.Report()
    benchmark.examine(report, generators.build(), "cuda", 8, 40, 0.05)
    told = " ".join(capsys.readouterr().out.split())
    assert "| all graphs captured | yes" in told
    assert "| same bits in all batches with graphs | yes" in told
    assert "| same bits with little memory | yes, 4 MiB" in told
    # The make-believe GPU hides that it is a CPU everywhere but here.
    assert report.broken == 1
    assert "| every node on the device | NO" in told
    assert gpu.wrongs == []
    assert gpu.replays > 0


def test_a_lane_that_mixes_up_its_rows_is_found(monkeypatch, capsys):
    run = Engine.run

    def reversed_on_lane_1(self, rows, lane=0):
        samples = run(self, rows, lane)
        return samples[::-1] if lane == 1 else samples

    monkeypatch.setattr(Engine, "run", reversed_on_lane_1)
    report = benchmark.Report()
    benchmark.examine(report, generators.build(), "cpu", 8, 40, 0.05)
    assert report.broken == 1
    assert "| same bits in all batches without graphs | NO" in " ".join(capsys.readouterr().out.split())
