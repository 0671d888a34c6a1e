"""What judges rows: the network whose features are compared, and the classifier that people use for tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.data.kind import FEATURES, Block
from training.kinds.table.columns import Column
from training.kinds.table.space import category_numbers

PRETEXTS = 2  # rows as they are, and rows of which a part is from another row

_HIDDEN = 256
_ROUNDS = 100  # of boosting, scikit-learn's own default
_TREES = 4000  # of all classes together
_FEWEST_ROUNDS = 20
_CODES = 255  # different values of a column that boosting takes, the missing one aside


class Network(nn.Module):
    """float32 [n, width] -> (features [n, FEATURES], logits [n, outputs]): three layers with batch norm."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((width, _HIDDEN), (_HIDDEN, _HIDDEN), (_HIDDEN, FEATURES)):
            layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(FEATURES, outputs)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(rows)
        return features, self.head(self.dropout(features))


def shuffled(samples: Tensor, blocks: Sequence[Block]) -> tuple[Tensor, Tensor]:
    """Half of the rows [n, width] with each block taken from a row of its own with chance one half; which: int64 [n].

    What is learned where there is one class: whether the values of a row belong together (as random forests of
    unlabelled data do, Shi and Horvath 2006). At least one block is the row's own, and one is not where there are two.
    """
    count, device = len(samples), samples.device
    widths = torch.tensor([block.width for block in blocks] or [1] * samples.shape[1], device=device)
    own, other = torch.rand(2, count, len(widths), device=device).argsort(2)[:, :, 0]
    foreign = torch.rand(count, len(widths), device=device) < 0.5
    rows = torch.arange(count, device=device)
    foreign[rows, other] = True
    foreign[rows, own] = own == other  # in a table of one block nothing belongs together
    changed = torch.arange(count, device=device) % 2
    foreign &= changed[:, None].bool()
    taken = torch.where(foreign, torch.randint(count, foreign.shape, device=device), rows[:, None])
    taken, channels = taken.repeat_interleave(widths, 1), torch.arange(samples.shape[1], device=device)
    return samples[taken, channels], changed


class Boosting:
    """Gradient boosting over rows as they are (scikit-learn's, of histograms); see training.data.kind.Pupil.

    Nothing is chosen on other data, and nothing stops early. Threads: as many as PyTorch uses.
    """

    def __init__(self, columns: Sequence[Column], classes: int, seed: int) -> None:
        self._columns, self._classes, self._seed = tuple(columns), classes, seed

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier  # half a second to import

        self._codes = {
            number: _codes(samples[:, number], len(column.categories))
            for number, column in enumerate(self._columns)
            if column.categories
        }
        self._seen = np.unique(labels)
        if len(self._seen) < 2:
            return
        self._model = HistGradientBoostingClassifier(
            max_iter=min(_ROUNDS, max(_FEWEST_ROUNDS, _TREES // len(self._seen))),
            early_stopping=False,
            categorical_features=np.array([bool(column.categories) for column in self._columns]),
            random_state=self._seed,
        )
        with _threads():
            self._model.fit(self._coded(samples), labels, sample_weight=weights)

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        probabilities = np.zeros((len(samples), self._classes))
        if len(self._seen) < 2:
            probabilities[:, self._seen] = 1.0
            return probabilities
        with _threads():
            probabilities[:, self._seen] = self._model.predict_proba(self._coded(samples))
        return probabilities

    def _coded(self, samples: np.ndarray) -> np.ndarray:
        """Rows with whole numbers below _CODES for categories, and NaN for what is missing or unknown."""
        coded = samples.astype(np.float64)
        for number, codes in self._codes.items():
            coded[:, number] = codes[category_numbers(samples[:, number], len(codes) - 2)]
        return coded


def _codes(values: np.ndarray, count: int) -> np.ndarray:
    """A code for each of `count` categories, for none of them, and for missing: float64 [count + 2].

    Where there are more than _CODES, the rarest of these rows share one.
    """
    codes = np.arange(count + 2, dtype=np.float64)
    if count > _CODES:
        frequency = np.bincount(category_numbers(values, count), minlength=count + 2)[:count]
        codes[:count] = _CODES - 1
        codes[np.argsort(-frequency, kind="stable")[: _CODES - 1]] = np.arange(_CODES - 1)
    codes[count:] = np.nan
    return codes


def _threads() -> AbstractContextManager[Any]:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=torch.get_num_threads(), user_api="openmp")
