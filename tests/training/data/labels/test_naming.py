"""Whether a table names the samples in its folder, or is about something else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.kinds.image.drawn import LABELS, classes, put, write
from training.data.labels.naming import names_samples
from training.data.reading import Claim
from training.kinds import load as load_any
from training.kinds.image import reads
from training.kinds.image.picture import SUFFIXES


@pytest.fixture
def names(tmp_path: Path) -> list[str]:
    """Pictures 0.png to 19.png."""
    return [put(tmp_path / "in" / f"{number}.png").name for number in range(20)]


def told(names: list[str], form: str) -> object:
    labels = [LABELS[number % 2] for number in range(len(names))]
    if form == "map":
        return dict(zip(names, labels, strict=True))
    if form == "dataset":
        return {"labels": [[name, number % 2] for number, name in enumerate(names)]}
    return [{"file_name": name, "label": label} for name, label in zip(names, labels, strict=True)]


@pytest.mark.parametrize(
    ("file", "form"), [("labels.json", "map"), ("labels.json", "list"), ("dataset.json", "dataset")]
)
def test_json_that_names_pictures_is_of_pictures_and_no_rows(
    tmp_path: Path, names: list[str], file: str, form: str
) -> None:
    (tmp_path / file).write_text(json.dumps(told(names, form), indent=1))
    assert reads(str(tmp_path / file)) == Claim.SURE
    assert sorted(classes(load_any(str(tmp_path / file))).values()) == [10, 10]


@pytest.mark.parametrize("content", ['{"a": 1}', "[1, 2]", "[", "", '[{"age": 3, "kind": "a"}]'])
def test_other_json_is_not(tmp_path: Path, names: list[str], content: str) -> None:
    (tmp_path / "rows.json").write_text(content)
    assert reads(str(tmp_path / "rows.json")) < Claim.SURE


@pytest.mark.parametrize(
    ("cell", "names_them"), [("{n}.png", True), ("{n}", True), ("in\\{n}.jpg", False), ("{few}", False)]
)
def test_names_without_endings_may_be_numbers_of_which_a_few_say_nothing(
    tmp_path: Path, names: list[str], cell: str, names_them: bool
) -> None:
    rows = [f"{cell.format(n=n, few=n % 4)},{n % 2}" for n in range(len(names))]
    assert names_samples(write(tmp_path / "t.csv", "number,kind", rows), SUFFIXES) == names_them
