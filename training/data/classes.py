"""What classes must be: named, unlike each other, large enough to learn, without samples in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from training.data.errors import DataError
from training.data.question import Question
from training.data.wording import counted, listed, lookalikes, shown

if TYPE_CHECKING:
    from training.data.records import Records

# Below this a class cannot be in every split with a count that means anything.
FEWEST_PER_CLASS = 8
# A variance takes two.
FEWEST_PER_CLASS_IN_TEST = 2

_MOST_NAMED = 8


def checked_names(name: str, names: Sequence[str]) -> tuple[str, ...]:
    """Names of classes, trimmed and in the composed form of Unicode; raises DataError if they cannot be names."""
    cleaned = tuple(unicodedata.normalize("NFC", str(each)).strip() for each in names)
    for each in cleaned:
        if shown(each) != each:
            raise DataError(
                f"{name}: class name '{shown(each)}' is not UTF-8, as names are after an archive was unpacked on "
                "another system: rename it, e.g. convmv -f gbk -t utf-8 -r --notest FOLDER (or -f cp437, latin1, ...), "
                "or unpack the archive with its encoding (unzip -O gbk)"
            )
        if not each or not each.isprintable():
            raise DataError(f"{name}: class name {each!r} is empty or has characters that cannot be shown")
    twice = sorted({each for each in cleaned if cleaned.count(each) > 1})
    if twice:
        raise DataError(
            f"{name}: class name {twice[0]!r} is used for more than one class (names that differ in blanks at the ends "
            "or in how accents are written are one); names must differ"
        )
    return cleaned


def with_enough(name: str, records: Records, drop_scarce: bool, wholes: str = "samples") -> Records:
    """The records without their scarce classes, if these may be dropped; raises DataError if not.

    wholes: what groups of samples are called, where there are some, e.g. "recordings".
    """
    names, labels, test = records.class_names, records.labels, records.test
    if not names:
        raise DataError(f"{name}: no class was found; at least one is needed")
    rest = np.ones(len(labels), bool)
    few_tests: list[int] = []
    if test is not None:
        rest[test] = False
        tests = np.bincount(labels[test], minlength=len(names))
        few_tests = np.flatnonzero(tests < FEWEST_PER_CLASS_IN_TEST).tolist()
    counts = np.bincount(labels[rest], minlength=len(names))
    if records.groups is not None:
        # A whole is in one split: so many wholes are needed as else samples are.
        wholes_of = np.unique(np.stack([labels[rest], records.groups[rest]]), axis=1)
        counts = np.bincount(wholes_of[0], minlength=len(names))
    few = np.flatnonzero(counts < FEWEST_PER_CLASS).tolist()
    scarce = sorted({*few, *few_tests})
    if not scarce:
        return records
    where = "" if test is None else " outside the test split"
    noun = "samples" if records.groups is None else wholes
    said = [_scarce_words(names, counts, few, where, FEWEST_PER_CLASS, noun)] if few else []
    said += (
        [_scarce_words(names, tests, few_tests, " in the test split", FEWEST_PER_CLASS_IN_TEST, "samples")]
        if few_tests
        else []
    )
    if not drop_scarce:
        remedy = (
            "" if len(scarce) == len(names) else f"; --drop-scarce leaves {'it' if len(scarce) == 1 else 'them'} out"
        )
        raise DataError(f"{name}: {'; '.join(said)}{remedy}")
    if len(scarce) == len(names):
        raise DataError(f"{name}: no class is left without the scarce ones: {'; '.join(said)}")
    if records.on_disk:
        raise DataError(
            f"{name}: {'; '.join(said)}; samples on disk are used as they are: write a file without these classes"
        )
    kept = ~np.isin(labels, scarce)
    number_of = np.cumsum(~np.isin(np.arange(len(names)), scarce)) - 1
    skipped = {f"samples of {counted(len(scarce), 'scarce class')}": int((~kept).sum())}
    reading = records.reading
    return replace(
        records,
        samples=records.samples[kept],
        groups=None if records.groups is None else records.groups[kept],
        labels=number_of[labels[kept]],
        class_names=tuple(each for number, each in enumerate(names) if number not in scarce),
        test=None if test is None else (np.cumsum(kept) - 1)[test[kept[test]]],
        notes=(*records.notes, f"left out as scarce: {'; '.join(said)}"),
        reading=reading and replace(reading, skipped={**reading.skipped, **skipped}),
    )


def _scarce_words(
    names: Sequence[str], counts: np.ndarray, scarce: list[int], where: str, fewest: int, noun: str
) -> str:
    if len(scarce) == 1:
        return f"class {names[scarce[0]]!r} has {counts[scarce[0]]} {noun}{where}; at least {fewest} are needed"
    each = [f"{names[number]!r} has {counts[number]}" for number in scarce[:_MOST_NAMED]]
    more = f" and {len(scarce) - _MOST_NAMED:,} more have fewer" if len(scarce) > _MOST_NAMED else ""
    return f"{len(scarce):,} classes have too few {noun}{where}: {', '.join(each)}{more}; at least {fewest} are needed"


def of_copies(repeats: int, prints: np.ndarray, test: np.ndarray | None) -> str:
    """The note about samples that are there more than once; prints: uint64 [n], equal where samples are."""
    if test is None:
        return f"{repeats} samples are exact copies of others; a copy may be in both training and test"
    both = int(np.isin(prints[test], np.delete(prints, test)).sum())
    return f"{repeats} samples are exact copies of others; of the test split's, {both} are in the training part, too"


def of_two_labels(prints: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[Question]:
    """The same sample under different labels: whatever is learned from it, one of them is wrong."""
    _, groups = np.unique(prints, return_inverse=True)
    least = np.full(groups.max() + 1, len(names))
    most = np.full(groups.max() + 1, -1)
    np.minimum.at(least, groups, labels)
    np.maximum.at(most, groups, labels)
    twofold = np.flatnonzero(least < most)
    if not len(twofold):
        return []
    pairs, counts = np.unique(np.stack([least[twofold], most[twofold]], 1), axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    each = [f"{names[pairs[at][0]]!r} and {names[pairs[at][1]]!r} ({counts[at]:,})" for at in order[:_MOST_NAMED]]
    more = f", and {len(order) - _MOST_NAMED} more pairs" if len(order) > _MOST_NAMED else ""
    return [
        Question(
            f"{counted(len(twofold), 'sample')} {'has' if len(twofold) == 1 else 'have'} more than one label: "
            f"{', '.join(each)}{more}.",
            "Keep each sample in one class: of the two labels one is wrong, and both are learned.",
        )
    ]


def of_lookalikes(names: Sequence[str]) -> list[Question]:
    """Classes that are one, perhaps, in two ways of writing."""
    return [
        Question(
            f"The names of the classes {listed(group)} differ in case, blanks or dashes only.",
            "If they are one class, call it by one name.",
        )
        for group in lookalikes(names)
    ]
