"""Which system makes music best? A GAN, a likelihood model and a variational autoencoder, judged by one card each.

    python -m benchmarks.music FOLDER [--systems musegan gru vae] [--classes reels jigs] [--share 1.0] [--out FILE]

FOLDER is what `python -m training fit` reads as music, or a .tar.gz of it, with one folder of MIDI files per class.
Each system trains for so many steps on one thread (--share of those in the table of this file), is exported, proven
and measured on held-out pieces as `fit` does:

  - CAS: accuracy on real test samples of a classifier that learned from made samples only, beside that of one that
    learned from the real training samples;
  - of Dong et al. 2018 (MuseGAN, arXiv:1709.06298): empty bars, pitch classes a bar, qualified notes and polyphony,
    beside the same of held-out real samples;
  - the divergence of Jensen and Shannon, in bits, between the pitch classes of made and of training samples;
  - the share of samples that equal a training sample, or a transposed one;
  - how large the file is, and how fast it draws on one thread.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from augmint.v1 import generator_pb2 as pb
from benchmarks import results, systems
from benchmarks.systems import Row, System
from training.data import DataError, Dataset
from training.kinds import load
from training.source import SourceOptions

SYSTEMS = {"musegan": System("musegan", 6000), "gru": System("gru", 2000), "vae": System("vae", 3000)}
_COLUMNS = {
    "empty bars, share": "empty bars, %",
    "pitch classes a bar": "pitch classes a bar",
    "qualified notes, share": "qualified notes, %",
    "steps with several notes at once, share": "polyphony, %",
    "notes a bar": "notes a bar",
    "divergence of pitch classes": "pitch-class divergence",
    "copies of training samples, transposed ones too": "copies, %",
}


def main() -> int:
    parser = results.Parser("benchmarks.music", __doc__)
    parser.add_argument("data", type=Path, help="folder of folders of MIDI files, or a .tar.gz of it")
    parser.add_argument("--classes", nargs="+", metavar="NAME", help="folders to read (default: all)")
    parser.add_argument("--bars", type=int, default=4, help="of a sample (default 4)")
    systems.arguments(parser, SYSTEMS, "music")
    options = parser.options()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with opened(options.data, options.classes) as folder:
            dataset = load(str(folder), SourceOptions(bars=options.bars))
    except (DataError, OSError, tarfile.TarError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with parser.results() as out:
        for row in rows(dataset, options):
            out.row(f"music: {len(dataset.labels):,} of {dataset.classes} classes, {dataset.kind.words}", row)
    return 0


@contextlib.contextmanager
def opened(data: Path, classes: Sequence[str] | None) -> Iterator[Path]:
    """The folder to read: the data itself, or one that holds the chosen classes of it, for as long as it is read."""
    if not data.exists():
        raise DataError(f"{data}: no such file or folder")
    if data.is_dir() and not classes:
        yield data
        return
    with tempfile.TemporaryDirectory() as place:
        source = data
        if data.is_file():
            source = Path(place) / "all"
            _unpack(data, source)
        chosen = Path(place) / "chosen"
        chosen.mkdir()
        for name in classes or sorted(each.name for each in source.iterdir() if each.is_dir()):
            if not (source / name).is_dir():
                raise DataError(f"{data}: has no folder {name!r}")
            (chosen / name).symlink_to((source / name).resolve(), target_is_directory=True)
        yield chosen


def _unpack(data: Path, folder: Path) -> None:
    """The files of an archive; one that would lie outside of the folder is refused. tarfile's filters need 3.11.4."""
    with tarfile.open(data) as archive:
        for member in archive:
            target = (folder / member.name).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise DataError(f"{data}: {member.name!r} would be unpacked outside of its folder")
            if member.isfile() and (content := archive.extractfile(member)):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())


def rows(dataset: Dataset, options: argparse.Namespace) -> Iterator[Row]:
    """One for each system, and that of held-out real samples."""

    def told(card: pb.QualityCard, made: Row) -> Row:
        return _of_card(card, "value") | made

    def held(card: pb.QualityCard) -> Row:
        return {"system": "(held-out real music)", **_of_card(card, "real")}

    return systems.rows(dataset, SYSTEMS, options.systems, options, "samples", told, held)


def _of_card(card: pb.QualityCard, side: str) -> Row:
    """side: "value" of made samples, "real" of held-out ones."""
    made = side == "value"
    measured: Row = {
        _COLUMNS[each.name]: float(getattr(each, side)) * (100 if _COLUMNS[each.name].endswith("%") else 1)
        for each in card.measurements
    }
    return {
        "CAS, %": 100 * (card.classification_accuracy_score if made else card.real_accuracy),
        "of real, %": 100 * card.classification_accuracy_score / max(card.real_accuracy, 1e-9) if made else 100.0,
        "fidelity, %": 100 * card.label_fidelity if made else None,
        **measured,
    }


if __name__ == "__main__":
    raise SystemExit(main())
