"""Labels of samples from the tables that lie among them, beside them or above them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from training.data.errors import DataError
from training.data.folders.doubts import chunks
from training.data.folders.tree import Parts, Tree
from training.data.labels import table as tables
from training.data.labels.index import Index
from training.data.labels.join import Ambiguous, Joined, join, splits_of
from training.data.labels.table import METADATA, PERHAPS, STYLEGAN, SUFFIXES, Table
from training.data.parts import TRAIN, part_in, part_of
from training.data.question import Question
from training.data.wording import listed, shown

# More tables than this are one per sample (boxes, key points), not labels.
_MOST_TABLES = 20


@dataclass(slots=True)
class Tagged:
    """labels: sample -> class; parts: sample -> split, where a table says it; words: where the labels come from.

    used, of_splits: tables that say classes, and those that say splits alone.
    unread: what is asked about tables that say nothing, if no other does.
    """

    labels: dict[Parts, str] = field(default_factory=dict)
    parts: dict[Parts, str] = field(default_factory=dict)
    words: str = ""
    used: list[Path] = field(default_factory=list)
    of_splits: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    unread: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns that a person gave; None: found by usual names and by content."""

    label: str | None = None
    file: str | None = None

    @property
    def given(self) -> bool:
        return self.label is not None or self.file is not None


def find(tree: Tree, base: Parts, columns: Columns, by_folder: dict[Parts, str] | None) -> Tagged:
    """Read the labels of a folder's samples; no labels if no table has them.

    by_folder: what the folders' names say, where these can be classes: a table has to be sure of itself, then.
    Raises DataError where tables contradict each other, or where one has labels that cannot be read.
    """
    tagged = Tagged()
    candidates = _candidates(tree, base)
    above = _above(tree) if by_folder is None and not tree.children(()) else []
    # An entry for every sample: made only where there is something to look up.
    index = Index(tree if candidates or above else Tree(tree.root, tree.sought))
    joins: list[Joined] = []
    failures: list[DataError] = []
    for path, folder in candidates:
        try:
            joined = _read(path, folder, tree, index, columns, tagged, by_folder)
        except DataError as error:
            failures.append(error)
        else:
            joins += [joined] if joined is not None else []
    if failures and not joins:
        raise failures[0]
    if joins:
        # Of tables that say nothing nobody has to be asked where another one has the labels.
        tagged.notes += [f"not used: {error}" for error in failures]
        tagged.notes += [question.text for question in tagged.unread]
        tagged.unread = []
    tagged.questions += tagged.unread
    if not joins:
        joins = [joined for path in above if (joined := _passed_over(path, (), tree, index, columns)) is not None]
    for joined in joins:
        _add(tagged, joined, len(joins), tree.sought.nouns)
    if columns.given and not joins:
        options = {"--label": columns.label, "--file": columns.file}
        asked = " and ".join(f"{option} {value}" for option, value in options.items() if value)
        raise DataError(
            f"{tree.root}: {asked}: no table (.csv, .tsv, .jsonl) in it or above has such a column beside the names of "
            f"its {tree.sought.nouns}"
        )
    return tagged


def of_file(path: Path, tree: Tree, columns: Columns) -> Tagged:
    """The labels of one table, given as the source itself. Raises DataError if it has none."""
    joined = join(load_table(path), tree, Index(tree), (), None, columns.label, columns.file)
    if joined is None:
        raise DataError(
            f"{path}: wanted a column with the names of {tree.sought.nouns} under {path.parent} and one with their "
            f"labels; it has {', '.join(map(repr, load_table(path).columns))}"
        )
    tagged = Tagged()
    _add(tagged, joined, 1, tree.sought.nouns)
    return tagged


def load_table(path: Path) -> Table:
    """A table by its ending, also StyleGAN's dataset.json. Raises DataError, OSError."""
    if path.name.lower() == STYLEGAN and (table := tables.read_stylegan(path)):
        return table
    return tables.read(path)


def _candidates(tree: Tree, base: Parts) -> list[tuple[Path, Parts]]:
    """Tables on the way down to the samples, in the folders there, and in a folder of their own beside all."""
    depth = len(base)

    def lies_right(file: Parts) -> bool:
        on_the_way = len(file) <= depth + 2 and base[: len(file) - 1] == file[: len(file) - 1][:depth]
        return on_the_way or (len(file) == 2 and not tree.below(file[:1]))

    found = [(tree.path(file), file[:-1]) for file in tree.files if is_table(file[-1]) and lies_right(file)]
    sure = [each for each in found if each[0].suffix.lower() not in PERHAPS or each[0].name.lower() == STYLEGAN]
    perhaps = [each for each in found if each not in sure]
    return [*_few(sure), *_few(perhaps)]


def _few(found: list[tuple[Path, Parts]]) -> list[tuple[Path, Parts]]:
    if len(found) <= _MOST_TABLES:
        return found
    return [each for each in found if each[0].name.lower() in METADATA or part_of(each[0].stem)][:_MOST_TABLES]


def _above(tree: Tree) -> list[Path]:
    """Tables in the folder above, for a folder that holds nothing but samples."""
    try:
        entries = sorted(tree.root.resolve().parent.iterdir())
    except OSError:
        return []
    found = [path for path in entries if path.suffix.lower() in SUFFIXES and path.is_file()]
    return found if len(found) <= _MOST_TABLES else []


def is_table(name: str) -> bool:
    """Whether a file's name says that it could hold labels."""
    return name.lower() in METADATA | {STYLEGAN} or Path(name).suffix.lower() in SUFFIXES | PERHAPS


def _read(
    path: Path,
    folder: Parts,
    tree: Tree,
    index: Index,
    columns: Columns,
    tagged: Tagged,
    by_folder: dict[Parts, str] | None,
) -> Joined | None:
    name = shown(path.name)
    if "submission" in path.stem.lower():
        tagged.notes.append(f"{name} was not read: its labels are placeholders")
        return None
    if path.name.lower() == STYLEGAN:
        stylegan = tables.read_stylegan(path)
        return None if stylegan is None else join(stylegan, tree, index, folder, None, None, None)
    named = path.name.lower() in METADATA
    if path.suffix.lower() in PERHAPS:
        # Text and JSON are about anything: they are labels where there is nothing else to go by.
        return None if by_folder is not None and not columns.given else _passed_over(path, folder, tree, index, columns)
    try:
        table = tables.read(path)
        if columns.label is not None and not table.has(columns.label):
            if not _takes_splits(tagged, table, index, folder):
                tagged.notes.append(f"{name} has no column {columns.label!r} and was not read")
            return None
        joined = join(table, tree, index, folder, part_of(path.stem), columns.label, columns.file)
    except DataError as error:
        # Where folders are classes, a table that cannot be used is none of theirs.
        if by_folder is None or named or columns.given:
            raise
        words = str(error).partition(": ")[2] if isinstance(error, Ambiguous) else "it cannot be read"
        tagged.notes.append(f"{name} was not read, and the folders are the classes: {words}")
        return None
    if joined is None and _takes_splits(tagged, table, index, folder):
        return None
    if joined is None:
        part = part_in(path.stem)[0]
        if by_folder is None and part in (None, TRAIN):
            tagged.unread.append(
                Question(
                    f"{name} was not read: {_why(table, index)} (columns {listed(table.columns, 6)}).",
                    "If it has the labels, say by --file and --label which columns hold the names of the "
                    f"{tree.sought.nouns} and their classes.",
                )
            )
        else:
            tagged.notes.append(f"{name} was not read: {_why(table, index)}")
        return None
    if by_folder is None or named or columns.given:
        return joined
    return _overrules(joined, tagged, by_folder)


def _takes_splits(tagged: Tagged, table: Table, index: Index, folder: Parts) -> bool:
    """Whether a table without labels says the splits, which are added."""
    found = splits_of(table, index, folder, None)
    for sample, part in found.items():
        tagged.parts.setdefault(sample, part)
    if found:
        tagged.of_splits.append(table.path)
    return bool(found)


def _overrules(joined: Joined, tagged: Tagged, by_folder: dict[Parts, str]) -> Joined | None:
    """A table that says other than the folders, if it is surely about classes; None if it says nothing new."""
    name = shown(joined.table.path.name)
    if _agree(joined.labels, by_folder):
        if joined.parts:
            tagged.parts |= joined.parts
            tagged.of_splits.append(joined.table.path)
        return None
    if not joined.sure:
        tagged.notes.append(
            f"{name} was not read, and the folders are the classes; --label takes the labels of one of its columns"
        )
        return None
    if chunks(by_folder.values()):
        return joined
    tagged.questions.append(
        Question(
            f"The labels are those of {name}, {joined.column}; the folders {_folders(joined, by_folder)} say "
            "otherwise.",
            f"If the folders are the classes, move {name} away.",
        )
    )
    return joined


def _passed_over(path: Path, folder: Parts, tree: Tree, index: Index, columns: Columns) -> Joined | None:
    """A table's labels, if it names the samples; else nothing is said of it. Raises Ambiguous."""
    if "submission" in path.stem.lower():
        return None
    try:
        table = tables.read(path)
        if columns.label is not None and not table.has(columns.label):
            return None
        return join(table, tree, index, folder, part_of(path.stem), columns.label, columns.file)
    except Ambiguous:
        if path.suffix.lower() == ".txt":
            return None
        raise
    except DataError:
        return None


def _why(table: Table, index: Index) -> str:
    if not table.rows:
        return "it has no rows"
    if any(index.called(cell) for cell in table.rows[0]):
        return "it has no column of labels"
    return f"it names none of the {index.sought.nouns}"


def _folders(joined: Joined, by_folder: dict[Parts, str]) -> str:
    return listed(sorted({by_folder[sample] for sample in joined.labels if sample in by_folder}), 4)


def _agree(labels: dict[Parts, str], by_folder: dict[Parts, str]) -> bool:
    """Whether labels and folders divide the samples alike, whatever they call the classes."""
    pairs = {(label, by_folder.get(sample)) for sample, label in labels.items()}
    return len(pairs) == len({first for first, _ in pairs}) == len({second for _, second in pairs})


def _add(tagged: Tagged, joined: Joined, count: int, nouns: str) -> None:
    path = joined.table.path
    own = part_of(path.stem) if count > 1 and path.name.lower() not in METADATA else None
    for sample, label in joined.labels.items():
        if tagged.labels.setdefault(sample, label) != label:
            raise DataError(
                f"{path} and {tagged.used[0]}: both have labels of {'/'.join(sample)} ({label!r} and "
                f"{tagged.labels[sample]!r}); give the one to be used as DATA, or move the other away"
            )
        if part := joined.parts.get(sample) or own:
            tagged.parts.setdefault(sample, part)
    tagged.used.append(path)
    tagged.notes += joined.notes
    words = f"{shown(path.name)}, {joined.column}"
    if not tagged.words:
        tagged.words = f"{nouns} with the labels of {words}"
    elif words not in tagged.words:
        tagged.words += f"; {words}"
