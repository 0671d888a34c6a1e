"""How many samples to put beside the real ones, class by class, and how to draw them. No framework here.

What is asked for holds for every class. Where synthetic samples must not be drawn, or cannot be, real ones of the class
are drawn again instead: leaving such a class as it is while others grow would make a data set more uneven than it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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

# Where added samples come from: new ones, real ones of other classes, or whichever a study has found to help.
WAYS = GENERATE, TRANSFORM, RECOMMENDED = "generate", "transform", "recommended"

# A generator of hardly more samples than one has knows nothing new. No measurement has found its samples to help more
# than drawing the real ones evenly, and where it is poor its mistakes are learned along.
KNOWS_MORE = 2.0
NOTHING_NEW = "the generator learned from hardly more real ones than are here"
CARRIED = "carried from other classes"
NONE_TO_CARRY = "there are no real ones of other classes that the generator knows, to be carried"
FEWER = "its quality card recommends fewer than of others"


@dataclass(frozen=True, slots=True)
class Advice:
    """How to draw one class. skip: why not to draw it at all; empty if nothing speaks against it.

    truncation, keep, of: as in an address. per_real: synthetic samples per real one that helped; None: not studied.
    usual: the same, for the generator as a whole.
    carried: its samples are real ones of other classes, carried into this one, and none is drawn.
    """

    skip: str
    truncation: float
    keep: int
    of: int
    per_real: float | None
    usual: float | None = None
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Portion:
    """One class in one epoch.

    real:      real samples, each of which comes once.
    repeated:  how often real samples come again, in all; each the same number of times, or one more.
    synthetic: synthetic samples. missing: asked for, but neither to be drawn nor repeated.
    note:      why there are none or few, if anything speaks against them; or where they come from.
    """

    label: str
    real: int
    repeated: int
    synthetic: int
    missing: int = 0
    note: str = ""

    @property
    def total(self) -> int:
        """Samples of the class in this epoch."""
        return self.real + self.repeated + self.synthetic

    @property
    def lacks(self) -> bool:
        """Whether synthetic samples that were asked for are not there."""
        return bool(self.repeated or self.missing)


def advise(
    description: Description,
    card: bool,
    truncation: float | None,
    keep: int | None,
    of: int | None,
    by: str = GENERATE,
) -> list[Advice]:
    """One entry per class of the generator, in order of class index.

    card: honour the quality card: draw as it recommends, and draw no class that is withheld or of which it recommends
          none. truncation, keep, of: what the caller wants instead of the card's; None: nothing.
    by:   one of WAYS; "recommended": for each class what the card's study has chosen. Nothing else than "transform" and
          "recommended" sends real samples, so a file cannot make anybody send some who has not said so.
    """
    _check_way(description, by, drawn_so=(truncation, keep, of) != (None, None, None))
    wanted = None if keep is None and of is None else check_selection(keep, of)
    psi = None if truncation is None else check_truncation(truncation)
    quality = description.message.quality
    by_label = {entry.label: entry for entry in quality.classes}
    usual = quality.recommendation.synthetic_per_real if card and quality.HasField("recommendation") else None
    found = []
    for label in description.labels:
        entry = by_label.get(label, pb.ClassQuality())
        verdict = entry.verdict or quality.verdict
        skip, recommended = "", pb.Recommendation()
        known = card and (entry.HasField("recommendation") or quality.HasField("recommendation"))
        if known:
            recommended = entry.recommendation if entry.HasField("recommendation") else quality.recommendation
            if recommended.transformed and by == GENERATE:  # found with other samples than are asked for
                known, recommended = False, pb.Recommendation()
        if card and verdict == pb.VERDICT_WITHHELD:
            skip = "withheld by its quality card"
        elif known and recommended.synthetic_per_real == 0:
            skip = "its quality card recommends none"
        chosen = wanted if wanted is not None else check_selection(recommended.keep, recommended.of)
        if chosen[1] and not description.message.scored:
            raise InvalidRequest(f"keep and of select by a score, which generator {description.name!r} does not give")
        per_real = recommended.synthetic_per_real if known else None
        chosen_so = by == RECOMMENDED and recommended.transformed and description.message.transforms
        psi_here = psi or check_truncation(recommended.truncation or 1.0)
        found.append(Advice(skip, psi_here, *chosen, per_real, usual, by == TRANSFORM or chosen_so))
    return found


def _check_way(description: Description, by: str, drawn_so: bool) -> None:
    if by not in WAYS:
        raise InvalidRequest(f'by is {by!r}; it must be "generate", "transform" or "recommended"')
    if by != TRANSFORM:
        return
    if not description.message.transforms:
        raise InvalidRequest(
            f'by="transform" needs an encoder, which generator {description.name!r} has not: `python -m training fit '
            "--transform` would give it one"
        )
    if drawn_so:
        raise InvalidRequest('truncation, keep and of are for samples that are drawn, and by="transform" draws none')


def of_use(advice: Advice, learned: int | None, real: int) -> Advice:
    """The advice by the number of real samples of a class: none where the generator can add nothing new.

    learned: real samples of the class that the generator learned from; None: not known. A study that has found
             synthetic samples to help, or not to, is believed instead.
    """
    # What is carried is new by the real sample that it is made of, whatever the generator learned from.
    believed = advice.carried or advice.per_real is not None
    if advice.skip or believed or learned is None or learned >= KNOWS_MORE * real:
        return advice
    return replace(advice, skip=NOTHING_NEW)


def learned_from(description: Description) -> dict[int, int]:
    """Real samples that the generator learned from, by class index; empty if its file does not tell."""
    for split in description.message.provenance.splits:
        if split.split == "train":
            return dict(enumerate(split.counts))
    return {}


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the caller asked for: one of the three, each a value, a list of values by epoch, or a function of the epoch.

    ratio:    share of an epoch that is added to the real samples, in [0, 1), dealt to the classes as those are.
    top_up:   samples that each class shall have at least: a number, one by class name, or "balance": as many as the
              most frequent class has.
    per_real: samples added per real one: a number from 0, or one by class name.
    None of them: per_real as the card recommends for each class, but not fewer than it recommends in general.
    """

    ratio: Any = None
    top_up: Any = None
    per_real: Any = None

    def __post_init__(self) -> None:
        given = [name for name in ("ratio", "top_up", "per_real") if getattr(self, name) is not None]
        if len(given) > 1:
            raise InvalidRequest(f"give one of ratio, top_up and per_real, not {' and '.join(given)}")

    def plan(self, epoch: int, real: np.ndarray, labels: Sequence[str], advice: Sequence[Advice]) -> list[Portion]:
        """This epoch, class by class: each has as many samples as was asked for, if it has real ones or may be drawn.

        real: int64 [classes], real samples. labels, advice: of each class, in the same order.
        """
        allowed = np.array([not entry.skip for entry in advice], bool)
        most: np.ndarray | None = None
        if self.ratio is not None:
            added = _by_ratio(_at("ratio", self.ratio, epoch), real)
        elif self.top_up is not None:
            target = _at("top_up", self.top_up, epoch)
            if isinstance(target, str) and target == "balance":
                target = int(real.max())
            added = np.maximum(_by_class("top_up", target, labels, whole=True, otherwise=0) - real, 0)
        elif self.per_real is not None:
            rates = _by_class("per_real", _at("per_real", self.per_real, epoch), labels, whole=False, otherwise=0.0)
            added = np.rint(rates * real)
        else:
            own, asked = _recommended(advice)
            added, most = np.rint(asked * real), np.rint(own * real)
        if added.sum() > SYNTHETIC_LIMIT:
            raise InvalidRequest(f"{added.sum():.0f} samples to add in epoch {epoch}; {SYNTHETIC_LIMIT} are possible")
        synthetic = np.where(allowed, added if most is None else np.minimum(added, most), 0)
        counts = np.stack([real, added - synthetic, synthetic], axis=1).astype(np.int64).tolist()
        return [
            Portion(
                *(label, own, left * bool(own), drawn, left * (not own)),
                entry.skip or FEWER * bool(left) or CARRIED * (entry.carried and drawn > 0),
            )
            for label, (own, left, drawn), entry in zip(labels, counts, advice, strict=True)
        ]


def _by_ratio(ratio: Any, real: np.ndarray) -> np.ndarray:
    """int64 [classes]: synthetic samples that are this share of the epoch, in the proportions of the real ones."""
    if isinstance(ratio, bool) or not isinstance(ratio, int | float | np.number) or not 0 <= ratio < 1:
        raise InvalidRequest(f"ratio is {ratio!r}; it must be a number in [0, 1)")
    if not real.sum():
        return np.zeros(len(real), np.int64)
    total = round(float(ratio) / (1 - float(ratio)) * int(real.sum()))
    exact = total * real / real.sum()
    # Whole numbers with exactly this sum: the largest remainders are rounded up.
    amounts = np.floor(exact).astype(np.int64)
    rest = total - int(amounts.sum())
    amounts[np.argsort(amounts - exact, kind="stable")[:rest]] += 1
    return amounts


def _recommended(advice: Sequence[Advice]) -> tuple[np.ndarray, np.ndarray]:
    """Two of float64 [classes], per real sample: synthetic ones, and synthetic and repeated ones together."""
    if not any(entry.per_real for entry in advice if not entry.skip):
        raise InvalidRequest(
            "the generator's quality card recommends no amount of synthetic samples: give ratio, top_up or per_real"
        )
    own = np.array([entry.per_real or 0.0 for entry in advice])
    known = [entry.per_real for entry in advice if entry.per_real is not None]
    usual = next((entry.usual for entry in advice if entry.usual is not None), float(np.mean(known)))
    return own, np.maximum(own, usual)


def table(portions: Sequence[Portion]) -> str:
    """A table for people, one line per class."""
    width = max(len("class"), *(len(portion.label) for portion in portions))
    lines = [f"{'class':{width}}  {'real':>9}  {'repeated':>9}  {'synthetic':>9}"]
    for one in portions:
        line = f"{one.label:{width}}  {one.real:>9,}  {one.repeated:>9,}  {one.synthetic:>9,}  {one.note}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def instead(portions: Sequence[Portion]) -> str:
    """One sentence about classes without the synthetic samples that were asked for, and what they have instead."""
    reasons: dict[tuple[bool, str], list[str]] = {}
    for one in portions:
        reasons.setdefault((one.synthetic > 0, one.note), []).append(one.label)
    lacks = [
        f"{'fewer' if some else 'no'} synthetic samples of {listed(names)} ({reason})"
        for (some, reason), names in reasons.items()
    ]
    drawn = [f"{one.label} {_times(one)}" for one in portions if one.real]
    empty = [one.label for one in portions if not one.real]
    parts = [f"real ones are drawn more often instead, each so many times an epoch: {listed(drawn)}"] * bool(drawn)
    parts += [f"there are no real ones of {listed(empty)} either, which the epoch lacks"] * bool(empty)
    return f"{', '.join(lacks)}: {'; '.join(parts)}"


def _times(portion: Portion) -> str:
    whole, rest = divmod(portion.real + portion.repeated, portion.real)
    return f"{whole} or {whole + 1}" if rest else f"{whole}"


def listed(names: Sequence[object]) -> str:
    """The first twenty, and how many there are."""
    return ", ".join(map(str, names[:20])) + (f", ... ({len(names)} in all)" if len(names) > 20 else "")


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
