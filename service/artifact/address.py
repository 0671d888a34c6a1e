"""What a graph's inputs are, and a batch of them as arrays: addresses, and samples to be carried into other classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A sample owns 2**16 draws of its seed's stream (64-bit counter = index * 2**16 + draw), hence 2**48 indices.
DRAWS_PER_INDEX = 2**16
INDEX_LIMIT = 2**48
TRUNCATION_LIMIT = 2.0
# Inputs of the graph, in the order that `service.runtime.session` feeds them; each has the shape [n].
INPUTS: dict[str, np.dtype] = {
    "seed": np.dtype("<u8"),  # mixed: see mix_seed
    "index": np.dtype("<u8"),  # in [0, INDEX_LIMIT)
    "label": np.dtype("<i8"),  # class index
    "truncation": np.dtype("<f4"),  # in (0, TRUNCATION_LIMIT]
}


def mix_seed(seed: int) -> np.uint64:
    """The graph's `seed` input for a caller's seed.

    The finaliser of splitmix64 (Steele, Lea and Flood 2014) turns neighbouring seeds into unrelated keys; Squares
    asks for odd keys (Widynski, arXiv:2004.06278).

    seed:    any integer in [0, 2**64).
    returns: uint64, odd.
    """
    mask = 2**64 - 1
    z = (int(seed) + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return np.uint64((z ^ (z >> 31)) | 1)


@dataclass(frozen=True, slots=True)
class Rows:
    """One batch of addresses, as the graph takes them; every array has the shape [n]."""

    seed: np.ndarray  # uint64, mixed
    index: np.ndarray  # uint64
    label: np.ndarray  # int64
    truncation: np.ndarray  # float32


@dataclass(frozen=True, slots=True)
class Originals:
    """One batch of samples to be carried into other classes, as the graph takes them."""

    content: np.ndarray  # sample dtype [n, *sample shape]
    target: np.ndarray  # int64 [n], class index
    source: np.ndarray  # int64 [n], class index; UNKNOWN: what the classifier says
    strength: np.ndarray  # float32 [n], in [0, 1]


# As the source of an original: the classifier inside the graph finds it.
UNKNOWN = -1
