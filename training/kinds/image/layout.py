"""What a folder of pictures means: which folders are classes, which are splits, and which tables hold the labels."""

from __future__ import annotations

from collections import Counter

from training.data import parts as split_names
from training.data.errors import DataError
from training.data.parts import TEST, TRAIN, VALIDATION, part_in, part_of
from training.data.question import Question
from training.data.wording import counted, listed
from training.kinds.image import doubts
from training.kinds.image.arrangement import Found, Layout
from training.kinds.image.table import label_order
from training.kinds.image.tagged import Tagged
from training.kinds.image.tree import Parts, Tree

# Around pictures without labels, as Keras' directory readers want it.
_WRAPPERS = frozenset({"unknown", "unlabeled", "unlabelled", "images", "image", "img", "imgs", "pictures", "0", "all"})
_FEW_LOOSE = 0.05  # of the pictures: a logo or a preview beside the one folder that holds the data


def enter(tree: Tree) -> Parts:
    """The folder that holds classes or splits: `tree` itself, or the only folder in it that has any pictures."""
    base: Parts = ()
    while True:
        children = [name for name in tree.children(base) if not tree.is_empty((*base, name))]
        if len(children) != 1 or len(tree.beside(base)) > _FEW_LOOSE * len(tree.below(base)):
            return base
        inner = (*base, children[0])
        if not any(tree.below((*inner, each)) for each in tree.children(inner)):
            return base
        base = inner


def of_folders(tree: Tree, base: Parts) -> Layout:
    """Classes by the names of folders, splits by the names of the folders above them."""
    splits = find_splits(tree, base)
    if splits is None:
        layout = _one_level(tree, base)
    else:
        layout = _split_level(tree, base, splits)
    for depth in range(len(base)):
        if loose := len(tree.beside(base[:depth])):
            doubts.of_loose(layout, tree, base[:depth], loose)
        empty = [name for name in tree.children(base[:depth]) if name != base[depth]]
        layout.skipped.update({f"empty folder '{name}'": 1 for name in empty})
    doubts.of_classes(layout)
    return layout


def of_labels(tree: Tree, base: Parts, tagged: Tagged) -> Layout:
    """Classes by the labels of tables; splits by their columns, by folders, or by the tables' own names."""
    try:
        splits = find_splits(tree, base) or {}
    except DataError:
        # What makes no sense for folders of classes may be good for pictures with labels of their own.
        splits = {part: name for name in tree.children(base) if (part := part_of(name))}
    folder_part = {name: part_of(name) or part for part, name in splits.items()}
    found = []
    for picture in tree.pictures:
        if picture in tagged.labels:
            above = picture[len(base)] if len(picture) > len(base) + 1 and picture[: len(base)] == base else ""
            part = tagged.parts.get(picture) or folder_part.get(above)
            found.append(Found(picture, tagged.labels[picture], part))
    kinds = {each.part for each in found}
    if kinds <= {None, TRAIN} or kinds == {TEST} or kinds == {VALIDATION}:
        found = [Found(each.parts, each.label) for each in found]
        kinds = {None}
    else:
        # What no name puts anywhere is for training.
        found = [Found(each.parts, each.label, each.part or TRAIN) for each in found]
    found.sort(key=lambda each: _PART_ORDER[each.part])
    layout = Layout(found, tuple(label_order(set(tagged.labels.values()))), tagged.words)
    if kinds != {None}:
        layout.splits = split_names.in_words({str(part): splits.get(str(part), str(part)) for part in kinds - {None}})
    without = Counter(_place(picture, base) for picture in tree.pictures if picture not in tagged.labels)
    layout.skipped.update({f"pictures {place}without a label": count for place, count in without.items()})
    layout.used = frozenset(tagged.used)
    layout.notes += tagged.notes
    layout.questions += tagged.questions
    if sum(count for place, count in without.items() if not part_of(place[4:-2])) > len(found):
        layout.questions.append(
            Question(
                f"More pictures are without a label ({sum(without.values()):,}) than with one ({len(found):,}).",
                "Look whether the tables name all of the pictures.",
            )
        )
    if several := [label for label in layout.classes if "|" in label or ";" in label]:
        layout.questions.append(
            Question(
                f"Some labels look like several in one, as {listed(several, 2)}; each was taken for one class.",
                "Keep one class for each picture.",
            )
        )
    doubts.of_classes(layout)
    return layout


_PART_ORDER = {None: 0, TRAIN: 0, VALIDATION: 1, TEST: 2}


def find_splits(tree: Tree, base: Parts) -> dict[str, str] | None:
    """Folders that are splits, split -> name; None if a folder's names are classes.

    A class may have the name of a split: then it lies beside folders that are none.
    """
    children = tree.children(base)
    named = {name: part for name in children if (part := part_of(name))}
    if not named:
        named = _splits_in_names(children)
    if not named:
        return None
    found: dict[str, str] = {}
    for name, part in named.items():
        if part in found:
            raise DataError(
                f"{tree.path(base)}: {listed([found[part], name])} both look like the {part} split; join them into one"
            )
        found[part] = name
    if len(named) == len(children):
        if TRAIN in found:
            return found
        raise DataError(
            f"{tree.path(base)}: has {listed(named)}, but no folder of pictures to train on; wanted one called train"
        )
    return found if TRAIN in found and _same_classes(tree, base, found) else None


def _splits_in_names(children: list[str]) -> dict[str, str]:
    """Folders with a split and the data set in one name, as seg_train and seg_test, name -> split."""
    words = {name: part_in(name) for name in children}
    for rest in dict.fromkeys(rest for part, rest in words.values() if part == TRAIN):
        found = {name: part for name, (part, others) in words.items() if part is not None and others == rest}
        if len(found) > 1:
            return found
    return {}


def _same_classes(tree: Tree, base: Parts, splits: dict[str, str]) -> bool:
    """Whether the training split and another one hold the same folders: splits, whatever lies beside them."""
    inside = {part: set(tree.children(_inner(tree, (*base, name)))) for part, name in splits.items()}
    return any(inside[TRAIN] & names for part, names in inside.items() if part != TRAIN)


def _inner(tree: Tree, base: Parts) -> Parts:
    """The folder with the classes of a split: one folder in between, as train/train, is passed."""
    children = tree.children(base)
    if len(children) == 1 and not tree.beside(base) and tree.children((*base, children[0])):
        return (*base, children[0])
    return base


def _one_level(tree: Tree, base: Parts) -> Layout:
    classes, entered = tree.children(base), f" in '{'/'.join(base)}', the only one that has pictures" if base else ""
    if not classes:
        name = (base or (tree.root.resolve().name,))[-1]
        words = f"pictures of one class{entered}"
        return doubts.of_names(Layout([Found(each, name) for each in tree.beside(base)], (name,), words))
    layout = Layout([], tuple(classes), f"one folder per class{entered}")
    if (within := _splits_within(tree, base, classes)) is not None:
        for name in classes:
            for part, inner in within.items():
                layout.found += [Found(picture, name, part) for picture in tree.below((*base, name, inner))]
        layout.found.sort(key=lambda each: _PART_ORDER[each.part])
        layout.splits = f"in each class {split_names.in_words(within)}"
        return layout
    for name in classes:
        layout.found += [Found(picture, name) for picture in tree.below((*base, name))]
        _say_nested(layout, tree, (*base, name))
    doubts.of_folders(layout, tree, base)
    return layout


def _splits_within(tree: Tree, base: Parts, classes: list[str]) -> dict[str, str] | None:
    """The splits that every class has inside of its folder, as in cat/train and cat/test; None if they have none."""
    inside = {tuple(tree.children((*base, name))) for name in classes}
    if len(inside) != 1 or any(tree.beside((*base, name)) for name in classes):
        return None
    folders = inside.pop()
    names = {part_of(name): name for name in folders}
    if None in names or TRAIN not in names or len(folders) != len(names) or len(names) < 2:
        return None
    return {str(part): name for part, name in names.items()}


def _split_level(tree: Tree, base: Parts, splits: dict[str, str]) -> Layout:
    roots = {part: _inner(tree, (*base, splits[part])) for part in (TRAIN, VALIDATION, TEST) if part in splits}
    classes = tree.children(roots[TRAIN])
    above = f" in '{'/'.join(base)}'" if base else ""
    if not classes:
        name = (base or (tree.root.resolve().name,))[-1]
        layout = Layout([], (name,), f"pictures of one class{above}, no folders of classes")
        for part, root in roots.items():
            if tree.children(root):
                raise DataError(f"{tree.path(root)}: has folders of classes, but {tree.path(roots[TRAIN])} has none")
            layout.found += [Found(picture, name, part) for picture in tree.below(root)]
        layout.splits = split_names.in_words({part: splits[part] for part in roots})
        return doubts.of_names(layout)
    layout = Layout([], tuple(classes), f"one folder per class{above}")
    used = {}
    for part, root in roots.items():
        names = tree.children(root)
        if part != TRAIN and (not names or (len(names) == 1 and names[0] not in classes and _is_wrapper(names[0]))):
            layout.skipped[f"pictures without a class in '{splits[part]}'"] += len(tree.below(root))
            continue
        used[part] = splits[part]
        for name in names:
            if name not in classes:
                raise DataError(
                    f"{tree.path((*root, name))}: this class is not in {tree.path(roots[TRAIN])}; the classes of both "
                    f"must agree{_resembling(name, classes)}"
                )
            layout.found += [Found(picture, name, part) for picture in tree.below((*root, name))]
            _say_nested(layout, tree, (*root, name))
        if loose := len(tree.beside(root)):
            doubts.of_loose(layout, tree, root, loose)
    layout.splits = split_names.in_words(used) if len(used) > 1 else ""
    if len(used) == 1:
        layout.found = [Found(each.parts, each.label) for each in layout.found]
        layout.words += f", of '{splits[TRAIN]}'"
    if base not in roots.values() and (loose := len(tree.beside(base))):
        doubts.of_loose(layout, tree, base, loose)
    others = [name for name in tree.children(base) if name not in splits.values() and tree.below((*base, name))]
    if others:
        count = sum(len(tree.below((*base, name))) for name in others)
        layout.skipped[f"pictures in {listed(others)}"] += count
        layout.questions.append(
            Question(
                f"{listed(splits.values())} were taken for splits, so that {counted(count, 'picture')} in "
                f"{listed(others)} beside them were left out.",
                f"If {listed(others)} should be classes, move them into '{splits[TRAIN]}'.",
            )
        )
    return layout


def _is_wrapper(name: str) -> bool:
    return name.casefold() in _WRAPPERS or part_of(name) is not None


def _resembling(name: str, classes: list[str]) -> str:
    alike = [each for each in classes if each.casefold().strip() == name.casefold().strip()]
    return f" (it has {listed(alike)})" if alike else "; move the folder away if its pictures have no class"


def _say_nested(layout: Layout, tree: Tree, folder: Parts) -> None:
    inside = [name for name in tree.children(folder) if tree.below((*folder, name))]
    if inside:
        count = len(tree.below(folder)) - len(tree.beside(folder))
        layout.notes.append(
            f"{counted(count, 'picture')} of class {listed(folder[-1:])} lie in its folders {listed(inside, 4)}"
        )


def _place(picture: Parts, base: Parts) -> str:
    rest = picture[len(base) : -1]
    return f"in '{rest[0]}' " if rest else ""
