"""What the gate withholds is not published, and says why; force publishes it."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.generators import build
from training.publishing.release import NotPublished, Taken, next_version, objections, release
from training.quality import decide
from training.quality.findings.finding import Finding, FindingKind, Severity


def candidate(score: float = 0.9, *findings: Finding) -> tuple[pb.Generator, onnx.ModelProto]:
    """A small artifact with a card that the gate has decided on."""
    content = build(labels=("a", "b"))
    message = artifact.from_json(Session(content).metadata)
    message.provenance.data_digest = "d" * 64
    message.provenance.splits.add(split="test", digest="e" * 64)
    message.quality.MergeFrom(
        pb.QualityCard(
            real_samples=1000,
            real_accuracy=0.95,
            classification_accuracy_score=score,
            classes=[pb.ClassQuality(label=label) for label in message.labels],
        )
    )
    decide(message.quality, findings)
    return message, onnx.load_from_string(content)


FAILURE = Finding(FindingKind.LABEL_IGNORED, Severity.FAILURE, 0.5, 0.6, "The label is ignored.")


def test_a_generator_that_passes_is_published_with_its_verdict(tmp_path: Path) -> None:
    path = release(tmp_path, *candidate(), tmp_path / "kept.onnx")
    assert path == tmp_path / "tiny" / "1" / "model.onnx"
    assert artifact.from_json(Session(path.read_bytes()).metadata).quality.verdict == pb.VERDICT_PASS


def test_a_withheld_generator_is_not_published_and_the_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(
        NotPublished, match=r"tiny is withheld; nothing was published\. The label is ignored\. The file is"
    ):
        release(tmp_path / "models", *candidate(0.9, FAILURE), tmp_path / "kept.onnx")
    assert not list(tmp_path.rglob("model.onnx"))


def test_force_publishes_it_and_the_file_still_says_withheld(tmp_path: Path) -> None:
    path = release(tmp_path, *candidate(0.9, FAILURE), tmp_path / "kept.onnx", force=True)
    assert artifact.from_json(Session(path.read_bytes()).metadata).quality.verdict == pb.VERDICT_WITHHELD


def test_a_version_that_is_worse_than_the_last_is_not_published(tmp_path: Path) -> None:
    release(tmp_path, *candidate(0.9), tmp_path / "kept.onnx")
    with pytest.raises(NotPublished, match=r"It is worse than version 1, .* reaches 80\.0% .* with version 1 90\.0%"):
        release(tmp_path, *candidate(0.8), tmp_path / "kept.onnx")
    assert next_version(tmp_path, "tiny") == 2
    assert release(tmp_path, *candidate(0.895), tmp_path / "kept.onnx").parent.name == "2"


def test_a_damaged_version_is_no_yardstick(tmp_path: Path) -> None:
    release(tmp_path, *candidate(0.9), tmp_path / "kept.onnx")
    damaged = tmp_path / "tiny" / "2"
    damaged.mkdir()
    (damaged / "model.onnx").write_bytes(b"damaged")
    message, _ = candidate(0.8)
    assert objections(tmp_path, message)[0].startswith("It is worse than version 1")
    assert next_version(tmp_path, "tiny") == 3


def other(names: tuple[str, ...] = ("rust", "scab")) -> tuple[pb.Generator, onnx.ModelProto]:
    """A generator of the same name with other classes."""
    message, model = candidate()
    message.labels[:] = names
    for quality, name in zip(message.quality.classes, names, strict=True):
        quality.label = name
    return message, model


def test_a_name_is_not_taken_by_a_generator_of_other_classes(tmp_path: Path) -> None:
    release(tmp_path, *candidate(0.9), tmp_path / "kept.onnx")
    with pytest.raises(Taken) as caught:
        release(tmp_path, *other(), tmp_path / "kept.onnx", force=True)
    assert "a generator 'tiny' with other classes (a, b; this data has rust, scab)" in str(caught.value)
    assert f"publish {tmp_path}/kept.onnx --out {tmp_path} --name NAME" in str(caught.value)
    assert next_version(tmp_path, "tiny") == 2
    assert not list(tmp_path.rglob(".staging-*"))
    assert release(tmp_path, *other(), tmp_path / "kept.onnx", replace=True).parent.name == "2"


def test_a_name_that_somebody_takes_at_the_last_moment_stays_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def overtaken(self: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", rename)
        release(tmp_path, *candidate(0.9), tmp_path / "theirs.onnx")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", overtaken)
    with pytest.raises(Taken):
        release(tmp_path, *other(), tmp_path / "ours.onnx")
    (path,) = tmp_path.rglob("model.onnx")
    assert list(artifact.from_json(Session(path.read_bytes()).metadata).labels) == ["a", "b"]
