"""Rolls to look at and to listen to, and how their pitch classes and lengths compare with real ones."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from augmint.kinds import synthesis
from augmint.sheet import contact_sheet
from training.data.kind import Exhibit, Picture
from training.kinds.music import rolls
from training.kinds.music.measures import OCTAVE, Measured

_HEARD = 2  # of the samples shown beside each other: a page holds them all
_WIDTH = 200  # pixels of a sample on a page
_SOUNDING, _STRUCK, _BAR, _PAPER = 120, 20, 225, 255  # levels of gray
_CELL = 2  # pixels of a step and of a pitch
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_LENGTHS = 8  # steps; longer notes are counted with these


@dataclass(frozen=True, slots=True)
class View:
    """How rolls are shown. seconds: of a step, when it is played."""

    measured: Measured
    seconds: float

    def drawn(self, raw: np.ndarray) -> np.ndarray:
        """uint8 [n, steps, pitches(, tracks)] -> uint8 [n, height, width, 1]: time to the right, low notes below.

        Where a note is struck it is darker; bar lines are gray. Tracks lie on top of each other.
        """
        tracks = rolls.tracked(raw)
        begins = rolls.struck(tracks, self.measured.held).any(3)
        page = np.full(begins.shape, _PAPER, np.uint8)
        page[:, :: self.measured.bar] = _BAR
        page[(tracks > 0).any(3)] = _SOUNDING
        page[begins] = _STRUCK
        return page.transpose(0, 2, 1)[:, ::-1].repeat(_CELL, 1).repeat(_CELL, 2)[..., None]

    def players(self, raw: np.ndarray) -> Picture:
        """A part of a page: each sample's roll, and under the first ones what plays it."""
        parts = []
        for number, (roll, drawn) in enumerate(zip(raw, self.drawn(raw), strict=True)):
            image = _uri(_png(Image.fromarray(drawn[..., 0])).content, "image/png")
            heard = self.player(roll) if number < _HEARD else ""
            parts.append(
                f'<div style="flex:0 0 {_WIDTH}px"><img style="width:100%;image-rendering:pixelated" src="{image}" '
                f'alt="piano roll">{heard}</div>'
            )
        return _fragment(f'<div style="display:flex;flex-wrap:wrap;gap:6px">{"".join(parts)}</div>')

    def player(self, roll: np.ndarray) -> str:
        sound = synthesis.rendered(roll, self.measured.held, self.measured.lowest, self.seconds)
        source = _uri(synthesis.wav(sound), "audio/wav")
        return f'<audio controls preload="metadata" style="width:100%" src="{source}"></audio>'

    def sheet(self, groups: Sequence[np.ndarray], names: Sequence[str], columns: int, caption: str) -> Picture:
        """Groups of samples, each under its name, as piano rolls."""
        return _png(contact_sheet([self.drawn(group) for group in groups], names, columns=columns, caption=caption))

    def exhibits(self, made: np.ndarray, real: np.ndarray) -> tuple[Exhibit, ...]:
        """Which pitch classes are struck, and how long notes are, beside real ones."""
        if not len(made) or not len(real):
            return ()
        sides = [rolls.find(each, self.measured.held) for each in (real, made)]
        classes = [self.measured.histogram(notes) for notes in sides]
        lengths = [np.bincount(np.minimum(notes.length, _LENGTHS), minlength=_LENGTHS + 1)[1:] for notes in sides]
        of_length = [*(f"{steps}" for steps in range(1, _LENGTHS)), f"{_LENGTHS}+"]
        return (
            Exhibit("Pitch classes of notes", _bars(classes, _NAMES[:OCTAVE])),
            Exhibit(f"Lengths of notes, in steps, {self.measured.steps} a quarter note", _bars(lengths, of_length)),
        )


def _bars(counts: Sequence[np.ndarray], names: Sequence[str]) -> Picture:
    """Shares of real (gray) and synthetic ones beside each other, under their names."""
    shares = [each / max(1, each.sum()) for each in counts]
    top = max(float(each.max()) for each in shares) or 1.0
    wide, high = 40, 120
    drawn = []
    for side, (values, colour) in enumerate(zip(shares, ("#888", "#c60"), strict=True)):
        drawn += [
            f'<rect x="{at * wide + 4 + side * 16}" y="{high - value / top * high:.1f}" width="15" '
            f'height="{value / top * high:.1f}" fill="{colour}"/>'
            for at, value in enumerate(values.tolist())
        ]
    drawn += [
        f'<text x="{at * wide + 20}" y="{high + 16}" text-anchor="middle" font-size="13" fill="currentColor">{name}'
        "</text>"
        for at, name in enumerate(names)
    ]
    return _fragment(
        f'<figure><svg viewBox="0 -4 {wide * len(names)} {high + 26}" role="img" aria-label="shares" '
        f'style="max-width:100%">{"".join(drawn)}</svg><figcaption>real gray, synthetic orange, up to {top:.1%}'
        "</figcaption></figure>"
    )


def _png(image: Image.Image) -> Picture:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return Picture(stream.getvalue(), ".png", "image/png")


def _uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _fragment(content: str) -> Picture:
    return Picture(content.encode(), ".html", "text/html")
