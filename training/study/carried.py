"""Real samples of other classes, carried into one: what a team makes of its own; remembered for the next trial."""

from __future__ import annotations

import numpy as np

from training.export.sampling import Carrying, carried_samples

# So few more are not worth a run of their own.
_PAGE = 256


class Carried:
    """It grows as it is asked for more, so trials that take the same share what is made."""

    def __init__(self, session: Carrying, samples: np.ndarray, labels: np.ndarray, seed: int) -> None:
        """session: of a file that transforms; samples, labels: raw real ones [n, *shape], int64 [n].

        seed: of their order; none is carried into a class twice before all others have been.
        """
        self._session, self._samples, self._labels, self._seed = session, samples, labels, seed
        self._made: dict[int, np.ndarray] = {}

    def draw(self, labels: np.ndarray) -> np.ndarray:
        """A sample of each label, int64 [n]: raw, [n, *shape]."""
        found = np.empty((len(labels), *self._samples.shape[1:]), self._samples.dtype)
        for label in np.unique(labels):
            places = np.flatnonzero(labels == label)
            found[places] = self._first(int(label), len(places))
        return found

    def _first(self, label: int, n: int) -> np.ndarray:
        others = np.flatnonzero(self._labels != label)
        random = np.random.default_rng([self._seed, label])
        # After one pass there is nothing new: who asks for more gets the same samples in another order.
        once = min(len(others), -(-n // _PAGE) * _PAGE)
        order = random.permutation(others)
        made = self._made.get(label)
        have = 0 if made is None else len(made)
        if have < once:
            new = order[have:once]
            target = np.full(len(new), label)
            more = carried_samples(self._session, self._samples[new], target, self._labels[new], 1.0)
            made = self._made[label] = more if made is None else np.concatenate([made, more])
        assert made is not None
        passes = [np.arange(len(made))]
        while sum(map(len, passes)) < n:
            passes.append(random.permutation(len(made)))
        return made[np.concatenate(passes)[:n]]
