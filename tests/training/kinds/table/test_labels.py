"""Which column the labels are of, and what is no class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from training.data.errors import DataError
from training.kinds.table.reader import Surveyed, look


def labelled(folder: Path, labels: Sequence[object], name: str = "label", asked: str | None = None) -> Surveyed:
    path = folder / "rows.csv"
    path.write_text(f"x,{name}\n" + "".join(f"{number % 7},{label}\n" for number, label in enumerate(labels)))
    return look(str(path), label=asked)


@pytest.mark.parametrize("name", ["label", "Target", "class", "y"])
def test_labels_are_found_by_their_usual_names(name: str, tmp_path: Path) -> None:
    assert labelled(tmp_path, ["a", "b"] * 10, name).label == name


def test_no_column_is_taken_silently(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        labelled(tmp_path, ["a", "b"] * 10, "income")
    assert str(error.value) == (
        f"{tmp_path / 'rows.csv'}: say by --label COLUMN which column holds the classes; it has 'x' and 'income'. "
        "Often it is the last one: --label income"
    )


def test_two_usual_names_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("label,class\n" + "a,b\nb,a\n" * 10)
    with pytest.raises(DataError, match="the labels could be in 'label' and 'class'; say which by --label COLUMN"):
        look(str(path))


@pytest.mark.parametrize(("asked", "near"), [("incme", "; did you mean 'income'? It"), ("zzz", "; it")])
def test_a_column_that_is_not_there_is_told_with_the_nearest(asked: str, near: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        labelled(tmp_path, ["a", "b"] * 10, "income", asked)
    assert str(error.value).endswith(f"has no column '{asked}'{near} has 'x' and 'income'")


def test_letter_case_of_the_column_does_not_matter(tmp_path: Path) -> None:
    assert labelled(tmp_path, ["a", "b"] * 10, "Income", "income").label == "Income"


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["b", "a", "b10", "b9"], ("a", "b", "b9", "b10")),
        (["10", "9", "-1"], ("-1", "9", "10")),
        (["1.0", "0.0", "1"], ("0", "1")),
        (["0.5", "1.5"], ("0.5", "1.5")),
        (["01", "1"], ("01", "1")),
        (["True", "False"], ("False", "True")),
        (["only"], ("only",)),
        (["+", "-"], ("+", "-")),
    ],
)
def test_classes_are_in_natural_order(labels: list[str], names: tuple[str, ...], tmp_path: Path) -> None:
    found = labelled(tmp_path, labels * 10)
    assert found.classes.names == names
    assert {found.classes.index[word] for word in labels} == set(range(len(names)))


BINNED = "; bin it first, in pandas: df['price_band'] = pd.qcut(df.pop('price'), 4, duplicates='drop').astype(str)"


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([f"{number / 7:.2f}" for number in range(90)], f"holds 90 different numbers, which are no classes{BINNED}"),
        (list(range(90)), f"holds 90 different numbers, which are no classes{BINNED}"),
        ([f"2020-01-{day:02}" for day in range(1, 31)], "holds 30 different dates, which are no classes"),
        ([f"row{number}" for number in range(90)], "has 90 different values in 90 rows, which are no classes; say by"),
        (["", "NA", "?"] * 10, "no row has a label in the column 'price'"),
    ],
)
def test_what_is_no_class_is_refused_with_what_to_do(labels: list[object], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        labelled(tmp_path, labels, "price", "price")
    assert sentence in str(error.value)


def test_many_whole_numbers_may_be_classes_if_each_has_rows(tmp_path: Path) -> None:
    assert len(labelled(tmp_path, list(range(26)) * 20).classes.names) == 26
