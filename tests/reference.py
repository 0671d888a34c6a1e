"""What an exported graph computes before its network, in NumPy by shifts and bitwise operators."""

from __future__ import annotations

import numpy as np

U64 = np.uint64


def splitmix64(seed: int) -> int:
    """Steele, Lea and Flood 2014, `nextSeed` and `mix64variant13`, as in java.util.SplittableRandom; then made odd."""
    with np.errstate(over="ignore"):
        z = U64(seed) + U64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
        return int((z ^ (z >> U64(31))) | U64(1))


def squares32(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Widynski, arXiv:2004.06278, listing of squares32: uint64 in, uint64 below 2**32 out."""
    with np.errstate(over="ignore"):
        x = counter * key
        y = x.copy()
        z = y + key
        x = x * x + y
        x = (x >> U64(32)) | (x << U64(32))
        x = x * x + z
        x = (x >> U64(32)) | (x << U64(32))
        x = x * x + y
        x = (x >> U64(32)) | (x << U64(32))
        return (x * x + z) >> U64(32)


def draws(seed: int, indices: np.ndarray, count: int) -> np.ndarray:
    """The first `count` draws of each index of a seed's stream: uint64 [n, count], each below 2**32."""
    counter = (indices.astype(U64)[:, None] << U64(16)) + np.arange(count, dtype=U64)[None, :]
    return squares32(counter, np.full_like(counter, splitmix64(seed)))


def latent(seed: int, indices: np.ndarray, size: int) -> np.ndarray:
    """float64 [n, size]: Box-Muller over pairs, as many pairs as a multiple of 16 needs to hold half the size."""
    pairs = -(-size // 32) * 16
    uniform = ((draws(seed, indices, 2 * pairs) >> U64(8)) + U64(1)).astype(np.float64) / 2**24
    radius, angle = np.sqrt(-2 * np.log(uniform[:, :pairs])), 2 * np.pi * uniform[:, pairs:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], 1)[:, :size]
