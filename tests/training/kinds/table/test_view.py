"""Rows to look at: every value in words, every name as it is, and drawings of columns and of pairs of them."""

import html.parser
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings

from tests.training.kinds.table.schemas import tables
from training.kinds.table import view
from training.kinds.table.columns import Column, Unit
from training.kinds.table.wording import MISSING, text

HOSTILE = "<script>alert(1)</script>\"'&"
COLUMNS = (
    Column("age", whole=True, minimum=17, maximum=90),
    Column(HOSTILE, (HOSTILE, "</svg><img src=x onerror=alert(2)>", "plain"), missing=True),
    Column("pay", missing=True, decimals=2),
)


def rows(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    table = np.stack([random.integers(17, 91, count), random.integers(0, 3, count), random.normal(1e3, 99, count)], 1)
    table[random.random(count) < 0.2, 1:] = np.nan
    return table.astype(np.float32)


class Text(html.parser.HTMLParser):
    """Tags and text of a page; fails where a tag is not closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.cells: list[list[str]] = []
        self._open: list[str] = []
        self.feed(content.decode())
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.tags.append(tag)
        if tag != "meta":
            self._open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if {"td", "th"} & {*self._open}:
            self.cells[-1][-1] += data


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        (COLUMNS[0], 42, "42"),
        (COLUMNS[0], np.nan, MISSING),
        (COLUMNS[1], 2, "plain"),
        (COLUMNS[1], 3, "no category: 3"),
        (COLUMNS[2], 1.005, "1.00"),
        (COLUMNS[2], -0.5, "-0.50"),
        (Column("x"), 0.1, "0.1"),
        (Column("x"), 1e-12, "1e-12"),
        (Column("id", whole=True, offset=1_700_000_000.0), 5, "1700000005"),
        (Column("day", whole=True, unit=Unit.DAYS), 0, "1970-01-01"),
        (Column("day", whole=True, unit=Unit.DAYS, offset=20_000.0), -1, "2024-10-03"),
        (Column("moment", unit=Unit.DAYS), 0.75, "1970-01-01 18:00"),
        (Column("day", whole=True, unit=Unit.DAYS), 1e30, f"{np.float32(1e30):.0f}"),
        (Column("flag", whole=True, unit=Unit.TRUTH), 1, "true"),
        (Column("flag", whole=True, unit=Unit.TRUTH), 0, "false"),
    ],
)
def test_a_value_is_said_as_it_was_read(column, value, said):
    assert text(column, float(np.float32(value))) == said


def test_rows_are_a_table_with_names_as_they_are():
    table = rows(30)
    picture = view.rows(COLUMNS, table)
    assert picture.media_type == "text/html"
    page = Text(picture.content)
    assert {"script", "img"}.isdisjoint(page.tags)
    assert page.cells[0] == ["age", HOSTILE, "pay"]
    assert len(page.cells) == 1 + 10
    first = [text(column, float(value)) or "missing" for column, value in zip(COLUMNS, table[0], strict=True)]
    assert page.cells[1] == first


def test_a_long_name_is_cut_and_to_be_seen_in_full():
    content = view.rows((Column("x" * 200),), np.zeros((1, 1), np.float32)).content.decode()
    assert f'title="{"x" * 200}"' in content
    assert f">{'x' * 39}…<" in content


def test_of_very_many_columns_the_first_are_shown_and_the_others_counted():
    columns = tuple(Column(f"x{number}") for number in range(300))
    page = Text(view.rows(columns, np.zeros((2, 300), np.float32)).content)
    assert page.cells[0][-2:] == ["x39", "and 260 more columns"]
    assert len(page.cells[1]) == 40


def test_of_two_rows_the_equal_cells_are_marked_missing_ones_too():
    made = np.array([30, np.nan, 10.5], np.float32)
    real = np.array([31, np.nan, 10.5], np.float32)
    content = view.beside(COLUMNS, made, real).content.decode()
    page = Text(content.encode())
    assert page.cells[0][0] == "2 of 3 equal"
    assert page.cells[1] == ["synthetic", "30", "missing", "10.50"]
    assert page.cells[2] == ["real", "31", "missing", "10.50"]
    assert re.findall(r"<mark>(.*?)</mark>", content) == ['<span class="faint">missing</span>', "10.50"] * 2


def test_a_sheet_is_a_page_of_its_own():
    sheet = view.sheet(COLUMNS, [rows(20), rows(20, 1)], [HOSTILE, "rich"], 16, "run <1>")
    assert (sheet.suffix, sheet.media_type) == (".html", "text/html")
    content = sheet.content.decode()
    assert content.startswith("<!doctype html>")
    assert not re.search(r"https?://|@import|url\(|<script|<img", content)
    page = Text(sheet.content)
    assert page.words.count("rich") == 1
    assert page.words.count(HOSTILE) >= 3  # a heading, a column of two tables, and some of its cells
    assert len(page.cells) == 2 * (1 + 16)


@settings(max_examples=20, deadline=None)
@given(tables())
def test_any_table_can_be_looked_at(table):
    columns, values = table
    view.sheet(columns, [values], ["a"], 16, "any")
    for exhibit in view.exhibits(columns, values[::2], values[1::2]):
        page = Text(exhibit.picture.content)
        assert "nan" not in " ".join(page.words).split()
        assert b"NaN" not in exhibit.picture.content
        for drawing in re.findall(rb"<svg.*?</svg>", exhibit.picture.content, re.DOTALL):
            ET.fromstring(drawing)


def test_columns_are_drawn_worst_first_and_hostile_names_are_text():
    real, made = rows(500), rows(500, 1)
    made[:, 1] = 0
    columns, pairs = view.exhibits(COLUMNS, made, real)
    page = Text(columns.picture.content)
    assert {"script", "img"}.isdisjoint(page.tags)
    content = columns.picture.content.decode()
    headings = re.findall(r"<h3>(.*?) <span", content)
    assert headings[0].startswith("&lt;script&gt;")
    assert sorted(headings[1:]) == ["age", "pay"]
    assert page.tags.count("figure") == 3
    assert {"script", "img"}.isdisjoint(Text(pairs.picture.content).tags)
    assert "difference, at most" in pairs.picture.content.decode()


def test_bars_have_the_heights_of_the_shares():
    column = (Column("x", whole=True),)
    real, made = (np.array(values, np.float32)[:, None] for values in ([0] * 8 + [1] * 2, [0] * 4 + [1] * 6))
    content = view.exhibits(column, made, real)[0].picture.content.decode()
    heights = [float(height) for height in re.findall(r'width="[\d.]+" height="([\d.]+)" fill', content)[2:]]
    assert heights == pytest.approx([110, 110 * 0.25, 110 * 0.5, 110 * 0.75], abs=0.1)
    assert "0 to 1; highest bar 80.0%" in content


def test_one_column_has_no_pairs_and_very_many_columns_are_cut():
    one = view.exhibits(COLUMNS[:1], rows(50)[:, :1], rows(50)[:, :1])
    assert [exhibit.title for exhibit in one] == ["Columns, the farthest from real rows first"]
    columns = tuple(Column(f"x{number}") for number in range(90))
    table = np.random.default_rng(0).normal(size=(60, 90)).astype(np.float32)
    many, pairs = view.exhibits(columns, table, table[::-1])
    assert "And 30 more columns, all nearer than these." in many.picture.content.decode()
    assert "The 25 columns of 90 that differ most." in pairs.picture.content.decode()
