"""How samples and generators look in a notebook."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import numpy as np

from augmint import kinds
from augmint.errors import MissingExtra
from augmint.sheet import contact_sheet
from augmint.v1 import generator_pb2 as pb

# Of one sheet, at most: a notebook keeps its pictures in its file.
_CLASSES = 20
_ROWS = 20
_PIXELS_WIDE = 1024
_SIDE = 128


def samples_html(samples: Any) -> str:
    """A line of text, and some samples: a sheet of each class, or rows to read; counts if they are neither."""
    description = samples.description
    shape = " x ".join(map(str, description.shape))
    head = f"<p>{len(samples):,} samples {escape(str(samples.array.dtype))} {shape} of {_of(description)}, "
    head += f"seed {samples.seed}</p>"
    counts = np.bincount(samples.class_indices, minlength=len(description.labels))
    present = np.flatnonzero(counts).tolist()
    cells = kinds.of(description).cells
    if cells is not None:
        return (
            head
            + _rows(cells(samples[:_ROWS]))
            + (f"<p>{_ROWS} of {len(samples):,}</p>" if len(samples) > _ROWS else "")
        )
    picture = _sheet(samples, present[:_CLASSES])
    if picture is None:
        rows = {description.labels[index]: f"{counts[index]:,}" for index in present[:_CLASSES]}
        head += _table(rows)
    else:
        head += f'<img alt="samples by class" src="data:image/png;base64,{picture}">'
    if len(present) > _CLASSES:
        head += f"<p>{_CLASSES} of {len(present)} classes</p>"
    return head


def description_html(description: Any) -> str:
    """A table of what people ask first."""
    labels = description.labels
    shown = ", ".join(labels[:_CLASSES]) + (f", ... ({len(labels)} in all)" if len(labels) > _CLASSES else "")
    verdict = pb.Verdict.Name(description.message.quality.verdict).removeprefix("VERDICT_").replace("_", " ").lower()
    shape = " x ".join(map(str, description.shape))
    rows = {
        "generator": f"{description.name}/{description.version}",
        "digest": description.digest,
        "samples": f"{description.kind}, {description.dtype} {shape}",
        "labels": shown,
        "quality": verdict if description.measured else "not measured",
        **description.measurements,
        "samples per second": f"{description.capacity_samples_per_second:,.0f}",
    }
    return _table(rows)


def _sheet(samples: Any, classes: list[int]) -> str | None:
    """PNG in base64; None if the samples are no images, or Pillow is missing."""
    if not kinds.of(samples.description).pictures or not classes:
        return None
    height, width = samples.description.shape[:2]
    step = -(-max(height, width) // _SIDE)
    columns = max(1, min(16, _PIXELS_WIDE // max(64, width // step)))
    rows = [
        samples.array[np.flatnonzero(samples.class_indices == index)[:columns], ::step, ::step] for index in classes
    ]
    try:
        sheet = contact_sheet(rows, [samples.description.labels[index] for index in classes], columns=columns)
    except MissingExtra:
        return None
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _of(description: Any) -> str:
    return f"<b>{escape(description.name)}/{description.version}</b>"


def _rows(cells: list[list[str]]) -> str:
    header, *rows = ("".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) for tag, row in _tagged(cells))
    return f"<table><tr>{header}</tr>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _tagged(cells: list[list[str]]) -> Iterator[tuple[str, list[str]]]:
    return zip(["th", *["td"] * (len(cells) - 1)], cells, strict=True)


def _table(rows: Mapping[str, str]) -> str:
    lines = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items())
    return f"<table>{lines}</table>"
