"""What a cell of text means: nothing, a number in one of the ways that people write them, truth."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# What pandas.read_csv takes for missing.
MISSING = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"}
    | {"NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
# Missing where all other values are numbers, dates or words; and what spreadsheets write for a fault.
DOUBTFUL = frozenset(
    {"?", "-", "--", "---", ".", "..", "*", "–", "—", "n.a.", "N.A.", "na", "none", "NONE", "Null", "missing"}
    | {"#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!", "#NULL!"}
)
# Of those, what is a word like others where a column holds words.
_WORDS = frozenset({"na", "none", "NONE", "Null", "missing"})

TRUE = frozenset({"true", "yes", "y", "t", "1", "on"})
FALSE = frozenset({"false", "no", "n", "f", "0", "off"})

SIGNS = ("%", "‰", "$", "€", "£", "¥", "₹", "₽", "USD", "EUR", "GBP", "CHF", "JPY", "INR", "kr", "zł", "R$")
_SPACES = " \u00a0\u202f"
_SIGN = r"[^\d\s.,()+'-]{1,3}"
_SIGNED = re.compile(rf"[-+(]?\s*(?P<before>{_SIGN})?\s*[-+]?[\d.,'\s]*\d[\d.,'\s]*(?P<after>{_SIGN})?\)?")


class Parser(Protocol):
    """One way to read cells as numbers."""

    @property
    def words(self) -> str:
        """How it is said in a reason; "": the usual way."""

    def parse(self, cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Values float64 [n], NaN where there is none, and bool [n]: a cell that cannot be read so."""


def words_of(cells: pa.Array, typed: bool) -> pa.Array:
    """Cells as strings, null where there is none; typed: as the file has them, else without blanks at their ends.

    What holds nothing but blanks is empty.
    """
    if pa.types.is_floating(cells.type):
        cells = with_null(cells)
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if not pa.types.is_string(cells.type):
        cells = pc.cast(cells, pa.string())
    trimmed = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.equal(trimmed, ""), "", cells) if typed else trimmed


def with_null(cells: pa.Array, missing: Collection[str] = ()) -> pa.Array:
    """Cells of a type with null in place of what is no number, or is written like one of the words."""
    if pa.types.is_floating(cells.type):
        cells = pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
    if missing:
        gone = pc.is_in(words_of(cells, typed=True), pa.array(sorted(missing), pa.string()))
        cells = pc.if_else(gone, pa.scalar(None, cells.type), cells)
    return cells


def without(cells: pa.Array, missing: Collection[str]) -> pa.Array:
    """The same with null for the words that mean nothing."""
    if not missing:
        return cells
    return pc.if_else(pc.is_in(cells, pa.array(sorted(missing))), pa.scalar(None, pa.string()), cells)


def doubtful_in(values: Iterable[str]) -> frozenset[str]:
    """Which doubtful words mean missing in a column of words: marks, if all other values have letters or digits."""
    found = {value for value in values if value in DOUBTFUL and value not in _WORDS}
    others = [value for value in values if value not in found]
    return frozenset(found) if all(any(map(str.isalnum, value)) for value in others) else frozenset()


@dataclass(frozen=True, slots=True)
class Numbers:
    """decimal: what stands before the digits after the point, "." or ","; the other one, a blank or ' makes groups of
    three digits. sign: before or behind every number. Negative ones may stand in brackets, as accountants write them.
    """

    decimal: str = "."
    sign: str = ""

    @property
    def words(self) -> str:
        said = ["a comma before the digits"] if self.decimal == "," else []
        return " and ".join([*said, *([f"the sign {self.sign}, which is not kept"] if self.sign else [])])

    def parse(self, cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        if not pa.types.is_string(cells.type):
            return _finite(_as_array(pc.cast(cells, pa.float64(), safe=False)), _present(cells))
        present = _present(cells)
        if self == Numbers():
            try:
                return _finite(_as_array(pc.cast(cells, pa.float64())), present)
            except pa.ArrowInvalid:
                pass
        plain = pc.replace_substring_regex(cells, r"^\((.*)\)$", r"-\1")
        if self.sign:
            own = re.escape(self.sign)
            signed = pc.match_substring_regex(plain, rf"^[-+]?\s*{own}|{own}$")
            plain = pc.if_else(signed, plain, pa.scalar(None, pa.string()))
            plain = pc.replace_substring_regex(plain, rf"^([-+]?)\s*{own}\s*", r"\1")
            plain = pc.replace_substring_regex(plain, rf"\s*{own}$", "")
        group = ("." if self.decimal == "," else ",") + "'’" + _SPACES
        point = re.escape(self.decimal)
        grammar = rf"^[-+]?(\d+({point}\d*)?|\d{{1,3}}([{group}]\d{{3}})+({point}\d*)?|{point}\d+)([eE][-+]?\d+)?$"
        fits = pc.match_substring_regex(plain, grammar)
        plain = pc.if_else(fits, plain, pa.scalar(None, pa.string()))
        plain = pc.replace_substring_regex(plain, f"[{group}]", "")
        if self.decimal == ",":
            plain = pc.replace_substring(plain, ",", ".")
        return _finite(_as_array(pc.cast(plain, pa.float64())), present)


@dataclass(frozen=True, slots=True)
class Truth:
    """wide: also by yes and no, y and n, t and f, on and off, 1 and 0; else by true and false."""

    wide: bool = False

    @property
    def words(self) -> str:
        return ""

    def parse(self, cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        present = _present(cells)
        if pa.types.is_boolean(cells.type):
            return _as_array(pc.cast(pc.cast(cells, pa.uint8()), pa.float64())), np.zeros(len(cells), bool)
        lower = pc.utf8_lower(words_of(cells, typed=True))
        true, false = (TRUE, FALSE) if self.wide else ({"true"}, {"false"})
        values = np.full(len(cells), np.nan)
        values[_is_in(lower, true)] = 1.0
        values[_is_in(lower, false)] = 0.0
        return values, present & np.isnan(values)


def sign_in(values: Sequence[str]) -> str:
    """The sign that most values have before or behind their number; "": none."""
    found = Counter[str]()
    for value in values:
        match = _SIGNED.fullmatch(value)
        if match is not None:
            found.update(sign for sign in (match["before"], match["after"]) if sign in SIGNS)
    return found.most_common(1)[0][0] if found else ""


def ways(values: Sequence[str]) -> list[Numbers]:
    """The ways to read numbers that these values, written so, may be meant in."""
    sign = sign_in(values)
    found = [Numbers(".", sign)]
    if any("," in value for value in values):
        found.append(Numbers(",", sign))
    return found


def is_undecided(values: Iterable[str]) -> str | None:
    """A value such as 1,234, if it may be 1234 or 1.234 and no other value tells; None: it is clear."""
    example = None
    for value in values:
        if re.search(r"\d,\d", value):
            if not re.fullmatch(r"\D*[1-9]\d{0,2},\d{3}\D*", value):
                return None
            example = example or value
        elif re.search(r"\d\.\d", value):
            return None
    return example


def _present(cells: pa.Array) -> np.ndarray:
    return np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False))


def _as_array(numbers: pa.Array) -> np.ndarray:
    """float64 [n], NaN for null."""
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _finite(values: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    endless = np.isinf(values)
    return np.where(endless, np.nan, values), (present & np.isnan(values)) | endless


def _is_in(cells: pa.Array, words: Collection[str]) -> np.ndarray:
    return np.asarray(pc.is_in(cells, pa.array(sorted(words))).to_numpy(zero_copy_only=False))
