"""Rows to look at: as a table of their own, beside one another, and a file of them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from training.data.kind import Exhibit, Picture
from training.kinds.table import charts
from training.kinds.table.columns import Column
from training.kinds.table.wording import MISSING, text

_ROWS = 10  # of a picture
_COLUMNS = 40  # of a picture or a sheet
_LONGEST = 40  # characters of a cell

_STYLE = """:root { color-scheme: light dark; } body { margin: 1rem; font: .9rem/1.4 system-ui, sans-serif; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .8rem .15rem 0; text-align: right; border-bottom: 1px solid #8885; white-space: nowrap; }
th.words, td.words { text-align: left; } .faint { opacity: .7; } h2 { margin: 1.2rem 0 .3rem; font-size: 1rem; }"""


def rows(columns: Sequence[Column], raw: np.ndarray) -> Picture:
    """float32 [n, columns] as a part of a page: the first of the rows, a line each."""
    return _fragment(_table(columns, [_line(columns, row) for row in raw[:_ROWS]]))


def beside(columns: Sequence[Column], made: np.ndarray, real: np.ndarray) -> Picture:
    """Two rows, float32 [columns] each, under each other, with the cells marked that are equal."""
    equal = (made == real) | (np.isnan(made) & np.isnan(real))
    lines = [
        f'<th class="words">{name}</th>{_line(columns, row, equal)}'
        for name, row in (("synthetic", made), ("real", real))
    ]
    same = f"{int(equal.sum())} of {len(columns)} equal"
    return _fragment(_table(columns, lines, corner=same))


def sheet(
    columns: Sequence[Column], groups: Sequence[np.ndarray], names: Sequence[str], count: int, caption: str
) -> Picture:
    """Groups of rows, float32 [n, columns] each, as a page of their own: at most `count` of each, under its name."""
    parts = [
        f"<h2>{escape(name)}</h2>{_table(columns, [_line(columns, row) for row in group[:count]])}"
        for name, group in zip(names, groups, strict=True)
    ]
    head = f'<meta charset="utf-8"><title>{escape(caption)}</title><style>{_STYLE}</style>'
    page = f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(caption)}</h1>{"".join(parts)}'
    return Picture(f"{page}</body></html>\n".encode(), ".html", "text/html")


def exhibits(columns: Sequence[Column], made: np.ndarray, real: np.ndarray) -> tuple[Exhibit, ...]:
    """Every column's distribution, worst first, and the pairs of columns; of the same classes in the same parts."""
    shown = [Exhibit("Columns, the farthest from real rows first", _fragment(charts.columns(columns, made, real)))]
    if len(columns) > 1:
        together = charts.pairs(columns, made, real)
        shown.append(Exhibit("How columns go together", _fragment(together)))
    return tuple(shown)


def _fragment(content: str) -> Picture:
    return Picture(content.encode(), ".html", "text/html")


def _table(columns: Sequence[Column], lines: Sequence[str], corner: str | None = None) -> str:
    """lines: the cells of each row."""
    heads = [] if corner is None else [f'<th class="words faint">{escape(corner)}</th>']
    heads += [f"<th{_align(column)}>{_cut(column.name)}</th>" for column in columns[:_COLUMNS]]
    if len(columns) > _COLUMNS:
        heads.append(f'<th class="faint">and {len(columns) - _COLUMNS} more columns</th>')
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{"".join(heads)}</tr></thead>{body}</table></div>'


def _line(columns: Sequence[Column], row: np.ndarray, marked: np.ndarray | None = None) -> str:
    cells = []
    for number, column in enumerate(columns[:_COLUMNS]):
        said = text(column, float(row[number]))
        shown = _cut(said) if said != MISSING else '<span class="faint">missing</span>'
        if marked is not None and marked[number]:
            shown = f"<mark>{shown}</mark>"
        cells.append(f"<td{_align(column)}>{shown}</td>")
    return "".join(cells)


def _align(column: Column) -> str:
    return ' class="words"' if column.categories else ""


def _cut(name: str) -> str:
    """Escaped; a long one cut, with the whole of it to be seen on pointing at it."""
    if len(name) <= _LONGEST:
        return escape(name)
    return f'<span title="{escape(name)}">{escape(name[: _LONGEST - 1])}…</span>'
