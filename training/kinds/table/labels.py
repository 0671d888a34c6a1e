"""Which column the labels are of, and the classes in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.errors import DataError
from training.data.wording import listed
from training.kinds.table.cells import Numbers, doubtful_in
from training.kinds.table.dates import Dates
from training.kinds.table.facts import MOST_WORDS, ColumnFacts
from training.kinds.table.order import natural

_USUAL = ("label", "labels", "target", "class", "y")

_MOST_BINS = 10  # different fractions; more are no classes
_MOST_NUMBERS = 256  # different whole numbers
_FEWEST_EACH = 20  # rows of each of many whole numbers
_MOST_DISTINCT = 0.5  # of the rows
_FEW = 16  # rows, of which nothing can be said


@dataclass(frozen=True, slots=True)
class Classes:
    """names: in order of index. index: of each word that is a label. missing: words that are none."""

    names: tuple[str, ...]
    index: Mapping[str, int]
    missing: frozenset[str]


def choose(path: Path, names: Sequence[str], asked: str | None, to_guess: str | None = None) -> str:
    """The column of the labels; asked: what a person says it is; to_guess: what the source leaves out of its test.

    Raises DataError.
    """
    if asked is not None:
        lower = [name for name in names if name.casefold() == asked.strip().casefold()]
        if asked in names or len(lower) == 1:
            return asked if asked in names else lower[0]
        raise DataError(f"{path}: {no_column(asked, names)}")
    usual = [name for name in names if name.casefold() in _USUAL]
    if len(usual) == 1:
        return usual[0]
    if usual:
        raise DataError(f"{path}: the labels could be in {listed(usual)}; say which by --label COLUMN")
    if to_guess is not None:
        return to_guess
    raise DataError(
        f"{path}: say by --label COLUMN which column holds the classes; it has {listed(names, 20)}"
        + (f". Often it is the last one: --label {_argument(names[-1])}" if names else "")
    )


def no_column(name: str, names: Sequence[str]) -> str:
    """In words: that none is called so, what may have been meant, and which there are."""
    meant = did_you_mean(name, names)
    return f"has no column {name!r}{meant}{' It has' if meant else '; it has'} {listed(names, 20)}"


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """The end of a sentence: "; did you mean 'x'?", or nothing."""
    lower = {each.casefold(): each for each in names}
    near = [lower[each] for each in difflib.get_close_matches(name.casefold(), lower, 3)]
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def classes(path: Path, facts: ColumnFacts) -> Classes:
    """The classes of a column. Raises DataError for one that has none, or is a quantity."""
    name, words = facts.name, facts.words
    if words is None:
        raise DataError(
            f"{path}: the column {name!r} has more than {MOST_WORDS:,} different values, which are no classes; say by "
            f"--label COLUMN which column holds the classes{_binned(facts)}"
        )
    missing = doubtful_in(words)
    there = {word: count for word, count in words.items() if word not in missing}
    rows = sum(there.values())
    if not there:
        raise DataError(f"{path}: no row has a label in the column {name!r}")
    _refuse_quantity(path, facts, len(there), rows)
    if rows >= _FEW and len(there) > _MOST_DISTINCT * rows:
        raise DataError(
            f"{path}: the column {name!r} has {len(there):,} different values in {rows:,} rows, which are no classes; "
            "say by --label COLUMN which column holds the classes"
        )
    called = {word: _class_of(word) for word in there} if all(map(_is_whole, there)) else {word: word for word in there}
    names = (
        natural(set(called.values()))
        if facts.order is None
        else list(dict.fromkeys(called[word] for word in facts.order if word in called))
    )
    position = {each: number for number, each in enumerate(names)}
    return Classes(tuple(names), {word: position[own] for word, own in called.items()}, missing)


def _refuse_quantity(path: Path, facts: ColumnFacts, different: int, rows: int) -> None:
    tally = next((each for each in facts.tallies or () if not each.failed and each.read), None)
    if tally is None or different <= _MOST_BINS or not isinstance(tally.parser, Numbers | Dates):
        return
    counts = tally.whole and isinstance(tally.parser, Numbers)
    if counts and different <= _MOST_NUMBERS and rows >= _FEWEST_EACH * different:
        return
    kind = "dates" if isinstance(tally.parser, Dates) else "numbers"
    raise DataError(
        f"{path}: the column {facts.name!r} holds {different:,} different {kind}, which are no classes{_binned(facts)}"
    )


def _binned(facts: ColumnFacts) -> str:
    """How to make classes of numbers."""
    if not any(not each.failed and each.read and isinstance(each.parser, Numbers) for each in facts.tallies or ()):
        return ""
    column, band = repr(facts.name), repr(f"{facts.name}_band")
    return (
        f"; bin it first, in pandas: df[{band}] = pd.qcut(df.pop({column}), 4, duplicates='drop').astype(str), save df "
        f"and say --label {_argument(f'{facts.name}_band')}"
    )


def _argument(name: str) -> str:
    return name if re.fullmatch(r"[\w.,+-]+", name) else repr(name)


def _is_whole(word: str) -> bool:
    return re.fullmatch(r"[-+]?\d{1,15}(\.0*)?", word) is not None and not re.match(r"[-+]?0\d", word)


def _class_of(word: str) -> str:
    return str(int(float(word)))
