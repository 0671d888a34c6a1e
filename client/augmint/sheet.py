"""A contact sheet: samples side by side, a label at the left of each class."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from augmint import extras, fonts
from augmint.errors import InvalidRequest
from augmint.lettering import SMALL, letter, readable

if TYPE_CHECKING:
    from PIL import Image

# Pixels. Tiny images are enlarged, by a whole factor, until their longer side has about this many.
CELL = 56
GAP = 4
MARGIN = 16
BACKGROUND = (250, 250, 248)
INK = (40, 40, 44)
FAINT = (130, 130, 134)


def contact_sheet(
    rows: Sequence[np.ndarray],
    labels: Sequence[str],
    *,
    columns: int = 16,
    caption: str = "",
    font: str | os.PathLike[str] | None = None,
) -> Image.Image:
    """Lay out images, a row per class; longer rows wrap under the same label.

    rows:    uint8 [n, height, width, channels], channels 1 (gray) or 3 (RGB), n from 1, one array per class; all of one
             image shape.
    labels:  one name per row, drawn at its left; a long one in several lines, a very long one without its middle. One
             whose letters no font here has is drawn as the number of its row, and a warning names it.
    columns: images side by side before a row wraps, from 1.
    caption: a line below, e.g. where the samples come from.
    font:    a font file to take letters from first. Else they are from the font that comes with Pillow, which has ASCII
             only, and from those of this machine.
    returns: an RGB PIL image.
    raises:  InvalidRequest on anything else, MissingExtra without Pillow.
    """
    _check(rows, labels, columns)
    image = extras.load("PIL.Image", "images")
    draw_module = extras.load("PIL.ImageDraw", "images")

    height, width = rows[0].shape[1:3]
    factor = max(1, round(CELL / max(height, width)))
    cell_height, cell_width = height * factor + GAP, width * factor + GAP
    columns = min(columns, max(len(row) for row in rows))
    lines = [math.ceil(len(row) / columns) for row in rows]
    names = letter(labels, [count * cell_height - GAP for count in lines], font)
    gutter = max(name.width for name in names) + 14
    caption = readable(caption)
    (face,) = fonts.find([caption], font)
    if face is None:
        caption, face = caption.encode("ascii", "backslashreplace").decode(), fonts.plain()
    small = face.at(SMALL)
    left, top = MARGIN + gutter, MARGIN
    # Classes stand apart when they wrap; otherwise the sheet is an even grid.
    between = 2 * GAP if max(lines) > 1 else 0
    total_width = max(left + columns * cell_width - GAP, MARGIN + math.ceil(small.getlength(caption))) + MARGIN
    total_height = top + sum(lines) * cell_height + (len(rows) - 1) * between - GAP + MARGIN + (20 if caption else 0)
    sheet = image.new("RGB", (total_width, total_height), BACKGROUND)
    draw = draw_module.Draw(sheet)

    y = top
    for row, name, count in zip(rows, names, lines, strict=True):
        place = (left - 14, y + (cell_height - GAP) / 2)
        draw.multiline_text(place, name.lines, font=name.font, fill=INK, anchor="rm", align="right", spacing=2)
        for position, sample in enumerate(row):
            # Nearest neighbour: shows the pixels that a training loop gets, not a smoothed version.
            pixels = np.broadcast_to(sample, (height, width, 3)).repeat(factor, axis=0).repeat(factor, axis=1)
            place = (left + position % columns * cell_width, y + position // columns * cell_height)
            sheet.paste(image.fromarray(np.ascontiguousarray(pixels)), place)
        y += count * cell_height + between
    if caption:
        draw.text((MARGIN, total_height - MARGIN), caption, font=small, fill=FAINT, anchor="ls")
    return sheet


def _check(rows: Sequence[np.ndarray], labels: Sequence[str], columns: int) -> None:
    if not rows or len(rows) != len(labels):
        raise InvalidRequest(f"a contact sheet has one label per row and at least one row: {len(rows)}, {len(labels)}")
    if columns < 1:
        raise InvalidRequest(f"columns is {columns}; it must be at least 1")
    shape = rows[0].shape[1:]
    for row, label in zip(rows, labels, strict=True):
        if (
            row.dtype != np.uint8
            or row.ndim != 4
            or not row.size
            or row.shape[3] not in (1, 3)
            or row.shape[1:] != shape
        ):
            raise InvalidRequest(
                f"row {label!r} is {row.dtype} {list(row.shape)}; a row is uint8 [n, height, width, 1 or 3], n from 1, "
                "all of one image shape"
            )
