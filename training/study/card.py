"""A study of a published file, and its outcomes in the file's card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from lightning_fabric import Fabric
from pydantic import ValidationError

from augmint.v1 import generator_pb2 as pb
from service.runtime.session import Session
from training.config.config import Config
from training.publishing.published import EvaluationError, Published
from training.quality import decide
from training.quality.findings.finding import FindingKind
from training.quality.findings.gains import findings
from training.study.plan import Outcome, Plan, Shared
from training.study.study import Report, Study

# Steps after which a generator of few samples has learnt them; a study trains dozens.
MOST_STEPS = 4000
# Passes after which it knows them by heart, where nothing may be varied.
MOST_PASSES = 500


def of_published(published: Published, plan: Plan, steps: int | None, folder: Path, report: Report) -> list[Outcome]:
    """Run a study of a published file: of its own samples, of generators with its configuration, or of both.

    steps: of each generator that is trained; None: as many as the file had, at most MOST_STEPS, and MOST_PASSES where
    a kind has nothing to vary.
    """
    message = published.message
    if published.dataset.classes == 1:
        raise EvaluationError(f"{published.path} knows one class: there is no classifier that its samples could help")
    try:
        config = Config(**json.loads(message.provenance.configuration_json))
    except (ValueError, TypeError, ValidationError) as error:
        raise EvaluationError(f"{published.path}: its configuration is not one of this release") from error
    torch.set_flush_denormal(True)
    fabric = Fabric(accelerator="auto", devices=1)
    passes = None if steps or published.dataset.kind.augmentation is not None else MOST_PASSES
    steps = steps or max(1, min(int(message.provenance.steps), MOST_STEPS))
    plan = replace(plan, generator_steps=steps, passes=passes)
    shared = Shared(
        # As many threads as everything else here, not all there are.
        Session(published.content, threads=torch.get_num_threads()),
        len(published.splits.train),
        # Of what it computes: the same generator published with another card is the same.
        hashlib.sha256(b"".join(golden.data for golden in message.golden)).hexdigest(),
        message.scored,
        message.transforms,
    )
    return Study(published.dataset, published.splits, config, shared, fabric, folder, plan, report).run()


def with_outcomes(card: pb.QualityCard, outcomes: Sequence[Outcome]) -> pb.QualityCard:
    """A copy of the card with new gains, recommendations, what was found about gains, and verdict.

    outcomes: of the scenarios in order. The last one's recommendation stands: name the users' own case last.
    """
    card = pb.QualityCard.FromString(card.SerializeToString())
    del card.gains[:]
    card.gains.extend(outcome.line for outcome in outcomes)
    last = outcomes[-1]
    card.recommendation.CopyFrom(last.recommendation)
    for quality, recommendation in zip(card.classes, last.classes, strict=False):
        quality.recommendation.CopyFrom(recommendation)
    kept = [finding for finding in card.findings if finding.kind != FindingKind.NO_GAIN]
    del card.findings[:]
    card.findings.extend(kept)
    decide(card, findings([outcome.line for outcome in outcomes]))
    return card
