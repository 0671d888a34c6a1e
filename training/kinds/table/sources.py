"""Which files a source of rows is, and what each is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.data import parts as split_names
from training.data.errors import DataError
from training.data.nearby import hint
from training.data.parts import TEST, TRAIN, VALIDATION, part_in, part_of
from training.data.reading import Claim
from training.data.wording import counted, listed
from training.kinds.table import chunks
from training.kinds.table.chunks import ENDINGS, File
from training.kinds.table.order import natural
from training.kinds.table.text import ending, kind_of

# Tables as often as not: in a folder beside others they are descriptions of these.
_PERHAPS = frozenset({".txt", ".dat", ".data", ".json"})
_DEEPEST = 2  # folders, as in data/train/part-0.parquet
_MOST = 10_000


@dataclass(slots=True)
class Source:
    """files: in order, with the split of each. splits: in words. left: what was left out, and how many."""

    path: Path
    files: list[tuple[File, str]]
    splits: str = ""
    notes: list[str] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        first = self.files[0][0]
        many = f"{counted(len(self.files), 'file')} of rows" if len(self.files) > 1 else "a table of rows"
        return f"{many} ({first.words})"


def reads(source: str) -> Claim:
    """How surely a source is rows: by the names of its files; what shows something else is of another kind."""
    path = Path(source)
    try:
        if path.is_dir():
            found = {ending(each.name) for each in _files(path)}
            likely = found == {".json"} or not found <= _PERHAPS
        else:
            likely = path.is_file() and kind_of(path) in ENDINGS
    except (OSError, ValueError):
        likely = False
    return Claim.LIKELY if likely else Claim.NONE


def find(path: Path) -> Source:
    """Raises DataError."""
    if not path.exists():
        raise DataError(f"{path}: no such file or folder{hint(path)}")
    if not path.is_dir():
        source = Source(path, [(chunks.open_file(path), TRAIN)])
        if part_in(path.stem)[0] == TRAIN:
            beside = [each.name for each in _beside(path) if part_in(each.stem)[0] == TEST]
            if beside:
                source.notes.append(f"{listed(beside, 2)} beside it was left out; name the folder to test on it")
        return source
    return _folder(path)


def _files(path: Path) -> list[Path]:
    found: list[Path] = []
    waiting = [(path, 0)]
    while waiting:
        folder, depth = waiting.pop()
        for entry in sorted(folder.iterdir())[:_MOST]:
            if entry.name.startswith((".", "_")):
                continue
            if entry.is_dir() and depth < _DEEPEST:
                waiting.append((entry, depth + 1))
            elif entry.is_file() and ending(entry.name) in ENDINGS:
                found.append(entry)
    return [path / name for name in natural(str(each.relative_to(path)) for each in found)]


def _beside(path: Path) -> list[Path]:
    try:
        return [each for each in sorted(path.parent.iterdir())[:_MOST] if ending(each.name) == ending(path.name)]
    except OSError:
        return []


def parts(path: Path, notes: list[str]) -> dict[str, list[Path]]:
    """The files of a folder's splits: TRAIN, VALIDATION, TEST in this order; all is TRAIN if no name says more.

    notes: are added what was not read. Raises DataError.
    """
    found = _files(path)
    sure = [each for each in found if ending(each.name) not in _PERHAPS]
    chosen: dict[str, list[Path]] = {}
    for each in sure or found:
        if "submission" in each.stem.lower():
            notes.append(f"{each.name} was not read: its labels are placeholders")
            continue
        part = part_of(each.parent.name) if each.parent != path else None
        chosen.setdefault(part or part_in(each.stem)[0] or "", []).append(each)
    if TRAIN in chosen and (others := chosen.pop("", [])):
        notes.append(f"{listed((each.name for each in others), 3)} beside the training part was not read")
    if "" in chosen:
        if len(chosen) > 1:
            raise DataError(
                f"{path}: has {listed((each.name for part in chosen.values() for each in part), 4)}, of which none is "
                "for training by its name; name the file to learn from"
            )
        chosen = {TRAIN: chosen[""]}
    if not chosen:
        raise DataError(f"{path}: holds no table; wanted .csv, .tsv, .jsonl, .json, .parquet or .feather files")
    if TRAIN not in chosen:
        raise DataError(f"{path}: has {listed(chosen)}, but nothing to train on")
    return {part: chosen[part] for part in (TRAIN, VALIDATION, TEST) if part in chosen}


def _folder(path: Path) -> Source:
    source = Source(path, [])
    chosen = parts(path, source.notes)
    for part, paths in chosen.items():
        source.files += [(chunks.open_file(each), part) for each in paths]
    _refuse_several(source)
    source.splits = in_words(chosen)
    return source


def in_words(chosen: dict[str, list[Path]]) -> str:
    """What each of the parts is used as; empty if there is one."""
    names = {part: _name(paths) for part, paths in chosen.items()}
    return split_names.in_words(names) if len(chosen) > 1 else ""


def _name(paths: Sequence[Path]) -> str:
    if part_of(paths[0].parent.name):
        return paths[0].parent.name
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} ... {paths[-1].name}"


def _refuse_several(source: Source) -> None:
    """Raise DataError where files of one part are different tables, or the same one twice."""
    for part in (TRAIN, VALIDATION, TEST):
        files = [file for file, own in source.files if own == part]
        endings = {ending(file.path.name) for file in files}
        if len(endings) > 1:
            raise DataError(
                f"{source.path}: has {listed(file.path.name for file in files)}, which may be the same rows twice; "
                "keep one kind of file, or name one"
            )
        for file in files[1:]:
            if unlike := sorted(set(file.names) ^ set(files[0].names)):
                raise DataError(
                    f"{source.path}: holds several tables: {file.path.name} has other columns than "
                    f"{files[0].path.name} ({listed(unlike, 4)}); name one of them"
                )


def to_guess(source: Source) -> str | None:
    """The one column that a competition's test file lacks, for it is what is to be guessed; None: there is no such."""
    trained = trained_on(source)
    for file, part in source.files:
        lacking = [name for name in trained.names if name not in file.names]
        if part == TEST and len(lacking) == 1 and set(file.names) < set(trained.names):
            return lacking[0]
    return None


def trained_on(source: Source) -> File:
    """The first file of the training part."""
    return next(file for file, part in source.files if part == TRAIN)


def leave_out_unlabelled(source: Source, label: str) -> None:
    """Take the files out that have no labels, and say so."""
    for file, part in tuple(source.files):
        if label not in file.names and part != TRAIN:
            source.files.remove((file, part))
            source.notes.append(
                f"{file.path.name} was left out: it has no labels (column {label!r}), as a competition's test"
            )
            source.splits = ""
