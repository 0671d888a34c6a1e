"""Which array is what, by the names that people and libraries give them: images, labels, train, test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# Each in the order in which it is taken where an archive has several.
IMAGES = ("images", "image", "imgs", "img", "x", "data", "samples", "pixels")
LABELS = ("labels", "label", "y", "target", "targets")
CLASS_NAMES = ("class_names", "target_names", "label_names", "classes", "labels_names", "category_names")
PARTS = {
    "train": ("train", "training", "tr"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "te", "t10k"),
}
USUAL = (
    "images and labels, x and y, data and target, x_train and y_train, train_images and train_labels, "
    "or arr_0 (images) and arr_1 (labels)"
)


class Role(NamedTuple):
    """stem: what a name has beside part and role, e.g. ("k49",); part: "train", "validation", "test" or ""."""

    stem: tuple[str, ...]
    part: str
    is_labels: bool
    rank: int  # among names of the same role: the lowest is taken


class Pair(NamedTuple):
    """Names of the array of images and of the one of their labels; labels "": there is none."""

    images: str
    labels: str


def role(name: str) -> Role | None:
    """What an array of this name is; None: neither images nor labels."""
    tokens = [token for token in re.split(r"[^a-z0-9]+", name.lower()) if token]
    if len(tokens) == 1:
        tokens = _apart(tokens[0])
    stem: list[str] = []
    part, images, labels = "", "", ""
    for token in tokens:
        named = next((part for part, words in PARTS.items() if token in words), "")
        if named and not part:
            part = named
        elif token in LABELS and not labels:
            labels = token
        elif token in IMAGES and (not images or images == "data"):
            images = token  # "data" says nothing beside another word: x_data, data_images
        elif token != "data":
            stem.append(token)
    if labels and images not in ("", "data"):
        return None  # label_images: masks
    if "names" in stem or not (labels or images):
        return None
    rank = LABELS.index(labels) if labels else IMAGES.index(images)
    return Role(tuple(stem), part, bool(labels), rank)


def _apart(token: str) -> list[str]:
    """The words in one, e.g. xtrain, testimages."""
    for words in PARTS.values():
        for word in words:
            for known in (*IMAGES, *LABELS):
                if token in (word + known, known + word):
                    return [word, known]
    return [token]


def pairs(names: Iterable[str]) -> dict[str, Pair]:
    """Pairs of one data set by part; of a part without labels, the images with "".

    Empty if the names say nothing, or speak of several sets.
    """
    groups: dict[tuple[str, ...], dict[tuple[str, bool], tuple[int, str]]] = {}
    for name in sorted(names):
        found = role(name)
        if found is None:
            continue
        group = groups.setdefault(found.stem, {})
        key = (found.part, found.is_labels)
        if key not in group or found.rank < group[key][0]:
            group[key] = (found.rank, name)
    whole = {
        stem: group
        for stem, group in groups.items()
        if any((part, True) in group for part, is_labels in group if not is_labels)
    }
    if () in whole:
        chosen = whole[()]
    elif len(whole) == 1:
        chosen = next(iter(whole.values()))
    else:
        chosen = groups.get((), {})  # for a message about what is missing
    return {
        part: Pair(name, chosen[part, True][1] if (part, True) in chosen else "")
        for (part, is_labels), (_, name) in chosen.items()
        if not is_labels
    }


def class_names(names: Iterable[str]) -> str | None:
    """The array that names the classes; None if there is none."""
    lower = {name.lower(): name for name in names}
    return next((lower[name] for name in CLASS_NAMES if name in lower), None)
