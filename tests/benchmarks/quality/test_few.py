"""The study of few samples of any kind, as rows of a table."""

from augmint.v1 import generator_pb2 as pb
from benchmarks.quality import few
from tests.training import shades
from training.config.presets import resolve
from training.data.splits import split
from training.kinds import load
from training.source import SourceOptions


def test_a_line_of_the_card_is_a_row_for_each_way_and_one_for_the_gain():
    line = pb.AugmentationGain(baseline="real only", gain=0.02, gain_low=-0.01, gain_high=0.05)
    line.arms.add(name="real only", score=0.9, low=0.85, high=0.95)
    line.arms.add(name="with synthetic samples", score=0.92, low=0.9, high=0.94)
    first, second, gain = few.rows(line, "texts")
    assert first == {"texts learned from": "real only", "balanced accuracy, %": "90.0 [85.0, 95.0]"}
    assert second["texts learned from"] == "with synthetic samples"
    assert gain["balanced accuracy, %"] == "+2.0 [-1.0, +5.0] over real only"


def test_the_teams_generator_is_trained_once(tmp_path, monkeypatch):
    data = load(str(shades.write(tmp_path, 40)), SourceOptions())
    path, config = tmp_path / "team.onnx", resolve("vanilla", {"width": 8, "batch_size": 8})
    content = few.team(data, split(data), config, 2, path)
    assert path.read_bytes() == content
    monkeypatch.setattr(few, "Trainer", None)
    assert few.team(data, split(data), config, 2, path) == content


def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["x", str(tmp_path / "nothing")])
    assert few.main() == 1
    assert "no such file or folder" in capsys.readouterr().err
