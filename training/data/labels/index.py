"""Which sample a row of a table means: by path, by name, or by name without its ending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from training.data.folders.tree import Parts, Sought, Tree
from training.data.labels.table import clean
from training.data.parts import part_of

_SAME_ENDING = {".jpeg": ".jpg", ".jpe": ".jpg", ".jfif": ".jpg", ".tiff": ".tif"}


class Index:
    """Pictures by what rows call them: path, name, or name without its ending."""

    def __init__(self, tree: Tree) -> None:
        self.sought = tree.sought
        self._root = clean(tree.root.resolve().name)
        self._names: list[dict[str, list[Parts]]] = [defaultdict(list) for _ in range(3)]
        for sample in tree.samples:
            name = clean(sample[-1])
            stem = clean(PurePosixPath(name).stem)
            for names, key in zip(self._names, (name, stem, name.casefold()), strict=True):
                names[key].append(sample)

    def called(self, name: str) -> bool:
        """Whether any sample is called so, whatever folder it lies in."""
        return any(_split_path(name)[-1] in names for names in self._names[:2])

    def resolve(self, values: Sequence[str], folder: Parts, part: str | None) -> tuple[list[Parts | None], list[str]]:
        """The sample that each value means, None for none; and values that could mean several.

        folder: where the table lies; part: the split that its name says.
        """
        split = [_split_path(value) for value in values]
        # Where names alone tell samples apart, folders may be called otherwise than in the table.
        distinct = len({each[-1] for each in split}) == len({tuple(each) for each in split})
        found: list[Parts | None] = []
        doubtful: list[str] = []
        for value, path in zip(values, split, strict=True):
            candidates = next((names[path[-1]] for names in self._names[:2] if path[-1] in names), None)
            candidates = candidates or self._names[2].get(path[-1].casefold(), [])
            if not candidates and ending_of_sample(path[-1], self.sought):
                # The same samples in another format.
                candidates = self._names[1].get(clean(PurePosixPath(path[-1]).stem), [])
            candidates = self._closest(path, candidates, distinct)
            candidates = _narrowed(candidates, path, folder, part)
            if len(candidates) > 1:
                doubtful.append(value)
            found.append(candidates[0] if len(candidates) == 1 else None)
        return found, doubtful

    def _closest(self, path: list[str], candidates: list[Parts], distinct: bool) -> list[Parts]:
        scored = []
        for sample in candidates:
            folders = [self._root, *map(clean, sample[:-1])]
            same = 0
            for mine, theirs in zip(reversed(folders), reversed(path[:-1]), strict=False):
                if mine != theirs:
                    break
                same += 1
            whole = same == len(path) - 1 or (same and same >= len(folders) - 1)
            if whole or (distinct and not _other_split(folders, path[:-1])):
                scored.append((same, sample))
        best = max((same for same, _ in scored), default=0)
        return [sample for same, sample in scored if same == best]


def _narrowed(candidates: list[Parts], path: list[str], folder: Parts, part: str | None) -> list[Parts]:
    tests: list[Callable[[Parts], bool]] = [
        lambda sample: tuple(map(clean, sample)) == (*map(clean, folder), *path),
        lambda sample: part is not None and part in [part_of(each) for each in sample[:-1]],
        lambda sample: sample[:-1] == folder,
    ]
    for test in tests:
        if len(candidates) > 1 and any(map(test, candidates)):
            candidates = [sample for sample in candidates if test(sample)]
    return candidates


def _split_path(value: str) -> list[str]:
    parts = [part for part in value.replace("\\", "/").split("/") if part not in ("", ".")]
    return parts or [""]


def _other_split(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    first, second = ({part for each in names if (part := part_of(each))} for names in (mine, theirs))
    return bool(first and second and not first & second)


def ending_of_sample(name: str, sought: Sought) -> str:
    """The ending of a name if it is one of samples, as JPEG's many are one; else empty."""
    ending = PurePosixPath(name).suffix.lower()
    return _SAME_ENDING.get(ending, ending) if ending in sought.suffixes | sought.unread else ""
