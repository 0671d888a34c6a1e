"""What is measured of texts alone: runs of characters against those of real texts, and copies of whole texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from training.data.kind import Measurement

GRAMS = (1, 2, 3, 4)
_EDGE = "\x02"  # before and after a text, so that how it begins and ends counts


def grams(texts: Iterable[str], size: int) -> Counter[str]:
    """How often each run of `size` characters occurs; the ends of a text count as characters."""
    found: Counter[str] = Counter()
    for text in texts:
        edged = f"{_EDGE}{text}{_EDGE}"
        found.update(edged[at : at + size] for at in range(len(edged) - size + 1))
    return found


def divergence(first: Counter[str], second: Counter[str]) -> float:
    """Of Jensen and Shannon, in bits, [0, 1]; 1 where one of them has nothing."""
    totals = sum(first.values()), sum(second.values())
    if not all(totals):
        return 0.0 if totals == (0, 0) else 1.0
    names = list(first | second)
    shares = [
        np.array([counts[name] for name in names], np.float64) / total
        for counts, total in zip((first, second), totals, strict=True)
    ]
    middle = (shares[0] + shares[1]) / 2
    parts = [float((share[share > 0] * np.log2(share[share > 0] / middle[share > 0])).sum()) for share in shares]
    return max(0.0, sum(parts) / 2)


def distinct(counts: Counter[str]) -> float:
    """Different runs over all runs, [0, 1]."""
    return len(counts) / max(1, sum(counts.values()))


def copies(texts: Sequence[str], others: Iterable[str]) -> float:
    """Share of the texts that are among the others, too."""
    known = set(others)
    return sum(text in known for text in texts) / max(1, len(texts))


def measure(made: Sequence[str], held: Sequence[str], train: Sequence[str]) -> list[Measurement]:
    """Synthetic texts against those of the training split, beside held-out real ones against the same."""
    found = []
    counted = {size: [grams(texts, size) for texts in (made, held, train)] for size in GRAMS}
    for size, (own, real, learned) in counted.items():
        name = f"divergence of {size}-grams" if size > 1 else "divergence of characters"
        found.append(Measurement(name, divergence(own, learned), divergence(real, learned)))
    for size in (2, 3):
        found.append(Measurement(f"distinct {size}-grams", distinct(counted[size][0]), distinct(counted[size][1])))
    found.append(Measurement("exact copies of training texts", copies(made, train), copies(held, train)))
    return found
