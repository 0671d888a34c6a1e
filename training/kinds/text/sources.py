"""Which files a source of texts is, and what each is: lines of a class or of all, one text, a table of texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from training.data import parts as split_names
from training.data.errors import DataError
from training.data.nearby import hint
from training.data.parts import TEST, TRAIN, VALIDATION, part_of
from training.data.reading import Claim
from training.data.wording import counted, listed
from training.kinds.table import chunks
from training.kinds.table.order import natural
from training.kinds.table.text import PACKED, ending, kind_of
from training.kinds.text import marks, pairs

LINES = frozenset({".txt", ".text"})
_LONGEST_ENDING = 8  # what is longer is none, as the numbers and sums that corpora of mail have for names
_LOOKED_AT = 1024  # bytes, by which a file without an ending is known to be a text
_CONTROL = bytes({*range(32)} - {*b"\t\n\f\r\x1b"})
# Files that tell of the data, beside those of the classes.
_ABOUT = frozenset({"readme", "license", "licence", "copying", "notice", "changelog", "authors", "citation"})
_MOST = 200_000  # files
_ORDER = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True, slots=True)
class File:
    """label: the class of its lines; whole: it is one text; marked: its lines begin with their class; labels: the file
    that has the classes of its lines."""

    path: Path
    label: str
    part: str
    whole: bool = False
    marked: bool = False
    labels: Path | None = None


@dataclass(slots=True)
class Source:
    """files: in order. words: what they are. splits: in words. names: of labels that are numbers."""

    files: list[File]
    words: str
    splits: str = ""
    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def reads(source: str) -> Claim:
    """A folder of texts is texts, unless it shows something else; other files are for who asks for their texts."""
    path = Path(source)
    try:
        if path.is_dir():
            some = [each for each, _ in zip(_walk(path, 3), range(1000), strict=False)]
            if TRAIN in pairs.find(each for each in some if each.parent == path and _is_text(each)):
                return Claim.SURE
            kinds = Counter(_holds_text(each, path) for each in some)
            if kinds[True] > kinds[False]:
                return Claim.LIKELY
            return Claim.ASKED if any(map(_is_table, some)) else Claim.NONE
        if path.is_file() and _is_marked(path):
            return Claim.SURE
        return Claim.ASKED if path.is_file() and (_is_text(path) or _is_table(path)) else Claim.NONE
    except (OSError, ValueError):
        return Claim.NONE


def is_table(path: Path) -> bool:
    """Whether texts are in a column of a table there, not in files of their own."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder{hint(path)}")
    if not path.is_dir():
        return _is_table(path) and not _is_text(path)
    return not any(_holds_text(each, path) for each in _walk(path, 3))


def find(path: Path) -> Source:
    """The files of a folder of texts, or of one file of lines. Raises DataError."""
    if not path.is_dir():
        if _is_marked(path):
            return Source([File(path, "", TRAIN, marked=True)], "lines that begin with their class")
        return Source([File(path, _name(path), TRAIN)], "a file of lines, of one class")
    source = Source([], "")
    folders = {each.name: each for each in _folders(path) if any(map(_is_whole, _walk(each, 3)))}
    named = {part: each for name, each in folders.items() if (part := part_of(name))} or _splits_in_names(folders)
    if TRAIN in named and len(named) > 1 and len(named) == len(folders):
        for part in _ORDER:
            if part in named:
                _classes(source, named[part], part)
        source.splits = split_names.in_words({part: each.name for part, each in named.items()})
        _leave_out(source, "beside the splits", _texts(path))
    elif TRAIN in named and len(folders) == 1:
        _classes(source, named[TRAIN], TRAIN)
    else:
        _classes(source, path, TRAIN)
    if not source.files:
        raise DataError(
            f"{path}: holds no texts; wanted a .txt file of lines for each class, or a folder of .txt files"
        )
    labels = {each.label for each in source.files if each.part == TRAIN}
    for each in source.files:
        if each.label not in labels:
            raise DataError(
                f"{each.path}: its class {each.label!r} is not in the training part, which has {listed(sorted(labels))}"
            )
    return source


def _classes(source: Source, folder: Path, part: str) -> None:
    """Add the classes of a folder: its folders of texts, or, if it has none, its files of lines."""
    folders = [each for each in _folders(folder) if any(map(_is_whole, _walk(each, 3)))]
    loose = _texts(folder)
    if folders:
        for each in folders:
            source.files += [File(file, each.name, part, whole=True) for file in _walk(each, 3) if _is_whole(file)]
        kind = ".txt file" if any(_is_text(file.path) for file in source.files) else "file"
        source.words = f"one folder per class, each {kind} a text"
        _leave_out(source, "beside the folders of the classes", loose)
    elif marked := [each for each in loose if _is_marked(each)]:
        source.words = "lines that begin with their class"
        _leave_out(source, "without classes", [each for each in loose if each not in marked])
        _marked(source, marked, part)
    elif part in (paired := pairs.find(loose)):
        _paired(source, paired, loose)
    else:
        source.words = "one file of lines per class"
        about = [each for each in loose if _name(each).casefold() in _ABOUT]
        if len(about) < len(loose):
            _leave_out(source, "about the data", about)
            loose = [each for each in loose if each not in about]
        source.files += [File(each, _name(each), part) for each in loose]
    others = sum(each not in loose for each in _walk(folder, 1))
    if others:
        source.skipped["other files"] += others
    if len(source.files) > _MOST:
        raise DataError(f"{folder}: more than {_MOST:,} files; write the texts as lines, a file for each class")


def _marked(source: Source, files: list[Path], part: str) -> None:
    """Add files of which each line begins with its class; their names may say the split, as cooking.train does."""
    parts: dict[str, list[Path]] = {}
    for each in files:
        parts.setdefault(split_names.part_in(each.name)[0] or "", []).append(each)
    if TRAIN not in parts:
        source.files += [File(each, "", part, marked=True) for each in files]
        return
    _leave_out(source, "beside the splits", parts.pop("", []))
    source.files += [File(each, "", part, marked=True) for part in _ORDER for each in parts.get(part, [])]
    if len(parts) > 1:
        source.splits = split_names.in_words({part: own[0].name for part, own in parts.items()})


def _paired(source: Source, paired: dict[str, tuple[Path, Path]], loose: list[Path]) -> None:
    """Add files of texts with files of their labels beside them."""
    source.words = "lines of texts, their labels in the lines of another file"
    mapping = next((each for each in loose if _name(each).casefold() == pairs.MAPPING), None)
    source.names = pairs.names(mapping, (labels for _, labels in paired.values()))
    source.files += [File(paired[part][0], "", part, labels=paired[part][1]) for part in _ORDER if part in paired]
    read = {each for both in paired.values() for each in both} | ({mapping} if source.names else set())
    _leave_out(source, "beside texts and labels", [each for each in loose if each not in read])
    if len(paired) > 1:
        source.splits = split_names.in_words({part: texts.name for part, (texts, _) in paired.items()})


def _splits_in_names(folders: dict[str, Path]) -> dict[str, Path]:
    """Folders with a split and the name of the data set in one, as 20news-bydate-train and 20news-bydate-test."""
    words = {name: split_names.part_in(name) for name in folders}
    if None in {part for part, _ in words.values()} or len({rest for _, rest in words.values()}) != 1:
        return {}
    if not all(map(_folders, folders.values())):  # they are classes, as "test rides" and "train rides"
        return {}
    return {part: folders[name] for name, (part, _) in words.items() if part}


def _leave_out(source: Source, where: str, files: list[Path]) -> None:
    if files:
        source.skipped[f"files {where}"] += len(files)
        source.notes.append(
            f"{listed((each.name for each in files), 4)} {where} {'were' if len(files) > 1 else 'was'} not read"
        )


def _name(path: Path) -> str:
    name = path.name
    while Path(name).suffix.lower() in PACKED | LINES:
        name = Path(name).stem
    return name


def _is_text(path: Path) -> bool:
    return ending(path.name) in LINES


def _is_marked(path: Path) -> bool:
    return (_is_text(path) or ending(path.name) in marks.ENDINGS) and marks.begins(path)


def _is_whole(path: Path) -> bool:
    """Whether a file in a folder of a class is a text: by its ending, or, if it has none, by what is in it."""
    suffix = path.suffix[1:]
    if (
        _is_text(path)
        or path.name.casefold() in _ABOUT
        or not (suffix == "" or suffix.isdecimal() or len(suffix) > _LONGEST_ENDING)
    ):
        return _is_text(path)
    with open(path, "rb") as file:
        start = file.read(_LOOKED_AT)
    strange = len(start) - len(start.translate(None, _CONTROL))
    return len(start) > 0 and b"\0" not in start and strange <= len(start) // 20


def _holds_text(path: Path, root: Path) -> bool:
    return _is_text(path) or (_is_marked(path) if path.parent == root else _is_whole(path))


def _is_table(path: Path) -> bool:
    return kind_of(path) in chunks.ENDINGS


def _folders(path: Path) -> list[Path]:
    found = {each.name: each for each in path.iterdir() if each.is_dir() and not each.name.startswith((".", "__"))}
    return [found[name] for name in natural(found)]


def _texts(path: Path) -> list[Path]:
    return [each for each in _walk(path, 1) if _is_text(each) or _is_marked(each)]


def _walk(path: Path, depth: int) -> Iterator[Path]:
    """The files of a folder and of those below it, `depth` levels down, in natural order; without hidden ones."""
    found = {each.name: each for each in path.iterdir() if not each.name.startswith(".")}
    for name in natural(found):
        if found[name].is_file():
            yield found[name]
        elif depth > 1 and not name.startswith("__"):
            yield from _walk(found[name], depth - 1)


def told(source: Source) -> str:
    """The layout in words, with how many files there are."""
    return f"{source.words} ({counted(len(source.files), 'file')})" if len(source.files) > 1 else source.words
