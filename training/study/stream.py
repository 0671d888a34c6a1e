"""Samples of a generator as a client draws them: by class, never the same one twice; remembered for the next trial."""

from __future__ import annotations

import numpy as np

from training.export.sampling import Drawn, addressed_samples
from training.study.terms import Judge

# Classes lie this far apart in the stream: no two of a study's samples share their noise.
_APART = 10**7
# So few more are not worth a run of their own.
_PAGE = 256


class Stream:
    """One seed of a generator. It grows as it is asked for more, so trials that draw alike share what is made."""

    def __init__(self, session: Drawn, seed: int, truncation: float) -> None:
        self._session, self._seed, self._truncation = session, seed, truncation
        self._made: dict[int, np.ndarray] = {}

    def draw(self, labels: np.ndarray, of: int = 1, judge: Judge | None = None) -> np.ndarray:
        """A sample of each label: the first ones of every class's stream, in order.

        labels: int64 [n].
        of:     candidates of each sample; of every block of so many the judge's favourite is taken.
        returns: raw samples, [n, *shape].
        """
        found: np.ndarray | None = None
        for label in np.unique(labels):
            places = np.flatnonzero(labels == label)
            some = self._first(int(label), len(places) * of)
            if of > 1:
                assert judge is not None, "candidates are chosen among by a judge"
                score = judge.predict_proba(some)[:, label].reshape(len(places), of)
                some = some[np.arange(len(places)) * of + score.argmax(1)]
            if found is None:
                found = np.empty((len(labels), *some.shape[1:]), some.dtype)
            found[places] = some
        assert found is not None, "no labels, no samples"
        return found

    def _first(self, label: int, n: int) -> np.ndarray:
        made = self._made.get(label)
        have = 0 if made is None else len(made)
        if have < n:
            wanted = -(-(n - have) // _PAGE) * _PAGE
            more = addressed_samples(
                self._session,
                np.full(wanted, label),
                self._seed,
                label * _APART + have,
                truncation=self._truncation,
                page=_PAGE,
            )
            made = self._made[label] = more if made is None else np.concatenate([made, more])
        assert made is not None
        return made[:n]
