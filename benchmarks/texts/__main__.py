"""Which system makes texts best? A GAN, a likelihood model and a variational autoencoder, judged by one card each.

    python -m benchmarks.texts names/ [--systems gru textgan textvae] [--share 1.0] [--out FILE]
    python -m benchmarks.texts intents.jsonl --text utterance --label intent --units bpe:256

DATA is what `python -m training fit` reads as texts. Each system trains for so many steps on one thread (--share of
those in the table of this file), is exported, proven and measured on held-out texts as `fit` does:

  - CAS: accuracy on real test texts of character n-grams (TF-IDF) with logistic regression that learned from made
    texts only, beside that of one that learned from the real training texts;
  - the divergence of Jensen and Shannon, in bits, between 3-grams of made and of training texts, beside that of as many
    held-out real texts; both for the training split's classes;
  - the share of texts that equal a training text, beside the same share of held-out real ones;
  - how large the file is, how fast it draws on one thread, and how fast the same network does in PyTorch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import torch

from augmint.v1 import generator_pb2 as pb
from benchmarks import results, systems
from benchmarks.systems import Row, System
from training.data import DataError, Dataset
from training.kinds import load
from training.source import SourceOptions

# WGAN-GP as in the paper's character model; five steps of the critic for one of the generator, so fewer of these.
SYSTEMS = {
    "gru": System("gru", 2000),
    "textgan": System("textgan", 4000),
    "textgan, WGAN-GP": System("textwgan", 1300),
    "textvae": System("textvae", 2000),
}


def main() -> int:
    parser = results.Parser("benchmarks.texts", __doc__)
    parser.add_argument("data", help="folder of .txt files, or a table with --text")
    parser.add_argument("--text", help="column of a table: the texts")
    parser.add_argument("--label", help="column of a table: the labels")
    parser.add_argument("--units", help="characters (the default) or bpe:N")
    systems.arguments(parser, SYSTEMS, "texts")
    options = parser.options()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    given = {name: value for name in ("text", "label", "units") if (value := getattr(options, name)) is not None}
    try:
        dataset = load(options.data, SourceOptions(**given))
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if dataset.kind.spec.WhichOneof("kind") != "text":
        print(
            f"error: {options.data} is read as {dataset.kind.words}, not as texts: say --text COLUMN", file=sys.stderr
        )
        return 1
    with parser.results() as out:
        for row in rows(dataset, options):
            out.row(f"texts: {len(dataset.labels):,} of {dataset.classes} classes", row)
    return 0


def rows(dataset: Dataset, options: argparse.Namespace) -> Iterator[Row]:
    """One for each system, and that of held-out real texts."""

    def told(card: pb.QualityCard, made: Row) -> Row:
        return _of_card(card, "value") | made

    def held(card: pb.QualityCard) -> Row:
        return {"system": "(held-out real texts)", **_of_card(card, "real")}

    return systems.rows(dataset, SYSTEMS, options.systems, options, "lines", told, held)


def _of_card(card: pb.QualityCard, side: str) -> Row:
    """side: "value" of made texts, "real" of held-out ones."""
    by_name = {each.name: float(getattr(each, side)) for each in card.measurements}
    made = side == "value"
    return {
        "CAS, %": 100 * (card.classification_accuracy_score if made else card.real_accuracy),
        "of real, %": 100 * card.classification_accuracy_score / max(card.real_accuracy, 1e-9) if made else 100.0,
        "fidelity, %": 100 * card.label_fidelity if made else None,
        **{f"{size}-gram divergence": by_name[f"divergence of {size}-grams"] for size in (2, 3, 4)},
        "distinct 3-grams, %": 100 * by_name["distinct 3-grams"],
        "copies of training texts, %": 100 * by_name["exact copies of training texts"],
    }


if __name__ == "__main__":
    raise SystemExit(main())
