"""How far a share that was counted may be off. SciPy's statistics take a second to import: only where they are used."""

from __future__ import annotations


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of the share `hits / count`, in [0, 1]; all of it if nothing was counted.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    if count == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    found = binomtest(hits, count).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
