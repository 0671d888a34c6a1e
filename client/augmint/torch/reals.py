"""The real side of a mixture: its samples by position, the classes of its labels, and items of the same form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.reading.dealing import Epoch, pool
from augmint.reading.mixing import NONE_TO_CARRY, Advice, Amounts, learned_from, listed, of_use
from augmint.said import say
from augmint.torch.classes import classes_of
from augmint.torch.form import form_of
from augmint.torch.labels import check_makes, make, width
from augmint.torch.real import Items, labels_of, names_of


class Reals:
    """A real data set, and everything about it that synthetic samples must agree with.

    names: of the classes, all different. keys: what a label of each stands for, all int or all str.
    generators: int64 [classes], the generator's class index of each, -1 for none. advice: how to draw each.
    """

    def __init__(
        self,
        real: Any,
        labels: Any,
        names: Mapping[Any, str] | Sequence[str] | None,
        description: Description,
        advice: Sequence[Advice],
        card: bool,
        progress: bool,
    ) -> None:
        """labels, names, card, progress: as in `mix`. advice: of the generator's classes.

        raises: InvalidRequest if the data set and the generator do not go together.
        """
        items = Items(real)
        self._real, self._items, self._label = items.real, items.form, items[0][1]
        self._labels = labels_of(items, labels, names is not None, progress)
        told = None if names is not None else names_of(items)
        found = classes_of(self._labels.keys, description, names, told, width(self._label))
        self.names, self.keys, self.generators = found.names, found.keys, found.indices
        if found.assumed:
            say(found.assumed, progress)
        absent = Advice("the generator does not have it", 1.0, 0, 0, None, advice[0].usual)
        self.advice = [advice[index] if index >= 0 else absent for index in found.indices.tolist()]
        drawable = [key for key, entry in zip(self.keys, self.advice, strict=True) if not entry.skip]
        if not drawable:
            reasons = [f"{name} ({entry.skip})" for name, entry in zip(self.names, self.advice, strict=True)]
            raise InvalidRequest(f"no class may be drawn: {listed(reasons)}; mix(card=False) takes them nevertheless")
        check_makes(drawable, self._label)
        numbers = found.numbers(self._labels.keys)
        self._members = [np.flatnonzero(numbers == number) for number in range(len(self.keys))]
        if card:
            learned = learned_from(description)
            self.advice = [
                of_use(entry, learned.get(index), len(members))
                for entry, index, members in zip(self.advice, found.indices.tolist(), self._members, strict=True)
            ]
        self._known = found.indices >= 0
        for number, entry in enumerate(self.advice):
            if entry.carried and not entry.skip and not len(pool(self._members, self._known, number)):
                self.advice[number] = replace(entry, skip=NONE_TO_CARRY)
        self._classes = numbers
        self.form, self._description = form_of(items, description), description

    def __len__(self) -> int:
        return len(self._labels.keys)

    def epoch(self, number: int, seed: int, amounts: Amounts) -> Epoch:
        """What is in this epoch, and in which order."""
        return Epoch.of(number, seed, amounts, self._members, self.names, self.advice, self._known)

    def targets(self, epoch: Epoch) -> np.ndarray:
        """int64 or str [len(epoch)]: what the label of each of its samples stands for."""
        made = np.array(self.keys)[epoch.classes]
        return np.concatenate([self._labels.keys[epoch.real], made])[epoch.order]

    def pairs(self, positions: Sequence[int]) -> list[tuple[Any, Any]]:
        """Samples and labels, as the data set gives them; InvalidRequest if one has another label than was counted."""
        batch = getattr(self._real, "__getitems__", None)
        items = list(batch(positions)) if callable(batch) and positions else [self._real[place] for place in positions]
        taken = [self._items.take(item, position) for position, item in zip(positions, items, strict=True)]
        for position, (_, label) in zip(positions, taken, strict=True):
            self._labels.check(position, label)
        return taken

    def originals(self, positions: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Real samples as the generator has them, [n, *shape], and its class index of each, int64 [n]."""
        pairs = self.pairs(positions)
        try:
            content = self.form.raw([sample for sample, _ in pairs], self._description)
        except InvalidRequest as error:
            raise InvalidRequest(f"real {error}") from error
        return content, self.generators[self._classes[np.asarray(positions)]]

    def label(self, number: int) -> Any:
        """Of a synthetic sample of this class."""
        return make(self.keys[number], self._label)

    def item(self, sample: Any, label: Any, synthetic: bool | None) -> Any:
        """An item like the data set's; synthetic: what it says about that, None: nothing."""
        return self._items.give(sample, label, synthetic)
