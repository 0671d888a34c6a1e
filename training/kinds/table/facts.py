"""What is in a column, gathered in one pass: its words, and how it reads as numbers, dates or truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from training.kinds.table import dates
from training.kinds.table.cells import DOUBTFUL, MISSING, Numbers, Parser, Truth, trimmed, ways, without

MOST_WORDS = 70_000  # different ones that are kept; a sample cannot have more categories than 65,536
_SAMPLE = 1000
MOST_DECIMALS = 6  # float32 has seven digits
# In which places after the point a number ends, as far as float64 tells.
_TOLERANCE = 1e-12


@dataclass(slots=True)
class Tally:
    """A column as numbers, read one way.

    read, failed: cells. fault: the row and the text of the first that cannot be read so.
    decimals:     digits after the point; MOST_DECIMALS + 1: more than are counted.
    rising:       no number is less than one before it.
    """

    parser: Parser
    read: int = 0
    failed: int = 0
    fault: tuple[int, str] | None = None
    minimum: float = np.inf
    maximum: float = -np.inf
    decimals: int = 0
    rising: bool = True
    _last: float = -np.inf

    def add(self, cells: pa.Array, start: int) -> None:
        values, bad = self.parser.parse(cells)
        if bad.any():
            self.failed += int(bad.sum())
            if self.fault is None:
                row = int(bad.argmax())
                self.fault = (start + row, str(cells[row].as_py()))
        values = values[np.isfinite(values)]
        if not len(values):
            return
        self.read += len(values)
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))
        self.rising = self.rising and bool(values[0] > self._last) and bool((np.diff(values) > 0).all())
        self._last = float(values[-1])
        if self.decimals <= MOST_DECIMALS:
            self.decimals = max(self.decimals, _decimals(values))

    @property
    def whole(self) -> bool:
        return self.decimals == 0


@dataclass(slots=True)
class Facts:
    """One column, of all rows that were added.

    nothing:  words that mean nothing beside the usual ones. asked: the way in which a person wants it read.
    words:    different texts and how often each is there, without missing ones; None: more than MOST_WORDS, or typed.
    missing:  what means nothing, and how often; "" stands for empty cells and for null.
    doubtful: what may mean nothing, by the rest of the column, and how often.
    distinct: of cells that are there, how many differ from all others of their chunk.
    order:    categories as the file has them in order; None: it has none.
    typed:    the file says what the column is; kind: in words, or "" for text.
    padded:   a number begins with 0, as codes do.
    sample:   some words of the first chunk that has any.
    tallies:  the ways in which it can be read as numbers, the likeliest first; None: nothing is there yet.
    """

    name: str
    nothing: Collection[str] = ()
    asked: Parser | None = None
    rows: int = 0
    words: Counter[str] | None = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    distinct: int = 0
    order: list[str] | None = None
    typed: bool = False
    kind: str = ""
    tallies: list[Tally] | None = None
    padded: bool = False
    sample: list[str] = field(default_factory=list)

    @property
    def present(self) -> int:
        return self.rows - self.missing.total()

    def add(self, column: pa.Array, typed: bool, start: int) -> None:
        """A chunk's cells; start: how many rows are before it."""
        self.rows += len(column)
        self.typed = typed
        if is_text(column.type):
            self._add_text(column, typed, start)
            return
        self.kind = str(column.type)
        column = with_null(column)
        if column.null_count:
            self.missing[""] += column.null_count
        if not _is_number(column.type):
            return
        self.distinct += pc.count_distinct(column, mode="only_valid").as_py()
        if self.words is not None:
            self._count(pc.value_counts(trimmed(column).drop_null()))
        if self.tallies is None:
            self.tallies = [Tally(parser_of(column.type))]
        self.tallies[0].add(column, start)

    def _add_text(self, column: pa.Array, typed: bool, start: int) -> None:
        if pa.types.is_dictionary(column.type) and column.type.ordered:
            known = self.order or []
            self.order = known + [
                word for word in trimmed(column.dictionary).to_pylist() if word is not None and word not in known
            ]
        if pa.types.is_dictionary(column.type):
            self.kind = "dictionary"
        cells = trimmed(column)
        usual = {""} if typed else MISSING
        meaning = without(cells, {*usual, *self.nothing})
        if meaning.null_count:
            for pair in pc.value_counts(pc.fill_null(cells, "").filter(pc.is_null(meaning))).to_pylist():
                self.missing[pair["values"]] += pair["counts"]
        counts = pc.value_counts(meaning.drop_null())
        self.distinct += len(counts)
        self._count(counts)
        if not len(counts):
            return
        words = counts.field("values")
        for pair in counts.filter(pc.is_in(words, pa.array(sorted(DOUBTFUL)))).to_pylist():
            self.doubtful[pair["values"]] += pair["counts"]
        self.padded = self.padded or bool(pc.any(pc.match_substring_regex(words, r"^[-+]?0\d+$")).as_py())
        if self.tallies is None:
            self.sample = [word for word in words.slice(0, _SAMPLE).to_pylist() if word not in DOUBTFUL]
            if not self.sample:
                return  # all missing, perhaps; later rows tell
            parsers = candidates(self.sample) if self.asked is None else [self.asked]
            self.tallies = [Tally(parser) for parser in parsers]
        if self.tallies:
            numbers = without(meaning, DOUBTFUL)
            for tally in self.tallies:
                tally.add(numbers, start)

    def _count(self, counts: pa.StructArray) -> None:
        if self.words is None:
            return
        for word, count in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
            self.words[word] += count
        if len(self.words) > MOST_WORDS:
            self.words = None

    @property
    def different(self) -> int:
        """How many different values there are, at least."""
        return self.distinct if self.words is None else len(self.words)

    def tally(self, parser: Parser) -> Tally | None:
        return next((each for each in self.tallies or () if each.parser == parser), None)


def with_null(column: pa.Array) -> pa.Array:
    """Null in place of what is no number."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of a type are read as words; times of day are, too."""
    types = pa.types
    return (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_dictionary(kind)
        or types.is_time(kind)
        or types.is_null(kind)
    )


def _is_number(kind: pa.DataType) -> bool:
    """Whether cells of a type can be read as numbers; lengths of time, for one, cannot."""
    types = pa.types
    return (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_boolean(kind)
        or types.is_date(kind)
        or types.is_timestamp(kind)
    )


def parser_of(kind: pa.DataType) -> Parser:
    """How cells of a type that is no text are read."""
    if pa.types.is_boolean(kind):
        return Truth()
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return dates.Dates()
    return Numbers()


def candidates(sample: Sequence[str]) -> list[Parser]:
    """The ways in which at least half of these words can be read."""
    cells = pa.array(sample, pa.string())
    tried: list[Parser] = [*ways(sample), *map(dates.Dates, dates.formats(sample)), Truth()]
    return [parser for parser in tried if parser.parse(cells)[1].mean() <= 0.5]


def _decimals(values: np.ndarray) -> int:
    for digits in range(MOST_DECIMALS + 1):
        scaled = values * 10.0**digits
        if (np.abs(scaled - np.rint(scaled)) <= _TOLERANCE * np.abs(scaled)).all():
            return digits
    return MOST_DECIMALS + 1
