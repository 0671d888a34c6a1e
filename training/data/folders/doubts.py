"""What makes it doubtful that folders are the classes, asked of a person before training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from training.data.folders.tree import Parts, Tree
from training.data.parts import part_of
from training.data.question import Question
from training.data.wording import counted, listed

if TYPE_CHECKING:
    from training.data.folders.arrangement import Layout

_CHUNK = re.compile(r"\d{4,}|(part|chunk|shard|batch|disk|fold|images?)[-_ ]?\d+")
# Folders of a set that hold no classes: samples beside their masks.
_PAIRED = frozenset({"masks", "mask", "labels", "annotations", "gt", "ground_truth"})
_MOST_CLASSES = 1000


def chunks(names: Iterable[str]) -> bool:
    """Whether folders are called as parts of one heap are, which are no classes: part1, fold_02, 0003."""
    return all(_CHUNK.fullmatch(name.casefold()) for name in names)


def of_loose(layout: Layout, tree: Tree, base: Parts, count: int) -> None:
    layout.skipped[f"{tree.sought.nouns} beside the folders of classes"] += count
    where = tree.path(base)
    layout.questions.append(
        Question(
            f"Left out: {counted(count, tree.sought.noun)} in {where} itself, beside the folders of classes.",
            "What has a class belongs into its folder.",
        )
    )


def of_folders(layout: Layout, tree: Tree, base: Parts) -> None:
    """What makes it doubtful that the folders of one level are classes."""
    if loose := len(tree.beside(base)):
        of_loose(layout, tree, base, loose)
    classes, nouns = layout.classes, tree.sought.nouns
    if splits := [name for name in classes if part_of(name)]:
        others = [each for each in classes if each not in splits]
        layout.questions.append(
            Question(
                f"{listed(splits)} was taken for a class, as {listed(others)} beside it are no splits.",
                f"If it is a split, give {tree.path((*base, splits[0]))} as DATA, or move the others away.",
            )
        )
    inside = Counter(inner for name in classes for inner in tree.children((*base, name)))
    shared = [inner for inner, count in inside.items() if count > 1]
    if len(shared) > 1 or (len(classes) > 1 and chunks(classes)):
        each = f", of which several have the folders {listed(sorted(shared), 4)}," if len(shared) > 1 else ""
        layout.questions.append(
            Question(
                f"The folders {listed(classes, 4)}{each} were taken for classes.",
                "If they are splits, call them train and test; if they are mere chunks, give the labels in a "
                "labels.csv beside them, or put the folders of each class together.",
            )
        )
    if sum(name.casefold() in _PAIRED | tree.sought.around for name in classes) > 1:
        layout.questions.append(
            Question(
                f"The folders {listed(classes, 4)} were taken for classes.",
                f"If one holds the masks or the labels of the other's {nouns}, give the one with the {nouns} as DATA.",
            )
        )


def of_classes(layout: Layout) -> None:
    if len(layout.classes) > _MOST_CLASSES:
        layout.questions.append(
            Question(
                f"There are {len(layout.classes):,} classes.",
                "If these are single things (persons, patients, videos) rather than kinds, choose another label.",
            )
        )


def of_names(layout: Layout, nouns: str) -> Layout:
    """One class: whether the files' names seem to hold the classes."""
    starts = Counter(re.match(r"[^\W\d_]*", each.parts[-1]).group().casefold() for each in layout.found)  # type: ignore[union-attr]
    usual = [start for start, count in starts.items() if start and count * 20 >= len(layout.found)]
    if len(usual) > 1:
        layout.questions.append(
            Question(
                f"All {nouns} were taken for one class, but the names of the files begin with {listed(usual, 4)}.",
                f"If these are classes, put the {nouns} of each into a folder, or write a labels.csv with the columns "
                "file_name and label beside them.",
            )
        )
    return layout
