"""Which column of a table names the samples and which one their classes; and which sample a row means."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from training.data.errors import DataError
from training.data.folders.tree import Parts, Sought, Tree
from training.data.labels.index import Index, ending_of_sample
from training.data.labels.table import Table, headless, is_missing
from training.data.parts import TEST, TRAIN, VALIDATION, part_of
from training.data.wording import counted, listed

# Names of columns, the likeliest first; in lower case and of letters only: classname for ClassName and class_name.
_LABELS = (
    *("label", "labels", "class", "classes", "classname", "classlabel", "labelname", "category", "categoryname"),
    *("categories", "target", "primarylabel", "breed", "species", "diagnosis", "dx", "y", "tag"),
    *("classid", "labelid", "categoryid"),
)
# As CelebA has them.
_NUMBERED: dict[str, str | None] = {"0": TRAIN, "1": VALIDATION, "2": TEST}
_SPLITS = ("split", "splits", "set", "subset", "partition", "dataset", "usage", "phase", "part")

# Of the rows, or of the samples: below it, a table is about something else.
_NAMED_SHARE = 0.5
# Different labels by rows: above it, a column is no class but a number or a text of its own for each sample.
_MOST_DISTINCT = 0.5
_FEW_ROWS = 16


class Ambiguous(DataError):
    """The table names the samples, but not clearly their classes."""


@dataclass(slots=True)
class Joined:
    """What a table says of the samples.

    labels:  sample -> class; parts: sample -> the split that a column says.
    column:  name of the column of labels, in words.
    sure:    both columns have usual names, so that the table is about classes whatever the folders are.
    notes:   what was left out or is double.
    """

    table: Table
    column: str
    labels: dict[Parts, str]
    parts: dict[Parts, str]
    sure: bool
    notes: list[str] = field(default_factory=list)


def join(
    table: Table, tree: Tree, index: Index, folder: Parts, part: str | None, label: str | None, file: str | None
) -> Joined | None:
    """Labels of the samples that a table names; None if it names none, or has no column beside the names.

    label, file: names of columns, where a person gave them.
    Raises Ambiguous if several columns could be the labels, DataError if a sample has two.
    """
    chosen = _file_column(table, index, folder, part, file)
    if chosen is None:
        return None
    number, found, doubtful = chosen
    if file is None and _is_row(table, index, number):
        table = headless(table)
        found, doubtful = index.resolve(table.column(number), folder, part)
    if doubtful:
        raise Ambiguous(
            f"{table.path}: {listed(doubtful[:1])} could be several {index.sought.nouns}, as in "
            f"{counted(len(doubtful), 'row')}; write paths from the table's folder on"
        )
    named = {sample for sample in found if sample}
    if len(named) < _NAMED_SHARE * min(len(table.rows), len(tree.samples)):
        lost = next(value for value, sample in zip(table.column(number), found, strict=True) if sample is None)
        raise Ambiguous(
            f"{table.path}: {len(named)} of {len(table.rows)} rows name a {index.sought.noun} by the column "
            f"{table.columns[number]!r}; {listed([lost])}, for one, is not there"
        )
    splits = _splits(table, number)
    columns = _labels(table, number, None if splits is None else splits[0], label, index)
    if columns is None:
        return None
    column, values, usual = columns
    named_so = _plain(table.columns[number]) in _files(index.sought)
    sure = usual and (named_so or _has_ending(table.column(number), index.sought))
    joined = Joined(table, column, {}, {}, sure)
    _fill(joined, table.column(number), found, values, None if splits is None else splits[1], index.sought)
    return joined


def splits_of(table: Table, index: Index, folder: Parts, file: str | None) -> dict[Parts, str]:
    """The split of each sample that a table names, as CelebA has a table of nothing else; empty if it says none."""
    chosen = _file_column(table, index, folder, None, file)
    splits = None if chosen is None else _splits(table, chosen[0])
    if chosen is None or splits is None:
        return {}
    return {sample: part for sample, part in zip(chosen[1], splits[1], strict=True) if sample and part}


def _file_column(
    table: Table, index: Index, folder: Parts, part: str | None, file: str | None
) -> tuple[int, list[Parts | None], list[str]] | None:
    numbers = range(len(table.columns)) if file is None else [table.find(file)]
    usual = _files(index.sought)
    best: tuple[tuple[int, int], int, list[Parts | None], list[str]] | None = None
    for number in numbers:
        found, doubtful = index.resolve(table.column(number), folder, part)
        named = len({sample for sample in found if sample}) + len(set(doubtful))
        name = _plain(table.columns[number])
        rank = (named, -usual.index(name) if name in usual else -len(usual))
        if named and (best is None or rank > best[0]):
            best = (rank, number, found, doubtful)
    if best is None and file is not None:
        first = listed(table.column(numbers[0])[:1]) or "nothing"
        raise DataError(
            f"{table.path}: the column {file!r} names no {index.sought.noun} of {folder or 'the source'}; it has "
            f"{first}"
        )
    return best[1:] if best else None


def _is_row(table: Table, index: Index, number: int) -> bool:
    """Whether the first line is no head but names a sample."""
    usual = any(_plain(column) in (*_files(index.sought), *_LABELS) for column in table.columns)
    return not usual and index.called(table.columns[number])


def _splits(table: Table, file: int) -> tuple[int, list[str | None]] | None:
    """The column of splits, and that of each row; None if there is no such column."""
    for number, column in enumerate(table.columns):
        if number != file and (name := _plain(column)) in _SPLITS and table.rows:
            values = table.column(number)
            numbered = name == "partition" and {*values} <= _NUMBERED.keys()
            parts = [_NUMBERED[value] if numbered else part_of(value) for value in values]
            if all(parts):
                return number, parts
    return None


def _labels(
    table: Table, file: int, splits: int | None, label: str | None, index: Index
) -> tuple[str, list[str], bool] | None:
    """The column of labels in words, its values, and whether its name is a usual one."""
    if label is not None:
        number = table.find(label)
        return f"column {table.columns[number]!r}", table.column(number), True
    others = [
        number
        for number, column in enumerate(table.columns)
        if number not in (file, splits) and column and not _plain(column).startswith("unnamed")
    ]
    others = [number for number in others if not _names_samples(table, number, index)]
    usual = any(_plain(table.columns[number]) in _LABELS for number in others)
    if not usual and (hot := _one_hot(table, others, index.sought.noun)):
        return f"columns {listed([table.columns[number] for number in others])}, one of which is 1", hot, True
    chosen = _label_column(table, others)
    return None if chosen is None else (f"column {table.columns[chosen]!r}", table.column(chosen), usual)


def label_column(table: Table, label: str | None) -> int | None:
    """The column of labels in a table of nothing but possible labels; None if it is empty. Raises Ambiguous."""
    return table.find(label) if label is not None else _label_column(table, list(range(len(table.columns))))


def _label_column(table: Table, others: list[int]) -> int | None:
    usual = [number for number in others if _plain(table.columns[number]) in _LABELS]
    candidates = _merged(table, usual or others)
    if not candidates:
        return None
    if len(candidates) > 1:
        names = ", ".join(repr(table.columns[number]) for number in candidates)
        raise Ambiguous(f"{table.path}: the labels could be in the columns {names}; say which by --label COLUMN")
    values, name = table.column(candidates[0]), table.columns[candidates[0]]
    distinct = len(set(values))
    if len(values) >= _FEW_ROWS and distinct > _MOST_DISTINCT * len(values):
        raise Ambiguous(
            f"{table.path}: the column {name!r} has {distinct} different values in {len(values)} rows, which are no "
            "classes; say by --label COLUMN which column holds the classes"
        )
    return candidates[0]


def _names_samples(table: Table, number: int, index: Index) -> bool:
    """Whether a column is another one of names: a path beside an id."""
    values = set(table.column(number))
    return len(values) > _MOST_DISTINCT * len(table.rows) and all(map(index.called, values))


def _one_hot(table: Table, columns: list[int], noun: str) -> list[str] | None:
    if len(columns) < 2 or not table.rows:
        return None
    labels = []
    several = None
    for row in table.rows:
        cells = [_zero_or_one(row[number]) for number in columns]
        if None in cells:
            return None
        if sum(filter(None, cells)) != 1:
            several = several or row
            labels.append("")
        else:
            labels.append(table.columns[columns[cells.index(1)]])
    if several is not None:
        raise Ambiguous(
            f"{table.path}: the columns {listed([table.columns[number] for number in columns])} are 0 or 1, but the "
            f"row {', '.join(several)[:60]!r} has not exactly one 1; each {noun} needs one class. Say by --label "
            "COLUMN which one to learn"
        )
    return labels


def _zero_or_one(cell: str) -> int | None:
    return {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}.get(cell.lower())


def _merged(table: Table, columns: list[int]) -> list[int]:
    """Of columns that divide the rows alike, as label and label_name do, the one with names."""
    kept: list[int] = []
    for number in sorted(columns, key=lambda each: all(map(_is_number, table.column(each)))):
        values = table.column(number)
        if not any(
            len(set(zip(values, table.column(other), strict=True))) == len(set(values)) == len(set(table.column(other)))
            for other in kept
        ):
            kept.append(number)
    return sorted(kept)


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"[-+]?\d+(\.\d+)?", cell) is not None


def _fill(
    joined: Joined,
    names: list[str],
    found: list[Parts | None],
    values: list[str],
    splits: list[str | None] | None,
    sought: Sought,
) -> None:
    noun, where = sought.noun, joined.table.path.name
    lost, blank, twice, converted = [], [], 0, 0
    two: dict[Parts, set[str]] = defaultdict(set)
    for number, (name, sample, value) in enumerate(zip(names, found, values, strict=True)):
        if is_missing(value):
            blank.append(name)
        elif sample is None:
            lost.append(name)
        else:
            ending = ending_of_sample(name, sought)
            converted += bool(ending) and ending != ending_of_sample(sample[-1], sought)
            twice += sample in joined.labels
            if joined.labels.setdefault(sample, value) != value:
                two[sample] |= {joined.labels[sample], value}
            if splits is not None and (part := splits[number]):
                joined.parts[sample] = part
    if two:
        example = next(iter(two))
        raise DataError(
            f"{joined.table.path}: {counted(len(two), noun)} with two labels or more, {'/'.join(example)} for "
            f"one: {listed(sorted(two[example]))}; keep one row per {noun}"
        )
    if lost:
        joined.notes.append(f"{counted(len(lost), 'row')} of {where} without a {noun}, as {listed(lost, 3)}")
    if blank:
        joined.notes.append(f"{counted(len(blank), 'row')} of {where} without a label, as {listed(blank, 3)}")
    if converted:
        joined.notes.append(f"{counted(converted, 'row')} of {where} with another ending than the {noun}'s")
    if twice:
        joined.notes.append(f"{counted(twice, 'row')} of {where} repeat a {noun} and its label")


def _files(sought: Sought) -> tuple[str, ...]:
    """Names of columns that name the samples, the likeliest first, as _LABELS are written."""
    own = [word + end for word in sought.words for end in ("file", "filename", "name", "path")]
    called = [word + end for word in sought.words for end in ("", "s", "id")]
    return ("filename", "file", "fname", *own, "filepath", "filepaths", "path", "paths", *called, "id", "name", "uuid")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _has_ending(values: list[str], sought: Sought) -> bool:
    return bool(values) and bool(ending_of_sample(values[0], sought))
