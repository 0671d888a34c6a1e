"""What a person reads in a terminal: names as they are, whatever is in them and whatever the terminal can show."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_READABLE = "augmint.readable"
# What has no decomposition into letters that every terminal has.
_ASCII = {"±": "+-", "–": "-", "—": "-", "…": "...", "×": "x", "µ": "u", "’": "'", "“": '"', "”": '"', "ß": "ss"}


def console(stderr: bool = False) -> Console:
    """Where this program prints. No markup: brackets, as in `knee [left]`, belong to the name that has them."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def say(where: Console, text: str, style: str = "") -> None:
    """Print one line, of any length, as it is."""
    where.print(Text(shown(text), style), soft_wrap=True)


def shown(text: str) -> str:
    r"""The text with what cannot be shown, or would steer the terminal, written as \x1b."""
    return "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)


def cell(text: str, style: str = "") -> Text:
    """A table's cell: a name as it is."""
    return Text(shown(text), style)


def table(title: str = "", caption: str = "") -> Table:
    """A table that fits 80 columns: no frame, and words are folded rather than cut."""
    return Table(
        title=title or None,
        caption=caption or None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def prepare_streams() -> None:
    """Have stdout and stderr print every character: as it is, else by letters that the terminal has."""
    codecs.register_error(_READABLE, _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_READABLE)


def _readable(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(_plain(each) for each in error.object[error.start : error.end]), error.end


def _plain(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _ASCII.get(character) or letters or _escaped(character)


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is no text in this system's encoding
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode() if code < 0xD800 or code > 0xDFFF else f"\\u{code:04x}"
