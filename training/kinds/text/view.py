"""Texts to look at: lines, each class under its name, and how frequent their runs of characters are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from html import escape

from training.data.kind import Exhibit, Picture
from training.kinds.text.measures import grams

_LINES = 25  # of a picture
_CURVE = 40  # runs of characters in a curve
_WIDE, _HIGH = 640, 120

_STYLE = """:root { color-scheme: light dark; } body { margin: 1rem; font: .9rem/1.4 system-ui, sans-serif; }
h2 { margin: 1.2rem 0 .3rem; font-size: 1rem; } ul { margin: 0; padding-left: 1.2rem; }
bdi { white-space: pre-wrap; overflow-wrap: anywhere; } .faint { opacity: .7; }"""


def lines(texts: Sequence[str]) -> Picture:
    """A part of a page: the first of the texts, a line each, whichever way they are written."""
    return _fragment(_list(texts[:_LINES]))


def beside(made: str, real: str) -> Picture:
    """A synthetic text and a real one below each other; what they have in common is marked."""
    same = {"made": "", "real": ""}
    blocks = SequenceMatcher(None, made, real, autojunk=False).get_matching_blocks()
    at = {"made": 0, "real": 0}
    for block in blocks:
        for name, text, start in (("made", made, block.a), ("real", real, block.b)):
            same[name] += escape(_visible(text[at[name] : start]))
            if block.size:
                same[name] += f"<mark>{escape(_visible(text[start : start + block.size]))}</mark>"
            at[name] = start + block.size
    return _fragment(
        f'<p><span class="faint">synthetic</span> <bdi>{same["made"]}</bdi><br>'
        f'<span class="faint">real</span> <bdi>{same["real"]}</bdi></p>'
    )


def sheet(groups: Sequence[Sequence[str]], names: Sequence[str], count: int, caption: str) -> Picture:
    """A page of its own: at most `count` texts of each group, under its name."""
    parts = [f"<h2>{escape(name)}</h2>{_list(group[:count])}" for name, group in zip(names, groups, strict=True)]
    head = f'<meta charset="utf-8"><title>{escape(caption)}</title><style>{_STYLE}</style>'
    page = f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{escape(caption)}</h1>{"".join(parts)}'
    return _fragment(f"{page}</body></html>\n")


def exhibits(made: Sequence[str], real: Sequence[str]) -> tuple[Exhibit, ...]:
    """How frequent the most frequent runs of 1 to 4 characters of real texts are, in these and in synthetic ones."""
    if not made or not real:
        return ()
    curves = "".join(_curve(size, grams(made, size), grams(real, size)) for size in (1, 2, 3, 4))
    return (Exhibit("Runs of characters, the most frequent of real texts first", _fragment(curves)),)


def _list(texts: Sequence[str]) -> str:
    items = "".join(f"<li><bdi>{_shown(text)}</bdi></li>" for text in texts)
    return f'<ul class="texts">{items}</ul>'


def _shown(text: str) -> str:
    """Escaped; what cannot be seen is told by its number."""
    return escape(_visible(text)) if text else '<span class="faint">empty</span>'


def _visible(text: str) -> str:
    return "".join(each if each.isprintable() or each in "\u200d\u200c" else f"\\u{ord(each):04x}" for each in text)


def _curve(size: int, made: Counter[str], real: Counter[str]) -> str:
    most = [name for name, _ in sorted(real.items(), key=lambda each: (-each[1], each[0]))[:_CURVE]]
    shares = [[counts[name] / max(1, sum(counts.values())) for name in most] for counts in (real, made)]
    top = max(max(values, default=0.0) for values in shares) or 1.0
    step = _WIDE / max(1, len(most) - 1)
    drawn = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
        + " ".join(f"{at * step:.1f},{_HIGH - value / top * _HIGH:.1f}" for at, value in enumerate(values))
        + '"/>'
        for values, colour in zip(shares, ("#888", "#c60"), strict=True)
    )
    named = ", ".join(_run(name) for name in most[:12])
    what = "characters" if size == 1 else f"{size} characters in a row"
    return (
        f'<figure><svg viewBox="0 -4 {_WIDE} {_HIGH + 8}" role="img" aria-label="{what}" style="max-width:100%">{drawn}'
        f"</svg><figcaption>{what}: real gray, synthetic orange, up to {top:.1%}; from the left {named}"
        "</figcaption></figure>"
    )


def _run(name: str) -> str:
    return f"<code><bdi>{escape(name.replace(chr(2), '|').replace(' ', chr(0x2423)))}</bdi></code>"


def _fragment(content: str) -> Picture:
    return Picture(content.encode(), ".html", "text/html")
