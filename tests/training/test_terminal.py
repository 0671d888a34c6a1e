"""Whatever is in a name, it is shown as it is, on any terminal."""

from __future__ import annotations

import ast
import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from training import terminal
from training.terminal import cell, say, shown, table

ROOT = Path(__file__).parents[2]
NAMES = ["knee [left]", "n/a [/]", "[bold red]x[/bold red]", "a:smile:b", "it's", "\\[x]"]


def printed(write: object, encoding: str = "utf-8", width: int = 80) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    before, sys.stdout = sys.stdout, stream
    try:
        terminal.prepare_streams()
        console = terminal.console()
        console.width = width
        write(console)  # type: ignore[operator]
        stream.flush()
    finally:
        sys.stdout = before
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("name", NAMES)
def test_brackets_belong_to_the_name(name: str) -> None:
    assert printed(lambda console: say(console, f"class {name}")) == f"class {name}\n"
    rows = table("Title")
    rows.add_column("class")
    rows.add_row(cell(name))
    rows.add_row(name)
    assert printed(lambda console: console.print(rows)).count(name) == 2


def test_a_caller_with_a_console_of_its_own_gets_names_as_they_are() -> None:
    text = io.StringIO()
    say(Console(file=text, width=40), "n/a [/] " + "word " * 30)
    assert text.getvalue().startswith("n/a [/] word")
    assert text.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Fréchet ±0.8", "Frechet +-0.8"),
        ("苹果", "\\u82f9\\u679c"),
        (os.fsdecode("苹果".encode("gbk")), "\\u01bb\\xb9\\xfb"),
        ("a\x1b[31mb\rc\x07", "a\\x1b[31mb\\rc\\x07"),
    ],
)
def test_any_terminal_can_show_any_text(text: str, wanted: str) -> None:
    assert printed(lambda console: say(console, text), "ascii") == f"{wanted}\n"


@given(st.text(alphabet=st.characters(), max_size=60))
def test_no_text_ends_in_a_traceback_or_steers_the_terminal(text: str) -> None:
    for encoding in ("utf-8", "ascii", "latin-1", "cp1252"):
        out = printed(lambda console: say(console, text), encoding)
        assert "\x1b" not in out
    assert all(each.isprintable() or each == "\n" for each in shown(text))


def test_tables_fit_80_columns_without_cutting_words() -> None:
    rows = table("Per class")
    headings = (
        "class",
        "test samples",
        "accuracy, synthetic",
        "accuracy, real",
        "label fidelity",
        "coverage",
        "verdict",
    )
    for heading in headings:
        rows.add_column(heading, overflow="fold")
    rows.add_row("inclusion", "1,000", "93.2% !", "95.0%", "98.0% !", "0.97", "pass with warnings")
    lines = printed(lambda console: console.print(rows)).splitlines()
    assert max(map(len, lines)) <= 80
    words = " ".join(lines).split()
    assert {word for heading in headings for word in heading.split()} <= set(words)
    assert not any("…" in line for line in lines)


def test_nothing_else_in_training_makes_a_console_or_prints_text_as_markup() -> None:
    offences = []
    for path in sorted((ROOT / "training").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            of_rich = called == "Console" or (called == "Table" and "from rich.table import Table" in path.read_text())
            if of_rich and path.name != "terminal.py":
                offences.append(f"{path.name}:{node.lineno}: {called}")
            if called == "print" and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
                offences.append(f"{path.name}:{node.lineno}: text printed without `say`")
            if called in ("from_markup", "TextColumn") and not any(word.arg == "markup" for word in node.keywords):
                offences.append(f"{path.name}:{node.lineno}: {called} reads markup")
    assert offences == []
