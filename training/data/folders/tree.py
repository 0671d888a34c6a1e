"""What lies in a folder, at any depth: samples, other files, links without target, what systems put there."""

from __future__ import annotations

import os
import stat
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from training.data.errors import DataError

Parts = tuple[str, ...]


@dataclass(frozen=True)
class Sought:
    """What files are samples, by their endings in lower case, with the dot.

    noun:   what one is called, e.g. "picture".
    unread: endings of samples that are not read; they make a folder a class whose samples are missing.
    advice: how to turn those into some that are, one sentence.
    around: names of folders, in lower case, that hold samples and are no class of them.
    words:  what columns of tables call one, in lower case.
    """

    noun: str
    suffixes: frozenset[str]
    unread: frozenset[str]
    advice: str
    around: frozenset[str]
    words: tuple[str, ...]

    @property
    def nouns(self) -> str:
        return f"{self.noun}s"


# Folders and files that no person put there, in lower case: archives of macOS, network disks, recycle bins, caches.
_SYSTEM = frozenset(
    {"__macosx", "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin"}
    | {"system volume information", "lost+found", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"}
    | {"recycler", "picasa.ini", ".ds_store"}
)
# Small copies of a class's samples, if they lie inside the class.
_THUMBNAILS = frozenset({"thumbnails", "thumbnail", "thumbs", "_thumbs", "previews"})
_DEEPEST = 64
_MOST_COUNTED = 100_000


@dataclass
class Tree:
    """The files of a folder, as names from `root` on, in order of name.

    samples: files that are read by their ending; files: all others that are whole.
    folders: all that were entered.
    dead:    links whose target is gone.
    left:    what was left out as hidden or the system's: name -> count of files.
    """

    root: Path
    sought: Sought
    samples: list[Parts] = field(default_factory=list)
    files: list[Parts] = field(default_factory=list)
    folders: list[Parts] = field(default_factory=list)
    dead: list[Parts] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._samples: dict[Parts, list[Parts]] | None = None
        self._others: dict[Parts, list[Parts]] | None = None
        self._children: dict[Parts, list[str]] | None = None

    def path(self, parts: Parts) -> Path:
        return self.root.joinpath(*parts)

    def below(self, base: Parts) -> list[Parts]:
        """The samples in a folder, at any depth."""
        if self._samples is None:
            self._samples = _by_folder(self.samples)
        return self._samples.get(base, [])

    def beside(self, base: Parts) -> list[Parts]:
        """The samples in a folder itself."""
        return [sample for sample in self.below(base) if len(sample) == len(base) + 1]

    def children(self, base: Parts) -> list[str]:
        """Names of the folders in a folder that hold samples, should hold some, or hold nothing at all."""
        if self._children is None:
            self._children = defaultdict(list)
            for folder in self.folders:
                if self._may_be_class(folder):
                    self._children[folder[:-1]].append(folder[-1])
        return self._children.get(base, [])

    def is_empty(self, folder: Parts) -> bool:
        """Whether a folder holds nothing at all, at any depth."""
        return not self.below(folder) and not self._files_below(folder)

    def _files_below(self, folder: Parts) -> list[Parts]:
        if self._others is None:
            self._others = _by_folder([*self.files, *self.dead])
        return self._others.get(folder, [])

    def _may_be_class(self, folder: Parts) -> bool:
        if self.below(folder):
            return True
        files = self._files_below(folder)
        return not files or any(_suffix(file[-1]) in self.sought.unread | self.sought.suffixes for file in files)


def _by_folder(files: list[Parts]) -> dict[Parts, list[Parts]]:
    """The files of each folder, at any depth."""
    inside: dict[Parts, list[Parts]] = defaultdict(list)
    for file in files:
        for depth in range(len(file)):
            inside[file[:depth]].append(file)
    return inside


def walk(root: Path, sought: Sought) -> Tree:
    """List a folder; linked folders are entered, unless they lead back to where they lie. Raises DataError."""
    tree = Tree(root, sought)
    status = root.stat()
    _enter(tree, (), ((status.st_dev, status.st_ino),))
    for found in (tree.samples, tree.files, tree.folders, tree.dead):
        found.sort()
    return tree


def _enter(tree: Tree, base: Parts, above: tuple[tuple[int, int], ...]) -> None:
    entries = _entries(tree.path(base))
    suffixes = tree.sought.suffixes
    of_samples = any(_suffix(entry.name) in suffixes for entry in entries)
    for entry in entries:
        parts = (*base, entry.name)
        # Beside samples only: a folder of its own may be a class of thumbs.
        if _is_hidden(entry.name) or (of_samples and entry.name.lower() in _THUMBNAILS and entry.is_dir()):
            tree.left[_kind(entry.name)] += _count(entry)
            continue
        try:
            status = entry.stat()
        except OSError:
            tree.dead.append(parts)
            continue
        if stat.S_ISDIR(status.st_mode):
            here = (status.st_dev, status.st_ino)
            if here in above or len(parts) > _DEEPEST:
                tree.left["folders linked to a folder that they lie in"] += 1
                continue
            tree.folders.append(parts)
            _enter(tree, parts, (*above, here))
        elif stat.S_ISREG(status.st_mode):
            (tree.samples if _suffix(entry.name) in suffixes else tree.files).append(parts)


def _entries(path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in _SYSTEM


def _kind(name: str) -> str:
    if name.startswith("._"):
        return "files named ._* (macOS's own)"
    if name.startswith(".") and name.lower() not in _SYSTEM:
        return "hidden files"
    return f"files named or in {name}"


def _count(entry: os.DirEntry[str]) -> int:
    """Files in what is left out; links are not followed."""
    if not entry.is_dir(follow_symlinks=False):
        return 1
    count = 0
    for _, _, files in os.walk(entry.path):
        count += len(files)
        if count > _MOST_COUNTED:
            break
    return count


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122, thousands of names
