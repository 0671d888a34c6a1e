"""client/augmint/lettering.py and client/augmint/fonts.py: what a sheet says can be read."""

import unicodedata
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import ImageFont, features

import augmint
from augmint import fonts
from augmint.lettering import SIZE, SMALL_LINE, WIDEST, folded, letter, readable
from augmint.sheet import contact_sheet

DEJAVU = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
ROWS = np.zeros((2, 28, 28, 1), np.uint8)


@pytest.fixture(autouse=True)
def only_dejavu(monkeypatch):
    """The fonts of this machine are matplotlib's one, whatever else it has."""
    monkeypatch.setattr(fonts, "_files", lambda: (DEJAVU,))
    fonts._find.cache_clear()
    yield
    fonts._find.cache_clear()


@pytest.fixture
def cat(tmp_path):
    """A font that has nothing but the letter 猫, a square."""

    def square(size):
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0))
        for corner in ((0, size), (size, size), (size, 0)):
            pen.lineTo(corner)
        pen.closePath()
        return pen.glyph()

    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat"])
    builder.setupCharacterMap({ord("猫"): "cat"})
    builder.setupGlyf({".notdef": square(300), "cat": square(900)})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "cat": (1000, 0)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Cat", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "cat.ttf")
    return tmp_path / "cat.ttf"


def boxes(text, font):
    """The letters that this font draws as it draws what it lacks."""
    lacking = bytes(font.getmask("\uffff"))
    return [one for one in text if not one.isspace() and bytes(font.getmask(one)) == lacking]


@pytest.mark.parametrize(
    "label",
    [
        "sneaker",
        "sukienka żółta",
        "Łódź",
        "café",
        unicodedata.normalize("NFD", "Łódź, café, żółta"),
        "собака",
        "Ελλάδα",
    ],
)
def test_no_letter_is_drawn_as_a_box(label):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (drawn,) = letter([label], [56])
    assert drawn.lines == unicodedata.normalize("NFC", label)
    assert boxes(drawn.lines, drawn.font) == []
    assert drawn.width >= drawn.font.getlength(drawn.lines)


def test_the_font_that_comes_with_pillow_would_draw_boxes():
    """What the other tests rest on: a box is told from a letter."""
    assert boxes("café собака", ImageFont.load_default(size=SIZE)) == list("éсобака")


def test_ascii_is_drawn_without_looking_for_fonts(monkeypatch):
    monkeypatch.setattr(fonts, "_files", lambda: pytest.fail("looked for fonts"))
    letter(["ankle boot", "bag"], [56, 56])


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow does not join letters")
@pytest.mark.parametrize("label", ["قط", "שלום"])
def test_what_runs_to_the_left_is_drawn_where_letters_are_joined(label):
    (drawn,) = letter([label], [56])
    assert drawn.lines == label
    assert boxes(label, drawn.font) == []


def test_what_runs_to_the_left_has_a_number_where_letters_are_not_joined(monkeypatch):
    monkeypatch.setattr(fonts, "_shapes", lambda: False)
    with pytest.warns(UserWarning, match="row 2 is 'قط'"):
        drawn = letter(["cat", "قط"], [56, 56])
    assert [one.lines for one in drawn] == ["cat", "2"]


def test_a_label_that_no_font_has_is_numbered_and_named_in_a_warning():
    with pytest.warns(UserWarning, match="no font here has the letters of some labels") as told:
        drawn = letter(["dog", "猫", "猫 2", "café 🐈"], [56] * 4)
    assert [one.lines for one in drawn] == ["dog", "2", "3 ? 2", "4 cafe ?"]
    (warning,) = told
    assert "row 2 is '猫'; row 3 is '猫 2'; row 4 is 'café 🐈'" in str(warning.message)
    assert "contact_sheet(font=...)" in str(warning.message)
    assert all(boxes(one.lines, one.font) == [] for one in drawn)


def test_a_font_that_is_named_is_asked_first(cat):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn, other = letter(["猫", "dog"], [56, 56], cat)
    assert boxes("猫", drawn.font) == []
    assert other.font.getname() != drawn.font.getname()  # it has no "dog"


def test_what_is_named_and_is_no_font_is_refused(tmp_path):
    (tmp_path / "a.ttf").write_text("none")
    for path in ("a.ttf", "b.ttf"):
        with pytest.raises(augmint.InvalidRequest, match=rf"font: .*{path} is no font that can be read"):
            contact_sheet([ROWS], ["a"], font=tmp_path / path)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("two\nlines", "two\\nlines"),
        ("a\tb\x00", "a\\tb\\x00"),
        ("\ud800", "\\ud800"),
        ("no\u200bthing", "no\\u200bthing"),
    ],
)
def test_what_is_no_letter_is_escaped(label, shown):
    assert readable(label) == shown


@pytest.mark.parametrize(
    ("text", "ascii"), [("Łódź", "Lodz"), ("Øre", "Ore"), ("naïve", "naive"), ("猫", ""), ("猫x", "?x")]
)
def test_latin_letters_lose_their_accents_and_strokes(text, ascii):
    assert folded(text) == ascii


@pytest.mark.parametrize(
    "label", ["a label of sixty letters that goes on and on until it ends.", "x" * 500, "a b " * 200]
)
def test_a_long_label_does_not_push_the_pictures_aside(label):
    (drawn,) = letter([label], [56])
    lines = drawn.lines.split("\n")
    assert len(lines) * SMALL_LINE <= 56
    assert all(drawn.font.getlength(line) <= WIDEST for line in lines)
    assert contact_sheet([ROWS], [label]).width <= contact_sheet([ROWS], ["a"]).width + WIDEST


def test_of_a_very_long_label_both_ends_are_kept():
    first, second = (letter(["the same beginning " * 20 + end], [56])[0].lines for end in ("one", "two"))
    assert first != second
    assert first.startswith("the same beginning")
    assert first.endswith("one")
    assert "..." in first


def test_a_label_of_no_letters_is_no_fault():
    assert contact_sheet([ROWS, ROWS], ["", " "]).width


def test_a_caption_is_never_drawn_as_boxes():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert contact_sheet([ROWS], ["a"], caption="猫/1   seed 7").width
