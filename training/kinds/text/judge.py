"""What judges texts: a network over their units, the classifier that people use, and how texts are varied."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.data.kind import FEATURES
from training.kinds.text.form import Decoder, encode
from training.kinds.text.units import END, Units

PRETEXTS = 2  # texts as they are, and texts whose neighbouring units are exchanged

_EMBEDDED, _WIDTH = 64, 128
_GRAMS = (1, 4)
_MOST_GRAMS = 2**18
_PAGE = 4096


class Network(nn.Module):
    """float32 [n, units, length] -> (features [n, FEATURES], logits [n, outputs]).

    Vectors of units, two convolutions over three neighbours each, the largest and the mean over positions.
    """

    def __init__(self, units: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv1d(units, _EMBEDDED, 1, bias=False)]
        for before, after in ((_EMBEDDED, _WIDTH), (_WIDTH, _WIDTH)):
            layers += [nn.Conv1d(before, after, 3, padding=1, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.hidden = nn.Linear(2 * _WIDTH, FEATURES, bias=False)
        self.norm = nn.BatchNorm1d(FEATURES)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(FEATURES, outputs)

    def forward(self, texts: Tensor) -> tuple[Tensor, Tensor]:
        found = self.trunk(texts)
        features = self.norm(self.hidden(torch.cat([found.amax(2), found.mean(2)], 1))).relu()
        return features, self.head(self.dropout(features))


class Grams:
    """See training.data.kind.Pupil: logistic regression on 1 to 4 neighbouring characters, weighted by TF-IDF.

    What scikit-learn's users take for short texts; the weight of a class is that of its samples.
    """

    def __init__(self, units: Units, classes: int, seed: int) -> None:
        self._units, self._classes, self._seed = units, classes, seed

    def fit(self, samples: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self._vectors = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=_GRAMS,
            lowercase=False,
            sublinear_tf=True,
            max_features=_MOST_GRAMS,
            dtype=np.float32,
        )
        self._only = int(labels[0]) if len(np.unique(labels)) == 1 else None
        if self._only is None:
            # Many updates of an average are as good as lbfgs here, in a fraction of its time for many classes.
            self._model = LogisticRegression(C=10.0, max_iter=200, tol=1e-3, random_state=self._seed)
            self._model.fit(self._vectors.fit_transform(self._strings(samples)), labels, weights)

    def predict_proba(self, samples: np.ndarray) -> np.ndarray:
        found = np.zeros((len(samples), self._classes))
        if self._only is not None:
            found[:, self._only] = 1
        else:
            found[:, self._model.classes_] = self._model.predict_proba(self._vectors.transform(self._strings(samples)))
        return found

    def _strings(self, samples: np.ndarray) -> list[str]:
        # Without a text there is nothing to count: a mark that no text holds.
        return [each or "\0" for each in self._units.strings(samples)]


@dataclass(frozen=True, slots=True)
class Noise:
    """A recipe: units that are mistyped, left out, doubled or exchanged with the next one.

    share: of the units of a text that something happens to, [0, 1].
    """

    units: int
    share: float

    def vary(self, raw: Tensor) -> Tensor:
        """int32 [n, length] -> varied float32 [n, units, length]; an END stays where it is, or moves by the changes."""
        count, length = raw.shape
        device = raw.device
        inside = (raw != END) & (raw.roll(-1, 1) != END)
        inside[:, -1] = False
        struck = (torch.rand(count, length, device=device) < self.share) & inside
        what = torch.randint(4, (count, length), device=device)
        typed = torch.where(
            struck & (what == 0), torch.randint(1, max(2, self.units), raw.shape, device=device, dtype=raw.dtype), raw
        )
        # Of two neighbours that both are struck the first is exchanged.
        swapped = struck & (what == 1)
        swapped = swapped & ~torch.nn.functional.pad(swapped, (1, 0))[:, :-1]
        after = torch.nn.functional.pad(swapped, (1, 0))[:, :-1]
        at = torch.arange(length, device=device) + swapped.long() - after.long()
        moved = typed.gather(1, at.clamp(0, length - 1))
        # What is left out moves all that follows to the left, what is doubled to the right.
        steps = torch.where(struck & (what == 2), 2, torch.where(struck & (what == 3), 0, 1))
        source = torch.nn.functional.pad(steps.cumsum(1), (1, 0))[:, :-1]
        padded = torch.nn.functional.pad(moved, (0, length), value=END)
        return encode(padded.gather(1, source.clamp(0, 2 * length - 1)), self.units)

    def __str__(self) -> str:
        return f"character noise {self.share:g}" if self.share else ""


@dataclass(frozen=True, slots=True)
class Mistyped:
    """Makes classes as large as the largest, or so many times as large: by copies of their texts with Noise."""

    noise: Noise
    times: int = 1

    @property
    def evens(self) -> bool:
        return self.times == 1

    def resample(self, samples: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """int32 [n, length] and int64 [n] -> the same ones, and new ones of the classes that have fewer."""
        random = np.random.default_rng(seed)
        counts = np.bincount(labels)
        chosen = [
            random.choice(np.flatnonzero(labels == label), self.times * counts.max() - count)
            for label, count in enumerate(counts.tolist())
            if count
        ]
        copied = np.concatenate(chosen)
        made = [samples[:0]]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for start in range(0, len(copied), _PAGE):
                page = torch.from_numpy(samples[copied[start : start + _PAGE]])
                made.append(Decoder()(self.noise.vary(page)).numpy())
        return np.concatenate([samples, *made]), np.concatenate([labels, labels[copied]])

    def __str__(self) -> str:
        return str(self.noise) + (f", {self.times} of each text" if self.times > 1 else "")


def exchanged(texts: Tensor) -> tuple[Tensor, Tensor]:
    """Half of the texts [n, units, length] with the units of each pair exchanged; which: int64 [n]."""
    changed = torch.arange(len(texts), device=texts.device) % 2
    pairs = torch.arange(texts.shape[2] // 2 * 2, device=texts.device) ^ 1
    return torch.where(changed[:, None, None] > 0, texts[:, :, pairs], texts[:, :, : len(pairs)]), changed
