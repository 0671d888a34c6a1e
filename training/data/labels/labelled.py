"""What samples mean whose labels stand in tables: classes by the labels, splits by columns, folders or names."""

from __future__ import annotations

from collections import Counter

from training.data import parts as split_names
from training.data.errors import DataError
from training.data.folders import doubts
from training.data.folders.arrangement import Found, Layout
from training.data.folders.layout import PART_ORDER, find_splits
from training.data.folders.tree import Parts, Tree
from training.data.labels.table import label_order
from training.data.labels.tagged import Tagged
from training.data.parts import TEST, TRAIN, VALIDATION, part_of
from training.data.question import Question
from training.data.wording import listed, shown


def of_labels(tree: Tree, base: Parts, tagged: Tagged) -> Layout:
    """Classes by the labels of tables; splits by their columns, by folders, or by the tables' own names."""
    try:
        splits = find_splits(tree, base) or {}
    except DataError:
        # What makes no sense for folders of classes may be good for samples with labels of their own.
        splits = {part: name for name in tree.children(base) if (part := part_of(name))}
    nouns = tree.sought.nouns
    folder_part = {name: part_of(name) or part for part, name in splits.items()}
    found = []
    for sample in tree.samples:
        if sample in tagged.labels:
            above = sample[len(base)] if len(sample) > len(base) + 1 and sample[: len(base)] == base else ""
            part = tagged.parts.get(sample) or folder_part.get(above)
            found.append(Found(sample, tagged.labels[sample], part))
    kinds = {each.part for each in found}
    if kinds <= {None, TRAIN} or kinds == {TEST} or kinds == {VALIDATION}:
        found = [Found(each.parts, each.label) for each in found]
        kinds = {None}
    else:
        # What no name puts anywhere is for training.
        found = [Found(each.parts, each.label, each.part or TRAIN) for each in found]
    found.sort(key=lambda each: PART_ORDER[each.part])
    layout = Layout(found, tuple(label_order(set(tagged.labels.values()))), tagged.words)
    if kinds != {None}:
        layout.splits = split_names.in_words({str(part): splits.get(str(part), str(part)) for part in kinds - {None}})
    without = Counter(_place(sample, base) for sample in tree.samples if sample not in tagged.labels)
    layout.skipped.update({f"{nouns} {place}without a label": count for place, count in without.items()})
    layout.used = frozenset((*tagged.used, *tagged.of_splits))
    layout.notes += [*tagged.notes, *(f"{shown(path.name)} says the splits" for path in tagged.of_splits)]
    layout.questions += tagged.questions
    if sum(count for place, count in without.items() if not part_of(place[4:-2])) > len(found):
        layout.questions.append(
            Question(
                f"More {nouns} are without a label ({sum(without.values()):,}) than with one ({len(found):,}).",
                "Look whether the tables name all of them.",
            )
        )
    if several := [label for label in layout.classes if "|" in label or ";" in label]:
        layout.questions.append(
            Question(
                f"Some labels look like several in one, as {listed(several, 2)}; each was taken for one class.",
                f"Keep one class for each {tree.sought.noun}.",
            )
        )
    doubts.of_classes(layout)
    return layout


def _place(sample: Parts, base: Parts) -> str:
    rest = sample[len(base) : -1]
    return f"in '{rest[0]}' " if rest else ""
