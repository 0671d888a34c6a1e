"""Which class of the generator each class of a real data set is. By name wherever there are names, never by guess."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.reading.mixing import listed
from augmint.said import warn
from augmint.torch.labels import Key, read

GIVE = "give names=, the generator's name of each real class"


@dataclass(frozen=True)
class Classes:
    """The classes of a mixture.

    keys: what a label of each stands for, all int or all str. names: for people, all different.
    indices: int64, the generator's class index of each; -1: it does not have the class.
    assumed: what had to be taken for granted, one sentence; empty: nothing.
    """

    keys: list[Key]
    names: list[str]
    indices: np.ndarray
    assumed: str = ""

    def numbers(self, labels: np.ndarray) -> np.ndarray:
        """int64 [n]: places in `keys` of labels, int64 or str [n]."""
        if not len(labels):
            return np.zeros(0, np.int64)
        order = np.argsort(np.array(self.keys))
        return order[np.searchsorted(np.array(self.keys)[order], labels)]


def classes_of(
    labels: np.ndarray,
    description: Description,
    given: Mapping[Any, str] | Sequence[str] | None,
    told: Sequence[tuple[str, ...]] | None,
    count: int | None,
) -> Classes:
    """The classes of these labels, int64 or str [n].

    given: `names` of the caller: a mapping from label to the generator's name, or the names in order of class number.
    told:  names that the data set itself has for its numbers, with synonyms; None: it has none.
    count: number of classes, of one-hot labels.
    raises: InvalidRequest if it cannot be told which class is which, with what to do.
    """
    seen: list[Key] = np.unique(labels).tolist()
    if given is not None:
        return _given(labels, given, description, count)
    if labels.dtype.kind == "U":
        return _by_name(seen, description)
    known = description.labels
    if count is not None and count != (len(known) if told is None else len(told)):
        raise InvalidRequest(
            f"real labels are one-hot of length {count}, but there are "
            + (f"{len(told)} real classes" if told is not None else f"{len(known)} classes of the generator")
            + f" ({listed(known if told is None else [one[0] for one in told])}): {GIVE}"
        )
    if told is None:
        return _by_number(labels, description)
    names = _unlike([synonyms[0] for synonyms in told])
    _check_range(labels, names)
    indices = match(told, known)
    if any(index >= 0 for index in indices):
        return Classes(list(range(len(told))), names, np.array(indices, np.int64), _alike(told, known, indices))
    numbered = [str(number) for number in range(len(told))]
    # One side has nothing but numbers: they are what both share, if there are as many.
    if len(told) == len(known) and names == numbered:
        return _by_number(labels, description)
    if list(known) != numbered:
        raise InvalidRequest(
            f"the real classes are {listed(names)}, those of generator {description.name!r} {listed(known)}: {GIVE}"
        )
    assumed = f"the generator has only numbers, which are taken for those of the real classes, {listed(names)}"
    return Classes(list(range(len(told))), names, np.arange(len(told)), assumed)


def match(names: Sequence[tuple[str, ...]], known: Sequence[str]) -> list[int]:
    """Index in `known` of each name (or of one of its synonyms), -1 for none.

    Equal names first; then those that differ in case, spaces, hyphens, underscores or slashes only, where no other name
    on either side does.
    """
    place = {name: index for index, name in enumerate(known)}
    found = [next((place[one] for one in synonyms if one in place), -1) for synonyms in names]
    wanted = [{_plain(one) for one in synonyms} for synonyms in names]
    often = Counter(plain for every in wanted for plain in every)
    alike: dict[str, list[int]] = {}
    for index, name in enumerate(known):
        alike.setdefault(_plain(name), []).append(index)
    taken = set(found)
    for number, every in enumerate(wanted):
        candidates = {index for plain in every for index in alike.get(plain, ())}
        alone = all(often[plain] == 1 for plain in every)
        if found[number] < 0 and alone and len(candidates) == 1 and not candidates & taken:
            found[number] = candidates.pop()
            taken.add(found[number])
    twice = [index for index in found if index >= 0 and found.count(index) > 1]
    if twice:
        both = [synonyms[0] for synonyms, index in zip(names, found, strict=True) if index == twice[0]]
        raise InvalidRequest(
            f"the real classes {listed(both)} would all be {known[twice[0]]!r} of the generator: {GIVE}"
        )
    return found


def told_names(classes: Any, class_to_idx: Any) -> list[tuple[str, ...]] | None:
    """Names of a data set's classes by number, with synonyms, from `classes` and `class_to_idx`; None without them.

    raises: InvalidRequest if the two contradict each other.
    """
    names = _in_order(classes)
    numbers = class_to_idx if isinstance(class_to_idx, Mapping) else {}
    numbers = {name: int(number) for name, number in numbers.items() if isinstance(name, str)}
    if names is None:
        by_number: dict[int, list[str]] = {}
        for name, number in numbers.items():
            by_number.setdefault(number, []).append(name)
        names = _in_order({number: tuple(synonyms) for number, synonyms in by_number.items()})
    for number, synonyms in enumerate(names or []):
        if numbers.get(synonyms[0], number) != number and len(numbers) == len(names or []):
            raise InvalidRequest(
                f"real.classes has {synonyms[0]!r} at {number}, real.class_to_idx says {numbers[synonyms[0]]}: {GIVE}"
            )
    return names


def _in_order(classes: Any) -> list[tuple[str, ...]] | None:
    """Names of 0, 1, 2, ... from a list, an array, or a mapping from these numbers; None if it is nothing like that."""
    if isinstance(classes, Mapping):
        if not classes or set(classes) != set(range(len(classes))):
            return None
        classes = [classes[number] for number in range(len(classes))]
    if isinstance(classes, np.ndarray):
        classes = classes.tolist()
    if not isinstance(classes, list | tuple) or not classes:
        return None
    return [tuple(map(str, one)) if isinstance(one, tuple | list) else _synonyms(str(one)) for one in classes]


def _synonyms(name: str) -> tuple[str, ...]:
    # "5 - five", as torchvision names the classes of MNIST.
    number, dash, word = name.partition(" - ")
    return (name, number, word) if dash and number.isdecimal() else (name,)


def _unlike(names: Sequence[str]) -> list[str]:
    """Names that all differ: those that several have, as "crane" in ImageNet, with their number."""
    often = Counter(names)
    return [name if often[name] == 1 else f"{name} ({number})" for number, name in enumerate(names)]


def _alike(told: Sequence[tuple[str, ...]], known: Sequence[str], indices: Sequence[int]) -> str:
    """What is said of names that are not quite equal; empty for none."""
    pairs = [
        f"{synonyms[0]} = {known[index]}"
        for synonyms, index in zip(told, indices, strict=True)
        if index >= 0 and known[index] not in synonyms
    ]
    return f"real classes are taken for those of the generator that are spelt alike, {listed(pairs)}" if pairs else ""


def _plain(name: str) -> str:
    return re.sub(r"(?<=\w)[\s_/-]+(?=\w)", " ", name.strip().replace("_", " ")).casefold()


def _given(
    labels: np.ndarray, given: Mapping[Any, str] | Sequence[str], description: Description, count: int | None
) -> Classes:
    seen, by_name = np.unique(labels).tolist(), labels.dtype.kind == "U"
    if isinstance(given, Mapping):
        keys, names = [read(key, "names") for key in given], [str(name) for name in given.values()]
        lacking = [key for key in seen if key not in keys]
        if lacking or any(isinstance(key, str) != by_name for key in keys):
            raise InvalidRequest(f"names has no entry for the real labels {listed(lacking or seen)}")
    elif isinstance(given, str) or by_name:
        raise InvalidRequest(
            "names is a mapping from the real label to the generator's name"
            + (", as the real labels are names" if by_name else "")
            + ", or the names in order of class number"
        )
    else:
        names = [str(name) for name in given]
        keys = list(range(len(names)))
        _check_range(labels, names)
    if count is not None and keys != list(range(count)):
        raise InvalidRequest(f"real labels are one-hot of length {count}, names has {len(keys)} classes")
    indices = match([(name,) for name in _distinct(names)], description.labels)
    _some_known(names, indices, description)
    return Classes(keys, names, np.array(indices, np.int64))


def _by_name(seen: list[Key], description: Description) -> Classes:
    names = [str(key) for key in seen]
    indices = match([(name,) for name in names], description.labels)
    _some_known(names, indices, description)
    assumed = _alike([(name,) for name in names], description.labels, indices)
    others = [index for index, name in enumerate(description.labels) if index not in indices and name not in names]
    names += [description.labels[index] for index in others]
    return Classes(list(names), names, np.array([*indices, *others], np.int64), assumed)


def _by_number(labels: np.ndarray, description: Description) -> Classes:
    seen = np.unique(labels).tolist()
    known = description.labels
    whole = [name for name in known if re.fullmatch(r"-?\d+", name)]
    same = list(known) == [str(number) for number in range(len(known))]
    if len(whole) == len(known) and not same:
        raise InvalidRequest(
            f"the classes of generator {description.name!r} are named by numbers that are not their indices "
            f"({listed(known)}), and the real labels {listed(seen)} have no names: {GIVE}, as a mapping from label"
        )
    _check_range(labels, known)
    if not same and int(seen[0]) == 1 and len(seen) > 1:
        raise InvalidRequest(
            f"real labels are {listed(seen)}, without names and without a 0; the generator's classes count from 0 "
            f"({listed(known)}): {GIVE}, as a mapping from label to name"
        )
    taken = listed([f"{number} = {known[number]}" for number in seen])
    assumed = f"real labels have no names and are taken for the generator's class indices, {taken}"
    if seen != list(range(len(known))):
        warn(f"{assumed}, of {len(known)} classes; if that is wrong, {GIVE}")
        assumed = ""
    return Classes(list(range(len(known))), list(known), np.arange(len(known)), "" if same else assumed)


def _check_range(labels: np.ndarray, names: Sequence[str]) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise InvalidRequest(
            f"real sample {labels.argmin()} has the label {low}: if that marks what has no label, leave those samples "
            "out, by torch.utils.data.Subset; if it is a class, give names= as a mapping from label to name"
        )
    if high >= len(names):
        counting = " (do they count from 1?)" if low == 1 and high == len(names) else ""
        raise InvalidRequest(
            f"real labels are in [{low}, {high}] ({high} at sample {labels.argmax()}), but there are {len(names)} "
            f"classes ({listed(names)}){counting}: {GIVE}"
        )


def _distinct(names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise InvalidRequest(f"names of real classes must all differ: {listed(names)}")
    return names


def _some_known(names: Sequence[str], indices: Sequence[int], description: Description) -> None:
    if all(index < 0 for index in indices):
        raise InvalidRequest(
            f"generator {description.name!r} has none of the real classes {listed(names)}; its labels are "
            f"{listed(description.labels)}"
        )
