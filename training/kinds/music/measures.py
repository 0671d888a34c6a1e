"""What is measured of rolls alone (Dong et al. 2018, MuseGAN, arXiv:1709.06298, section 5.2), beside real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.data.kind import Measurement
from training.kinds.music import rolls
from training.kinds.music.rolls import Notes

OCTAVE = 12
_SHORTEST = 8  # of a quarter note, and more than a step: shorter notes are fragments


@dataclass(frozen=True, slots=True)
class Measured:
    """How rolls are measured: steps of a quarter note and of a bar, the lowest pitch, the velocity that is held."""

    steps: int
    bar: int
    lowest: int
    held: int

    def measurements(self, made: np.ndarray, held: np.ndarray, train: np.ndarray) -> Sequence[Measurement]:
        """uint8 [n, steps, pitches(, tracks)] each."""
        own, real, learned = (rolls.find(each, self.held) for each in (made, held, train))
        sides = ((made, own), (held, real))
        found = [
            Measurement(name, measure(made, own), measure(held, real))
            for name, measure in (
                ("empty bars, share", self.empty),
                ("pitch classes a bar", self.classes),
                ("qualified notes, share", self.qualified),
                ("steps with several notes at once, share", self.polyphony),
                ("notes a bar", self.density),
            )
        ]
        own_share, real_share = (divergence(self.histogram(each), self.histogram(learned)) for each in (own, real))
        found.append(Measurement("divergence of pitch classes", own_share, real_share))
        known = set(self.shapes(train, learned))
        copied, real_copied = (np.mean([float(each in known) for each in self.shapes(*side)]) for side in sides)
        found.append(Measurement("copies of training samples, transposed ones too", float(copied), float(real_copied)))
        return found

    def _used(self, raw: np.ndarray, notes: Notes) -> np.ndarray:
        """Which pitch classes begin or sound on in each bar: bool [n, bars, 12]; what is over at the end is a bar."""
        sounding = rolls.tracked(raw).max(3) > 0
        bars = -(-sounding.shape[1] // self.bar)
        padded = np.pad(sounding, ((0, 0), (0, bars * self.bar - sounding.shape[1]), (0, 0)))
        in_bars = padded.reshape(len(raw), bars, self.bar, -1).max(2)
        found = np.zeros((len(raw), bars, OCTAVE), bool)
        for pitch in range(in_bars.shape[2]):
            found[:, :, (self.lowest + pitch) % OCTAVE] |= in_bars[:, :, pitch]
        return found

    def empty(self, raw: np.ndarray, notes: Notes) -> float:
        return float((~self._used(raw, notes).any(2)).mean())

    def classes(self, raw: np.ndarray, notes: Notes) -> float:
        """Different pitch classes in a bar that is not empty, mean."""
        counts = self._used(raw, notes).sum(2)
        return float(counts[counts > 0].mean()) if counts.any() else 0.0

    def qualified(self, raw: np.ndarray, notes: Notes) -> float:
        """Notes that are no fragments: a 32nd note or longer, as in the paper, and longer than one step.

        A grid of sixteenths has no shorter notes than its step, which is therefore what fragments are on it.
        """
        least = max(2, -(-self.steps // _SHORTEST))
        return float((notes.length >= least).mean()) if len(notes.length) else 0.0

    def polyphony(self, raw: np.ndarray, notes: Notes) -> float:
        """Steps with two notes or more at once, of those with any."""
        counts = (rolls.tracked(raw) > 0).sum((2, 3))
        return float((counts > 1).sum() / max(1, (counts > 0).sum()))

    def density(self, raw: np.ndarray, notes: Notes) -> float:
        return len(notes.start) / (len(raw) * raw.shape[1] / self.bar)

    def histogram(self, notes: Notes) -> np.ndarray:
        """How often each pitch class is struck: int64 [12], from C."""
        return np.bincount((self.lowest + notes.pitch) % OCTAVE, minlength=OCTAVE)

    def shapes(self, raw: np.ndarray, notes: Notes) -> list[bytes]:
        """Each sample as its notes, counted from its lowest pitch: equal where one is the other transposed."""
        order = np.lexsort((notes.pitch, notes.track, notes.start, notes.sample))
        rows = np.stack([notes.start, notes.pitch, notes.track, notes.length], 1)[order].astype(np.int16)
        parts = np.split(rows, np.searchsorted(notes.sample[order], np.arange(1, len(raw))))
        for part in parts:
            part[:, 1] -= part[:, 1].min(initial=127)
        return [part.tobytes() for part in parts]


def divergence(first: np.ndarray, second: np.ndarray) -> float:
    """Of Jensen and Shannon, in bits, [0, 1], between two counts; 1 where one of them has nothing."""
    totals = first.sum(), second.sum()
    if not all(totals):
        return 0.0 if not any(totals) else 1.0
    shares = first / totals[0], second / totals[1]
    middle = (shares[0] + shares[1]) / 2
    parts = [float((share[share > 0] * np.log2(share[share > 0] / middle[share > 0])).sum()) for share in shares]
    return max(0.0, sum(parts) / 2)
