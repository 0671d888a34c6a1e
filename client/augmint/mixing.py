"""How many synthetic samples to put beside the real ones, class by class, and how to draw them. No framework here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augmint.address import check_selection, check_truncation
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.v1 import generator_pb2 as pb

# Synthetic samples of one epoch at most, and epochs: together they share out the positions of a seed's stream, of which
# a selected stream has 64 times fewer.
EPOCH_LIMIT = 2**16
SYNTHETIC_LIMIT = 2**26


@dataclass(frozen=True, slots=True)
class Advice:
    """How to draw one class. skip: why not to draw it at all; empty if nothing speaks against it.

    truncation, keep, of: as in an address. per_real: synthetic samples per real one that helped; None: not studied.
    """

    skip: str
    truncation: float
    keep: int
    of: int
    per_real: float | None


@dataclass(frozen=True, slots=True)
class Portion:
    """One class in one epoch: real and synthetic samples, and why there are none of the latter, if anything forbids."""

    label: str
    real: int
    synthetic: int
    note: str


def advise(
    description: Description, card: bool, truncation: float | None, keep: int | None, of: int | None
) -> list[Advice]:
    """One entry per class of the generator, in order of class index.

    card: honour the quality card: draw as it recommends, and draw no class that is withheld or of which it recommends
          none. truncation, keep, of: what the caller wants instead of the card's; None: nothing.
    """
    wanted = None if keep is None and of is None else check_selection(keep, of)
    psi = None if truncation is None else check_truncation(truncation)
    quality = description.message.quality
    by_label = {entry.label: entry for entry in quality.classes}
    found = []
    for label in description.labels:
        entry = by_label.get(label, pb.ClassQuality())
        verdict = entry.verdict or quality.verdict
        skip, recommended = "", pb.Recommendation()
        known = card and (entry.HasField("recommendation") or quality.HasField("recommendation"))
        if known:
            recommended = entry.recommendation if entry.HasField("recommendation") else quality.recommendation
        if card and verdict == pb.VERDICT_WITHHELD:
            skip = "withheld by its quality card"
        elif known and recommended.synthetic_per_real == 0:
            skip = "its quality card recommends none"
        chosen = wanted if wanted is not None else check_selection(recommended.keep, recommended.of)
        if chosen[1] and not description.message.scored:
            raise InvalidRequest(f"keep and of select by a score, which generator {description.name!r} does not give")
        per_real = recommended.synthetic_per_real if known else None
        found.append(Advice(skip, psi or check_truncation(recommended.truncation or 1.0), *chosen, per_real))
    return found


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the caller asked for: one of the three, each a value, a list of values by epoch, or a function of the epoch.

    ratio:    share of synthetic samples in an epoch, in [0, 1), of the same classes as the real ones.
    top_up:   samples of a class, real and synthetic, below which synthetic ones are added: a number, one by class
              name, or "balance": as many as the most frequent class has.
    per_real: synthetic samples per real one: a number from 0, or one by class name.
    None of them: per_real as the card recommends.
    """

    ratio: Any = None
    top_up: Any = None
    per_real: Any = None

    def __post_init__(self) -> None:
        given = [name for name in ("ratio", "top_up", "per_real") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InvalidRequest(f"give one of ratio, top_up and per_real, not {' and '.join(given)}")

    def synthetic(self, epoch: int, real: np.ndarray, labels: Sequence[str], advice: Sequence[Advice]) -> np.ndarray:
        """int64 [classes]: synthetic samples of each class in this epoch.

        real: int64 [classes], real samples. labels, advice: of each class, in the same order.
        """
        allowed = np.array([not entry.skip for entry in advice], bool)
        if self.ratio is not None:
            wanted = self._by_ratio(_at("ratio", self.ratio, epoch), real, allowed)
        elif self.top_up is not None:
            target = _at("top_up", self.top_up, epoch)
            if target == "balance":
                target = int(real.max())
            goal = _by_class("top_up", target, labels, whole=True, otherwise=0)
            wanted = np.maximum(goal - real, 0)
        else:
            wanted = np.rint(self._rates(epoch, labels, advice) * real)
        wanted = np.where(allowed, wanted, 0).astype(np.int64)
        if wanted.sum() > SYNTHETIC_LIMIT:
            raise InvalidRequest(f"{wanted.sum()} synthetic samples in epoch {epoch}; {SYNTHETIC_LIMIT} are possible")
        return wanted

    def _by_ratio(self, ratio: Any, real: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        if isinstance(ratio, bool) or not isinstance(ratio, int | float) or not 0 <= ratio < 1:
            raise InvalidRequest(f"ratio is {ratio!r}; it must be a number in [0, 1)")
        share = np.where(allowed, real, 0).astype(np.float64)
        if not share.sum():
            return np.zeros(len(real), np.int64)
        total = round(ratio / (1 - ratio) * real.sum())
        exact = total * share / share.sum()
        # Whole numbers with exactly this sum: the largest remainders are rounded up.
        amounts = np.floor(exact).astype(np.int64)
        rest = total - int(amounts.sum())
        amounts[np.argsort(amounts - exact, kind="stable")[:rest]] += 1
        return amounts

    def _rates(self, epoch: int, labels: Sequence[str], advice: Sequence[Advice]) -> np.ndarray:
        if self.per_real is not None:
            return _by_class("per_real", _at("per_real", self.per_real, epoch), labels, whole=False, otherwise=0.0)
        if not any(entry.per_real for entry in advice):
            raise InvalidRequest(
                "the generator's quality card recommends no amount of synthetic samples: give ratio, top_up or per_real"
            )
        return np.array([entry.per_real or 0.0 for entry in advice])


def deal(amounts: np.ndarray) -> np.ndarray:
    """int64 [sum of amounts]: the class of each synthetic sample of an epoch, class after class."""
    return np.repeat(np.arange(len(amounts)), amounts)


def shuffled(seed: int, epoch: int, n: int) -> np.ndarray:
    """int64 [n]: the order of an epoch, a permutation that depends on seed and epoch alone."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def table(portions: Sequence[Portion]) -> str:
    """A table for people, one line per class."""
    width = max(len("class"), *(len(portion.label) for portion in portions))
    lines = [f"{'class':{width}}  {'real':>9}  {'synthetic':>9}"]
    for one in portions:
        lines.append(f"{one.label:{width}}  {one.real:>9,}  {one.synthetic:>9,}  {one.note}".rstrip())
    return "\n".join(lines)


def _at(name: str, value: Any, epoch: int) -> Any:
    """The value for this epoch: of a function, of a list (whose last entry holds on), or always the same."""
    if isinstance(value, Callable):  # type: ignore[arg-type]
        return value(epoch)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            raise InvalidRequest(f"{name} is an empty list; it must have a value for the first epoch")
        return value[min(epoch, len(value) - 1)]
    return value


def _by_class(name: str, value: Any, labels: Sequence[str], whole: bool, otherwise: float) -> np.ndarray:
    """float64 or int64 [classes]: the value, or each class's own from a mapping by name."""
    each = [value] * len(labels)
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in labels]
        if unknown:
            raise InvalidRequest(f"{name} names {unknown[0]!r}, which is no class; they are {', '.join(labels)}")
        each = [value.get(label, otherwise) for label in labels]
    for one in each:
        right = isinstance(one, int | np.integer) if whole else isinstance(one, int | float | np.number)
        if isinstance(one, bool) or not right or not 0 <= one < 2**31:
            kind = "a whole number" if whole else "a number"
            also = ', "balance"' if whole else ""
            raise InvalidRequest(f"{name} is {one!r}; it must be {kind} from 0{also} or a mapping from class to that")
    return np.array(each, np.int64 if whole else np.float64)
