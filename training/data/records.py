"""What a reader found, before the checks that are the same for every source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.data.question import Question
from training.data.reading import Reading

# Uncompressed bytes of one source. Compressed files can claim any size; none is believed beyond this.
LARGEST_BYTES = 8 * 2**30


@dataclass(frozen=True, slots=True)
class Records:
    """What a reader found, before the checks that are the same for every source.

    samples: [n, ...], as the kind's readers hand them to its own checks; e.g. uint8 images [n, h, w, c], any h and w.
    labels:  int64 [n], each in [0, len(class_names)).
    test:    positions of the source's own test split, None if it has none.
    on_disk: samples is a map of a file, to be used as it is and never read as a whole.
    reading: what the source was taken for; None where the reader does not say.
    questions: what looks wrong in it, but may be meant.
    settled: the reader has made sure of what the levels mean.
    groups:  int64 [n], equal where samples are parts of one whole, such as a recording, which no two splits may share;
             None: each stands for itself.
    """

    samples: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    test: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    on_disk: bool = False
    reading: Reading | None = None
    questions: tuple[Question, ...] = ()
    settled: bool = False
    groups: np.ndarray | None = None
