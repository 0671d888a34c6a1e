"""Which column of a table names the pictures and which one their classes; and which picture a row means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from training.data.errors import DataError
from training.data.parts import part_of
from training.data.wording import counted, listed
from training.kinds.image.picture import SUFFIXES, UNREAD
from training.kinds.image.table import Table, clean, headless, is_missing
from training.kinds.image.tree import Parts, Tree

# Names of columns, the likeliest first; in lower case and of letters only: imageid for ImageId and image_id.
_FILES = (
    *("filename", "file", "imagefile", "imagefilename", "imagename", "imagepath", "filepath", "filepaths", "path"),
    *("paths", "image", "images", "imageid", "img", "imgname", "imgpath", "picture", "photo", "id", "name", "uuid"),
)
_LABELS = (
    *("label", "labels", "class", "classes", "classname", "classlabel", "labelname", "category", "categoryname"),
    *("categories", "target", "breed", "species", "diagnosis", "dx", "y", "tag"),
)
_SPLITS = ("split", "splits", "set", "subset", "partition", "dataset", "usage", "phase", "part")

_SAME_ENDING = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}

# Of the rows, or of the pictures: below it, a table is about something else.
_NAMED_SHARE = 0.5
# Different labels by rows: above it, a column is no class but a number or a text of its own for each picture.
_MOST_DISTINCT = 0.5
_FEW_ROWS = 16


class Ambiguous(DataError):
    """The table names the pictures, but not clearly their classes."""


@dataclass(slots=True)
class Joined:
    """What a table says of the pictures.

    labels:  picture -> class; parts: picture -> the split that a column says.
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


class Index:
    """Pictures by what rows call them: path, name, or name without its ending."""

    def __init__(self, tree: Tree) -> None:
        self._root = clean(tree.root.resolve().name)
        self._names: list[dict[str, list[Parts]]] = [defaultdict(list) for _ in range(3)]
        for picture in tree.pictures:
            name = clean(picture[-1])
            stem = clean(PurePosixPath(name).stem)
            for names, key in zip(self._names, (name, stem, name.casefold()), strict=True):
                names[key].append(picture)

    def called(self, name: str) -> bool:
        """Whether any picture is called so, whatever folder it lies in."""
        return any(_split_path(name)[-1] in names for names in self._names[:2])

    def resolve(self, values: Sequence[str], folder: Parts, part: str | None) -> tuple[list[Parts | None], list[str]]:
        """The picture that each value means, None for none; and values that could mean several.

        folder: where the table lies; part: the split that its name says.
        """
        split = [_split_path(value) for value in values]
        # Where names alone tell pictures apart, folders may be called otherwise than in the table.
        distinct = len({each[-1] for each in split}) == len({tuple(each) for each in split})
        found: list[Parts | None] = []
        doubtful: list[str] = []
        for value, path in zip(values, split, strict=True):
            candidates = next((names[path[-1]] for names in self._names[:2] if path[-1] in names), None)
            candidates = candidates or self._names[2].get(path[-1].casefold(), [])
            if not candidates and _picture_ending(path[-1]):
                # The same pictures in another format.
                candidates = self._names[1].get(clean(PurePosixPath(path[-1]).stem), [])
            candidates = self._closest(path, candidates, distinct)
            candidates = _narrowed(candidates, path, folder, part)
            if len(candidates) > 1:
                doubtful.append(value)
            found.append(candidates[0] if len(candidates) == 1 else None)
        return found, doubtful

    def _closest(self, path: list[str], candidates: list[Parts], distinct: bool) -> list[Parts]:
        scored = []
        for picture in candidates:
            folders = [self._root, *map(clean, picture[:-1])]
            same = 0
            for mine, theirs in zip(reversed(folders), reversed(path[:-1]), strict=False):
                if mine != theirs:
                    break
                same += 1
            whole = same == len(path) - 1 or (same and same >= len(folders) - 1)
            if whole or (distinct and not _other_split(folders, path[:-1])):
                scored.append((same, picture))
        best = max((same for same, _ in scored), default=0)
        return [picture for same, picture in scored if same == best]


def _narrowed(candidates: list[Parts], path: list[str], folder: Parts, part: str | None) -> list[Parts]:
    tests: list[Callable[[Parts], bool]] = [
        lambda picture: tuple(map(clean, picture)) == (*map(clean, folder), *path),
        lambda picture: part is not None and part in [part_of(each) for each in picture[:-1]],
        lambda picture: picture[:-1] == folder,
    ]
    for test in tests:
        if len(candidates) > 1 and any(map(test, candidates)):
            candidates = [picture for picture in candidates if test(picture)]
    return candidates


def _split_path(value: str) -> list[str]:
    parts = [part for part in value.replace("\\", "/").split("/") if part not in ("", ".")]
    return parts or [""]


def _other_split(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    first, second = ({part for each in names if (part := part_of(each))} for names in (mine, theirs))
    return bool(first and second and not first & second)


def join(
    table: Table, tree: Tree, index: Index, folder: Parts, part: str | None, label: str | None, file: str | None
) -> Joined | None:
    """Labels of the pictures that a table names; None if it names none, or has no column beside the names.

    label, file: names of columns, where a person gave them.
    Raises Ambiguous if several columns could be the labels, DataError if a picture has two.
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
            f"{table.path}: {listed(doubtful[:1])} could be several pictures, as in {counted(len(doubtful), 'row')}; "
            "write paths from the table's folder on"
        )
    named = {picture for picture in found if picture}
    if len(named) < _NAMED_SHARE * min(len(table.rows), len(tree.pictures)):
        lost = next(value for value, picture in zip(table.column(number), found, strict=True) if picture is None)
        raise Ambiguous(
            f"{table.path}: {len(named)} of {len(table.rows)} rows name a picture by the column "
            f"{table.columns[number]!r}; {listed([lost])}, for one, is not there"
        )
    splits = _split_column(table, number)
    columns = _labels(table, number, splits, label, index)
    if columns is None:
        return None
    column, values, usual = columns
    sure = usual and (_plain(table.columns[number]) in _FILES or _has_ending(table.column(number)))
    joined = Joined(table, column, {}, {}, sure)
    _fill(joined, table.column(number), found, values, None if splits is None else table.column(splits))
    return joined


def _file_column(
    table: Table, index: Index, folder: Parts, part: str | None, file: str | None
) -> tuple[int, list[Parts | None], list[str]] | None:
    numbers = range(len(table.columns)) if file is None else [table.find(file)]
    best: tuple[tuple[int, int], int, list[Parts | None], list[str]] | None = None
    for number in numbers:
        found, doubtful = index.resolve(table.column(number), folder, part)
        named = len({picture for picture in found if picture}) + len(set(doubtful))
        name = _plain(table.columns[number])
        rank = (named, -_FILES.index(name) if name in _FILES else -len(_FILES))
        if named and (best is None or rank > best[0]):
            best = (rank, number, found, doubtful)
    if best is None and file is not None:
        first = listed(table.column(numbers[0])[:1]) or "nothing"
        raise DataError(
            f"{table.path}: the column {file!r} names no picture of {folder or 'the source'}; it has {first}"
        )
    return best[1:] if best else None


def _is_row(table: Table, index: Index, number: int) -> bool:
    """Whether the first line is no head but names a picture."""
    usual = any(_plain(column) in (*_FILES, *_LABELS) for column in table.columns)
    return not usual and index.called(table.columns[number])


def _split_column(table: Table, file: int) -> int | None:
    for number, column in enumerate(table.columns):
        if number != file and _plain(column) in _SPLITS:
            values = set(table.column(number))
            if values and all(part_of(value) for value in values):
                return number
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
    others = [number for number in others if not _names_pictures(table, number, index)]
    usual = any(_plain(table.columns[number]) in _LABELS for number in others)
    if not usual and (hot := _one_hot(table, others)):
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


def _names_pictures(table: Table, number: int, index: Index) -> bool:
    """Whether a column is another one of names: a path beside an id."""
    values = set(table.column(number))
    return len(values) > _MOST_DISTINCT * len(table.rows) and all(map(index.called, values))


def _one_hot(table: Table, columns: list[int]) -> list[str] | None:
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
            f"row {', '.join(several)[:60]!r} has not exactly one 1; each picture needs one class. Say by --label "
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
    joined: Joined, names: list[str], found: list[Parts | None], values: list[str], splits: list[str] | None
) -> None:
    where, lost, blank, twice, converted = joined.table.path.name, [], [], 0, 0
    two: dict[Parts, set[str]] = defaultdict(set)
    for number, (name, picture, value) in enumerate(zip(names, found, values, strict=True)):
        if is_missing(value):
            blank.append(name)
        elif picture is None:
            lost.append(name)
        else:
            ending = _picture_ending(name)
            converted += bool(ending) and ending != _picture_ending(picture[-1])
            twice += picture in joined.labels
            if joined.labels.setdefault(picture, value) != value:
                two[picture] |= {joined.labels[picture], value}
            if splits is not None and (part := part_of(splits[number])):
                joined.parts[picture] = part
    if two:
        example = next(iter(two))
        raise DataError(
            f"{joined.table.path}: {counted(len(two), 'picture')} with two labels or more, {'/'.join(example)} for "
            f"one: {listed(sorted(two[example]))}; keep one row per picture"
        )
    if lost:
        joined.notes.append(f"{counted(len(lost), 'row')} of {where} without a picture, as {listed(lost, 3)}")
    if blank:
        joined.notes.append(f"{counted(len(blank), 'row')} of {where} without a label, as {listed(blank, 3)}")
    if converted:
        joined.notes.append(f"{counted(converted, 'row')} of {where} with another ending than the picture's")
    if twice:
        joined.notes.append(f"{counted(twice, 'row')} of {where} repeat a picture and its label")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _has_ending(values: list[str]) -> bool:
    return bool(values) and bool(_picture_ending(values[0]))


def _picture_ending(name: str) -> str:
    """The ending of a name if it is one of pictures, as JPEG's many are one; else empty."""
    ending = PurePosixPath(name).suffix.lower()
    return _SAME_ENDING.get(ending, ending) if ending in SUFFIXES | UNREAD else ""
