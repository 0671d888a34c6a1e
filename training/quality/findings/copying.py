"""What a quality card shows of copies: of training samples, and of one another. For the limits see `findings`."""

from __future__ import annotations

from collections.abc import Iterator

from augmint.v1 import generator_pb2 as pb
from training.quality.findings.finding import Finding, FindingKind, Severity, worst_first
from training.quality.measures.intervals import of_share, wilson
from training.quality.measures.memorisation import even
from training.quality.measures.repeats import Repeats

# Above the first number a warning, above the second the generator, or the class, is withheld.
COPIES_SHARE = (0.05, 0.5)
NEARER_SHARE = (0.6, 0.75)  # 0.5 is chance
EXACT_SHARE = (0.0, 0.01)
CLASS_EXACT_SHARE = (0.05, 0.5)
MEMBERSHIP_AUC = (0.6, 0.75)  # guesses by it are right in 57 % and in 68 % of the cases; 50 % is chance

_MORE_DATA = "Add real data, or raise the discriminator's augmentation (--set augmentation=0.8)."


def of_training(card: pb.QualityCard) -> Iterator[Finding]:
    """Samples that are copies of training samples, of the generator and of each class; a note where nobody can tell."""
    for label, measured in (("", card.memorisation), *((c.label, c.memorisation) for c in card.classes)):
        if not measured.samples:
            continue
        found = [each for each in (_near(measured, label), _exact(measured, label)) if each]
        if found:
            yield worst_first(found)[0]
        elif measured.held_out_samples and (
            measured.nearer_share > NEARER_SHARE[1] or not can_tell(measured.train_samples, measured.held_out_samples)
        ):
            # Said, or else a class of few samples would be taken for sound although nothing was found out.
            yield _untold(measured, label)


def can_tell(train: int, held_out: int) -> bool:
    """Whether a class of copies alone would be found, and withheld, with this number of real samples."""
    if not train or not held_out:
        return False
    chance = train / (train + held_out)
    return even(wilson(train, train)[0], chance) > NEARER_SHARE[1]


def _near(measured: pb.Memorisation, label: str) -> Finding | None:
    share, low = measured.nearer_share, measured.nearer_low
    if low <= NEARER_SHARE[0]:
        return None
    severe = low > NEARER_SHARE[1]
    return Finding(
        FindingKind.MEMORISATION,
        Severity.FAILURE if severe else Severity.WARNING,
        share,
        NEARER_SHARE[severe],
        f"{_whose(label)} are close to single training samples: {share:.0%} are nearer to one than to any of as many "
        "held-out ones; 50 % is chance.",
        _MORE_DATA,
        label,
    )


def _untold(measured: pb.Memorisation, label: str) -> Finding:
    whose = _whose(label)
    return Finding(
        FindingKind.MEMORISATION,
        Severity.NOTE,
        measured.nearer_share,
        NEARER_SHARE[0],
        f"Whether {whose[0].lower()}{whose[1:]} are copies cannot be told with {measured.train_samples:,} training and "
        f"{measured.held_out_samples:,} held-out real samples: {measured.nearer_share:.0%} are nearer to a training "
        f"sample, where chance is 50 % and anything from {measured.nearer_low:.0%} to {measured.nearer_high:.0%} fits.",
        "Look at the nearest pairs in the report.",
        label,
    )


def _whose(label: str) -> str:
    return f"Samples of {label!r}" if label else "Samples"


def _exact(measured: pb.Memorisation, label: str) -> Finding | None:
    limits = CLASS_EXACT_SHARE if label else EXACT_SHARE
    exact = measured.exact_copies / measured.samples
    # Real samples that equal one another, as of constant or tiny images: then synthetic ones may as well. Where none
    # does, no number of held-out samples is too small: two images are never equal by chance.
    twins = measured.held_out_exact_share
    chance = of_share(twins, measured.held_out_samples)[1] if twins else 0.0
    if exact <= limits[0] + chance:
        return None
    severe = exact > limits[1] + chance
    of_whom = f" of {label!r}" if label else ""
    return Finding(
        FindingKind.MEMORISATION,
        Severity.FAILURE if severe else Severity.WARNING,
        exact,
        limits[severe],
        f"{measured.exact_copies:,} of {measured.samples:,} samples{of_whom} equal a training sample in every element.",
        _MORE_DATA,
        label,
    )


def of_members(card: pb.QualityCard) -> Iterator[Finding]:
    """Whether an attacker can tell which real samples the generator learned from."""
    measured = card.membership_inference
    if measured.low <= MEMBERSHIP_AUC[0]:
        return
    severe = measured.low > MEMBERSHIP_AUC[1]
    yield Finding(
        FindingKind.MEMBERSHIP,
        Severity.FAILURE if severe else Severity.WARNING,
        measured.auc,
        MEMBERSHIP_AUC[severe],
        f"Samples tell which real samples the generator learned from: by the distance to the nearest of "
        f"{measured.synthetic_samples:,} synthetic ones, a training sample is told from a held-out one in "
        f"{measured.auc:.0%} of the pairs ({measured.low:.0%} to {measured.high:.0%}); 50% is chance.",
        "If nobody may learn who was in the training data, do not share the samples. Add real data, or train shorter.",
    )


def of_each_other(found: Repeats) -> Iterator[Finding]:
    share = found.copies / max(1, found.samples)
    # Real samples that equal one another, as rows of a few categories do: then synthetic ones may as well.
    chance = of_share(found.real / found.samples, found.samples)[1] if found.real else 0.0
    least = of_share(share, found.samples)[0]
    if least > COPIES_SHARE[0] + chance:
        severe = least > COPIES_SHARE[1] + chance
        beside = f"; of as many real ones {found.real:,} are" if found.real else ""
        yield Finding(
            FindingKind.COPIES,
            Severity.FAILURE if severe else Severity.WARNING,
            share,
            COPIES_SHARE[severe] + chance,
            f"{found.copies:,} of {found.samples:,} samples are exact copies of others{beside}.",
            "Train longer; if that does not help, try another preset or more data of the class.",
        )
