"""What a study is asked for, what its parts share, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training.study.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done; each repeat has its own draw of real samples.

    retrained:        whose samples are studied: those of generators trained on the real samples of each repeat (True),
                      of the published file (False), or first of one, then of the other.
    generator_steps:  of training each generator.
    passes:           of a generator over its real samples, about, at most; None: as many as the steps make.
    classifier_steps: of a network; None: by the number of real samples, as for the card.
    seeds:            classifiers per repeat and arm; their mean counts.
    tuned_on:         repeats, the first ones, whose validation scores choose the trials.
    selection:        whether choosing among candidates is tried, by a classifier of the repeat's real samples.
    """

    scenarios: tuple[Scenario, ...]
    retrained: tuple[bool, ...] = (True,)
    repeats: int = 5
    seeds: int = 2
    generator_steps: int = 2000
    passes: int | None = None
    classifier_steps: int | None = None
    tuned_on: int = 1
    selection: bool = True


@dataclass(frozen=True, slots=True)
class Shared:
    """The published generator.

    session: of its graph; samples: real ones that it learned from; digest: tells it from others.
    scored:  whether its samples come with scores, so that a service can select among them.
    transforms: whether it carries real samples into other classes; those that are trained for the study then do, too.
    """

    session: Session
    samples: int
    digest: str
    scored: bool
    transforms: bool = False


@dataclass(slots=True)
class Outcome:
    """Of one scenario with one kind of generator."""

    line: pb.AugmentationGain
    recommendation: pb.Recommendation
    classes: list[pb.Recommendation]
    choices: dict[str, str] = field(default_factory=dict)  # arm -> its chosen trial, in words
    # Arm with samples of the generator -> its gain over the baseline of the line, (mean, low, high) in [-1, 1].
    gained: dict[str, tuple[float, float, float]] = field(default_factory=dict)
