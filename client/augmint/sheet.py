"""A contact sheet: samples side by side, a label at the left of each class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest

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
    rows: Sequence[np.ndarray], labels: Sequence[str], *, columns: int = 16, caption: str = ""
) -> Image.Image:
    """Lay out images, a row per class; longer rows wrap under the same label.

    rows:    uint8 [n, height, width, channels], channels 1 (gray) or 3 (RGB), n from 1, one array per class; all of one
             image shape.
    labels:  one name per row, drawn at its left.
    columns: images side by side before a row wraps, from 1.
    caption: a line below, e.g. where the samples come from.
    returns: an RGB PIL image.
    raises:  InvalidRequest on anything else, MissingExtra without Pillow.
    """
    _check(rows, labels, columns)
    image = extras.load("PIL.Image", "images")
    draw_module = extras.load("PIL.ImageDraw", "images")
    font = extras.load("PIL.ImageFont", "images").load_default(size=18)
    small = extras.load("PIL.ImageFont", "images").load_default(size=13)

    height, width = rows[0].shape[1:3]
    factor = max(1, round(CELL / max(height, width)))
    cell_height, cell_width = height * factor + GAP, width * factor + GAP
    columns = min(columns, max(len(row) for row in rows))
    lines = [math.ceil(len(row) / columns) for row in rows]
    gutter = math.ceil(max(font.getlength(label) for label in labels)) + 14
    left, top = MARGIN + gutter, MARGIN
    # Classes stand apart when they wrap; otherwise the sheet is an even grid.
    between = 2 * GAP if max(lines) > 1 else 0
    total_width = max(left + columns * cell_width - GAP, MARGIN + math.ceil(small.getlength(caption))) + MARGIN
    total_height = top + sum(lines) * cell_height + (len(rows) - 1) * between - GAP + MARGIN + (20 if caption else 0)
    sheet = image.new("RGB", (total_width, total_height), BACKGROUND)
    draw = draw_module.Draw(sheet)

    y = top
    for row, label, count in zip(rows, labels, lines, strict=True):
        draw.text((left - 14, y + (cell_height - GAP) / 2), label, font=font, fill=INK, anchor="rm")
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
