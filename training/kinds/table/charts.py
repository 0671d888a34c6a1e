"""Drawings of columns, real against synthetic: HTML with SVG in it, in the colours of the page around it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from training.kinds.table.associations import Associations
from training.kinds.table.columns import Column, Unit
from training.kinds.table.measures import PARTS, in_parts
from training.kinds.table.space import category_numbers
from training.kinds.table.wording import text

_MOST_COLUMNS = 60  # with a drawing of their own
_MOST_PAIRED = 25  # columns of the drawing of pairs
_BINS = 30
_FEW = 20  # different values that have a bar each
_CATEGORIES = 10  # with bars; the others are one more
_WIDTH, _HEIGHT, _NAMES, _LINE = 320, 110, 120, 17
_LONGEST = 17  # characters of a name in a drawing
_BESIDE, _SHORT = 56, 11  # room right of a map, and characters in it

_REAL = 'fill="var(--faint, #777)" fill-opacity=".45"'
_MADE = 'fill="var(--c0, #2b6cb0)"'
_KEY = (
    '<p class="faint"><svg viewBox="0 0 10 10" style="width: .8em; height: .8em"><rect width="10" height="10" '
    f'{_REAL}></rect></svg> real &nbsp; <svg viewBox="0 0 10 10" style="width: .8em; height: .8em"><rect width="10" '
    f'height="10" {_MADE}></rect></svg> synthetic. {{}}</p>'
)


def columns(schema: Sequence[Column], made: np.ndarray, real: np.ndarray) -> str:
    """A drawing for each column, the farthest first; float32 [n, columns] each."""
    far = in_parts(schema, made, real)
    order = np.argsort(-far, kind="stable")
    figures = []
    for number in order[:_MOST_COLUMNS]:
        column, values = schema[number], (real[:, number], made[:, number])
        drawing = _categories(column, *values) if column.categories else _numbers(column, *values)
        heading = f'{escape(column.name)} <span class="faint">{far[number]:.3f}</span>'
        figures.append(f"<figure><h3>{heading}</h3>{drawing}</figure>")
    more = len(schema) - len(figures)
    rest = f'<p class="faint">And {more} more columns, all nearer than these.</p>' if more else ""
    told = (
        f"{len(made):,} synthetic and {len(real):,} real rows. Beside the name: total variation distance, of numbers "
        f"in {PARTS} parts of equally many real rows; 0 is equal, 1 has nothing in common."
    )
    return f'{_KEY.format(told)}<div class="cards">{"".join(figures)}</div>{rest}'


def pairs(schema: Sequence[Column], made: np.ndarray, real: np.ndarray) -> str:
    """How strongly columns go together, in real rows, in synthetic ones, and the difference."""
    associations = Associations(schema, real)
    names = [column.name for column in associations.columns]
    wanted, found = associations.of(real), associations.of(made)
    off = np.abs(found - wanted).max(0)
    chosen = np.sort(np.argsort(-off, kind="stable")[:_MOST_PAIRED])
    names = [names[number] for number in chosen]
    wanted, found = wanted[np.ix_(chosen, chosen)], found[np.ix_(chosen, chosen)]
    difference = found - wanted
    largest = float(np.abs(difference).max())
    maps = (
        ("real", wanted, 1.0),
        ("synthetic", found, 1.0),
        (f"difference, at most {largest:.2f}", difference, largest),
    )
    figures = [
        f"<figure><h3>{title}</h3>{_map(names, values, max(most, 1e-9), title)}</figure>"
        for title, values, most in maps
    ]
    some = f" The {len(names)} columns of {len(schema)} that differ most." if len(names) < len(schema) else ""
    told = (
        "Two numbers: Spearman's correlation, negative ones in the other colour. Categories: Cramér's V. One of each: "
        f"correlation ratio. The fuller the colour, the stronger.{some}"
    )
    return f'<p class="faint">{told}</p><div class="cards">{"".join(figures)}</div>'


def _numbers(column: Column, real: np.ndarray, made: np.ndarray) -> str:
    told = [values[np.isfinite(values)].astype(np.float64) for values in (real, made)]
    together = np.unique(np.concatenate(told))
    if not len(together):
        return '<p class="faint">No number in either.</p>'
    if len(together) <= _FEW:
        edges = np.concatenate([[-np.inf], (together[1:] + together[:-1]) / 2, [np.inf]])
        low, high = together[0], together[-1]
    else:
        # What lies beyond is counted at the ends, or else one far value would leave a single bar of the rest.
        among = told[0] if len(told[0]) else together
        low, high = np.quantile(among, (0.005, 0.995)) if np.ptp(among) else (among[0], among[0] + 1)
        low, high = (low, high) if high > low else (among.min(), among.max())
        edges = np.concatenate([[-np.inf], np.linspace(low, high, _BINS + 1)[1:-1], [np.inf]])
        if column.whole and high - low < 4 * _BINS:  # or else some bars hold one whole number more than others
            step = max(1, int(np.ceil((high - low) / _BINS)))
            edges = np.concatenate([[-np.inf], np.arange(low + step - 0.5, high, step), [np.inf]])
    shares = [
        np.histogram(values, edges)[0] / max(1, len(all_)) for values, all_ in zip(told, (real, made), strict=True)
    ]
    top = max(float(np.max(shares)), 1e-9)
    wide = _WIDTH / len(shares[0])
    bars = [
        _bar(place * wide, wide, share / top, colour, half)
        for side, colour, half in ((shares[0], _REAL, 0), (shares[1], _MADE, 1))
        for place, share in enumerate(side)
    ]
    ends = " to ".join(escape(_end(column, value)) for value in (low, high))
    missing = ", ".join(f"{np.isnan(values).mean():.1%}" for values in (real, made))
    note = f"; missing {missing}" if np.isnan(real).any() or np.isnan(made).any() else ""
    label = f"{escape(column.name)}, real and synthetic"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(bars)}'
        f'<line x1="0" x2="{_WIDTH}" y1="{_HEIGHT}" y2="{_HEIGHT}" stroke="currentColor"></line></svg>'
        f"<figcaption>{ends}; highest bar {top:.1%}{note}</figcaption>"
    )


def _end(column: Column, value: float) -> str:
    """An end of the axis, which lies between values of some columns."""
    if column.unit == Unit.NUMBER and not column.whole:
        return f"{value + column.offset:.4g}"
    return text(column, float(np.round(value)))


def _bar(left: float, width: float, height: float, colour: str, half: int) -> str:
    """Real bars fill their place, synthetic ones are narrow and stand before them."""
    if height <= 0:
        return ""
    inset = width * (0.32 if half else 0.04)
    return (
        f'<rect x="{left + inset:.1f}" y="{_HEIGHT * (1 - height):.1f}" width="{width - 2 * inset:.1f}" '
        f'height="{_HEIGHT * height:.1f}" {colour}></rect>'
    )


def _categories(column: Column, real: np.ndarray, made: np.ndarray) -> str:
    count = len(column.categories)
    shares = np.stack(
        [np.bincount(category_numbers(values, count), minlength=count + 2) / len(values) for values in (real, made)]
    )
    order = [number for number in np.argsort(-shares.max(0), kind="stable") if shares[:, number].any()]
    names = [*column.categories, "no category", "missing"]
    lines = [(names[number], shares[:, number]) for number in order[:_CATEGORIES]]
    if others := order[_CATEGORIES:]:
        lines.append((f"{len(others)} others", shares[:, others].sum(1)))
    top = max(float(share.max()) for _, share in lines)
    scale = (_WIDTH - _NAMES - 44) / top
    parts = []
    for place, (name, (of_real, of_made)) in enumerate(lines):
        y = place * _LINE
        parts.append(
            f'<text x="{_NAMES - 6}" y="{y + 11}" text-anchor="end" font-size="11" fill="currentColor">'
            f"<title>{escape(name)}</title>{escape(_cut(name))}</text>"
            f'<rect x="{_NAMES}" y="{y + 1}" width="{of_real * scale:.1f}" height="13" {_REAL}></rect>'
            f'<rect x="{_NAMES}" y="{y + 5}" width="{of_made * scale:.1f}" height="5" {_MADE}></rect>'
            f'<text x="{_NAMES + max(of_real, of_made) * scale + 4:.1f}" y="{y + 11}" font-size="9" '
            f'fill="var(--faint, #777)">{of_made:.1%}<title>real {of_real:.2%}, synthetic {of_made:.2%}</title></text>'
        )
    label = f"{escape(column.name)}, real and synthetic"
    return f'<svg viewBox="0 0 {_WIDTH} {len(lines) * _LINE}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _map(names: Sequence[str], values: np.ndarray, most: float, title: str) -> str:
    """Squares below the diagonal, one for each pair."""
    size = (_WIDTH - _NAMES - _BESIDE) / max(1, len(names) - 1)
    height = min(size, 16.0)
    font = min(11.0, 0.8 * height)
    parts = []
    for row in range(1, len(names)):
        y = (row - 1) * height
        parts.append(
            f'<text x="{_NAMES - 4}" y="{y + height * 0.75:.1f}" text-anchor="end" font-size="{font:.1f}" '
            f'fill="currentColor"><title>{escape(names[row])}</title>{escape(_cut(names[row]))}</text>'
        )
        for column in range(row):
            value = float(values[row, column])
            colour = "var(--c0, #2b6cb0)" if value >= 0 else "var(--c1, #b34d1a)"
            x = _NAMES + column * size
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{size - 0.5:.1f}" height="{height - 0.5:.1f}" fill="{colour}" '
                f'fill-opacity="{min(1.0, abs(value) / most):.2f}">'
                f"<title>{escape(names[row])}, {escape(names[column])}: {value:.2f}</title></rect>"
            )
    # Columns by name where they begin, on the diagonal.
    for column, name in enumerate(names[:-1]):
        parts.append(
            f'<text x="{_NAMES + (column + 0.5) * size:.1f}" y="{column * height - 2:.1f}" font-size="{font:.1f}" '
            f'fill="var(--faint, #777)"><title>{escape(name)}</title>{escape(_cut(name, _SHORT))}</text>'
        )
    top = font + 4
    return (
        f'<svg viewBox="0 {-top:.0f} {_WIDTH} {(len(names) - 1) * height + top:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _cut(name: str, longest: int = _LONGEST) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
