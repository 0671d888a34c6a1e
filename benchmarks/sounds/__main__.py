"""Which system makes sounds best? GANs of spectrograms and of waves, and a variational autoencoder, by one card each.

    python -m benchmarks.quality.spoken_digits spoken-digits.tar.gz demo/spoken-digits
    python -m benchmarks.sounds demo/spoken-digits [--systems rpgan vae wavegan] [--share 1.0] [--out FILE]

DATA is what `python -m training fit` reads as sounds; wavegan reads them as waves (--waves). Each system trains for so
many steps on one thread (--share of those in the table of this file, which are sized for minutes of a core), is
exported, proven and measured on held-out sounds as `fit` does:

  - CAS: accuracy on real test sounds of a network on log-mel spectrograms that learned from made sounds only, beside
    that of one that learned from the real training sounds; label fidelity, in the mean and of the lowest class;
  - spread inside of the classes, coverage, and how many are silent or clipped, beside the same of held-out sounds;
  - how large the file is, how fast it draws on one thread, and what a second of sound costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import torch

from augmint.v1 import generator_pb2 as pb
from benchmarks import results, systems
from benchmarks.systems import Row, System, accuracies
from training.data import DataError, Dataset
from training.kinds import load
from training.source import SourceOptions

# The widths and batches that `auto` takes for samples so large on a CPU; of wavegan, what 10 minutes of a core allow.
SYSTEMS = {
    "rpgan": System("rpgan", 3000, {"width": 8, "batch_size": 32}),
    "vae": System("vae", 2500, {"width": 8}),
    "wavegan": System("wavegan", 700, {"width": 16, "batch_size": 32, "learning_rate": 5e-4}),
}
_WAVES = frozenset({"wavegan"})


def main() -> int:
    parser = results.Parser("benchmarks.sounds", __doc__)
    parser.add_argument("data", help="folder of sounds, one folder for each class")
    parser.add_argument("--rate", type=int, help="frames a second (default 8000)")
    parser.add_argument("--seconds", type=float, help="of a sample, by default as fit chooses")
    systems.arguments(parser, SYSTEMS, "sounds")
    options = parser.options()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    given = {name: value for name in ("rate", "seconds") if (value := getattr(options, name)) is not None}
    try:
        forms = {waves: load(options.data, SourceOptions(**given, waves=waves)) for waves in _forms(options.systems)}
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with parser.results() as out:
        for waves, dataset in forms.items():
            own = [name for name in options.systems if (name in _WAVES) == waves]
            what = f"sounds: {len(dataset.labels):,} of {dataset.classes} classes, {dataset.kind.words}"
            for row in rows(dataset, own, options):
                out.row(what, row)
    return 0


def _forms(names: list[str]) -> list[bool]:
    """Whether sounds are read as waves, for the systems: once each."""
    return sorted({name in _WAVES for name in names})


def rows(dataset: Dataset, names: Sequence[str], options: argparse.Namespace) -> Iterator[Row]:
    """One for each system, and that of held-out real sounds, by the judge of the same form."""
    seconds = dataset.samples.shape[1] / dataset.kind.spec.audio.sample_rate_hz

    def told(card: pb.QualityCard, made: Row) -> Row:
        del made["PyTorch sounds/s"]  # of the network alone, which makes no sound
        drawn = made["sounds/s"]
        assert isinstance(drawn, float)
        made["CPU ms for 1 s of sound"] = 1000 / (drawn * seconds)
        return made | accuracies(card) | _of_card(card, "value")

    def held(card: pb.QualityCard) -> Row:
        return {"system": "(held-out real sounds)", **accuracies(card, real=True), **_of_card(card, "real")}

    return systems.rows(dataset, SYSTEMS, names, options, "sounds", told, held)


def _of_card(card: pb.QualityCard, side: str) -> Row:
    """side: "value" of made sounds, "real" of held-out ones."""
    by_name = {each.name: float(getattr(each, side)) for each in card.measurements}
    made = side == "value"
    return {
        "least spread": min(each.spread_ratio for each in card.classes) if made else 1.0,
        "coverage": card.coverage if made else card.coverage_ceiling,
        "silent, %": 100 * by_name["sounds that are silent, share"],
        "at full scale, %": 100 * by_name["frames at full scale, share"],
    }


if __name__ == "__main__":
    raise SystemExit(main())
