"""Names that people give to the splits of a data set, as folders, files and values of a column have them."""

from __future__ import annotations

import re
from collections.abc import Container

TRAIN, VALIDATION, TEST = "train", "validation", "test"

_NAMES = {
    TRAIN: ("train", "training", "trainset", "train_set", "training_set", "train_data", "training_data"),
    VALIDATION: ("val", "valid", "validation", "validate", "dev", "valset", "val_set", "validation_set", "val_data"),
    # test1 as in Kaggle's Dogs vs. Cats.
    TEST: (
        "test",
        "test1",
        "testing",
        "tests",
        "eval",
        "evaluation",
        "testset",
        "test_set",
        "testing_set",
        "test_data",
    ),
}
_PART = {name: part for part, names in _NAMES.items() for name in names}


def part_of(name: str) -> str | None:
    """The split that a name stands for as a whole, in any letter case; None if it stands for none."""
    return _PART.get(re.sub(r"[\s.-]+", "_", name.strip().casefold()))


def part_in(name: str) -> tuple[str | None, str]:
    """The split that one word of a name stands for, as in seg_train or train-00000-of-00002, and the other words."""
    words = [word for word in re.split(r"[^a-z]+", name.casefold()) if word]
    found = [word for word in words if word in _PART]
    if len({_PART[word] for word in found}) != 1:
        return None, ""
    return _PART[found[0]], " ".join(word for word in words if word not in _PART)


def is_test(part: str | None, parts: Container[str | None]) -> bool:
    """Whether a split is the one to test on: test, or validation where there is no test; parts: all that there are."""
    return part == TEST or (part == VALIDATION and TEST not in parts)


def in_words(parts: dict[str, str]) -> str:
    """What each split of a source is used as; parts: split -> the name that it has there."""
    said = []
    if TRAIN in parts:
        said.append(f"'{parts[TRAIN]}' is for training")
    if VALIDATION in parts:
        use = "joins the training part" if TEST in parts else "is the test split"
        said.append(f"'{parts[VALIDATION]}' {use}")
    if TEST in parts:
        said.append(f"'{parts[TEST]}' is the test split")
    return ", ".join(said)
