"""What is wrong with data, a training run or its samples: typed, with the number that shows it and what would help."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from augmint.v1 import generator_pb2 as pb


class FindingKind(enum.StrEnum):
    """The closed list of what can be found; values are what `augmint.v1.Finding.kind` holds."""

    # Data
    CONSTANT_DATA = "constant-data"  # samples, or those of a class, do not vary
    DOUBTFUL_READING = "doubtful-reading"  # what the source was taken for may not be what was meant
    FEW_SAMPLES = "few-samples"  # too few to learn a class from
    IMBALANCE = "imbalance"  # one class has many times the samples of another
    LABEL_NOISE = "label-noise"  # labels that the samples contradict
    ONE_CLASS = "one-class"  # nothing to condition on

    # Training
    COLLAPSE = "collapse"  # a class's samples hardly vary
    DIVERGENCE = "divergence"  # losses or gradients without bound, or not a number
    LABEL_IGNORED = "label-ignored"  # samples are not of the class asked for
    LEAKING_AUGMENTATION = "leaking-augmentation"  # samples look augmented
    OVERFITTING_DISCRIMINATOR = "overfitting-discriminator"  # it knows the training samples, not the class
    OVERPOWERED_DISCRIMINATOR = "overpowered-discriminator"  # it nearly always wins
    VANISHED_SIGNAL = "vanished-signal"  # the generator's gradient is next to nothing
    TOO_FEW_STEPS = "too-few-steps"  # samples were still improving at the end

    # Samples
    COPIES = "copies"  # samples equal to each other
    DEVIATION = "deviation"  # a measurement that only this kind of data has is far from what real samples give
    FEW_TEST_SAMPLES = "few-test-samples"  # accuracies are known roughly only
    LOW_SCORE = "low-score"  # a classifier learns too little from the samples alone
    MEMBERSHIP = "membership"  # samples tell which real samples the generator learned from
    MEMORISATION = "memorisation"  # samples close to single training samples
    NO_GAIN = "no-gain"  # adding the samples to real ones did not help
    NOISE = "noise"  # samples vary more than real ones
    UNCARRIED = "uncarried"  # samples carried into a class are taken for another
    UNCOVERED = "uncovered"  # real samples that nothing generated comes near
    UNRECOGNISED = "unrecognised"  # a class's samples are taken for another class
    WEAK_JUDGE = "weak-judge"  # the classifier of real samples is poor itself


class Severity(enum.IntEnum):
    """How much it matters; the numbers of `augmint.v1.Severity`."""

    NOTE = pb.SEVERITY_NOTE  # worth knowing
    WARNING = pb.SEVERITY_WARNING  # worth acting on
    FAILURE = pb.SEVERITY_FAILURE  # enough to withhold the generator, or the class


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    value:     what was measured; threshold: the limit that it crossed. In the unit that `text` names.
    text:      what it means: one sentence with the numbers.
    advice:    what would help: one sentence; empty if nothing is known to.
    label:     name of the class concerned; empty: the whole generator.
    """

    kind: FindingKind
    severity: Severity
    value: float
    threshold: float
    text: str
    advice: str = ""
    label: str = ""

    def to_message(self) -> pb.Finding:
        return pb.Finding(
            kind=self.kind,
            severity=f"SEVERITY_{self.severity.name}",
            label=self.label,
            value=self.value,
            threshold=self.threshold,
            text=self.text,
            advice=self.advice,
        )

    @classmethod
    def from_message(cls, message: pb.Finding) -> Finding:
        """Raises ValueError for a kind or severity that is not on the list."""
        return cls(
            FindingKind(message.kind),
            Severity(message.severity),
            message.value,
            message.threshold,
            message.text,
            message.advice,
            message.label,
        )

    def to_json(self) -> dict[str, Any]:
        """The message's JSON form as a dictionary; a value that is not finite is the string "NaN" or "Infinity"."""
        return json_format.MessageToDict(
            self.to_message(), preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Finding:
        """Raises ValueError for what is no finding."""
        try:
            return cls.from_message(json_format.ParseDict(value, pb.Finding()))
        except json_format.ParseError as error:
            raise ValueError(f"not a finding: {error}") from error


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity; among equals the order stays as it is."""
    return sorted(findings, key=lambda finding: -finding.severity)
