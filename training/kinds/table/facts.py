"""What is in a column, gathered in one pass: its words, and how it reads as numbers, dates or truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from training.kinds.table import dates
from training.kinds.table.cells import DOUBTFUL, MISSING, Numbers, Parser, Truth, ways, with_null, without, words_of

MOST_WORDS = 70_000  # different ones that are kept; a sample cannot have more categories than 65,536
MOST_OF_NUMBERS = 1000  # different ones, which may be classes or codes; of more only the range is of interest
_SAMPLE = 1000
MOST_DECIMALS = 6  # float32 has seven digits
# In which places after the point a number ends, as far as float64 tells.
_TOLERANCE = 1e-12
_TYPES = pa.types
_TEXTS = (
    *(_TYPES.is_string, _TYPES.is_large_string, _TYPES.is_string_view, _TYPES.is_dictionary),
    *(_TYPES.is_time, _TYPES.is_null),
)
_NUMBERS = (
    *(_TYPES.is_integer, _TYPES.is_floating, _TYPES.is_decimal),
    *(_TYPES.is_boolean, _TYPES.is_date, _TYPES.is_timestamp),
)


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
class ColumnFacts:
    """One column, of all rows that were added.

    nothing:  words that mean nothing beside the usual ones. asked: the way in which a person wants it read.
    every:    all words are kept, also of numbers.
    words:    different texts and how often each is there, without missing ones; None: there are more than are kept.
    missing:  what means nothing, and how often; "" stands for empty cells and for null.
    doubtful: what may mean nothing, by the rest of the column, and how often.
    distinct: of cells that are there, how many differ from all others of their chunk.
    order:    categories as the file has them in order; None: it has none.
    typed:    the file says what the column is; kind: in words, or "" for text. family: of the type; "": not known yet.
    padded:   a number begins with 0, as codes do.
    quantity: when words were last counted, all of them were numbers.
    sample:   some words of the first chunk that has any.
    tallies:  the ways in which it can be read as numbers, the likeliest first; None: nothing is there yet.
    """

    name: str
    nothing: Collection[str] = ()
    asked: Parser | None = None
    every: bool = False
    rows: int = 0
    words: Counter[str] | None = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    doubtful: Counter[str] = field(default_factory=Counter)
    distinct: int = 0
    order: list[str] | None = None
    typed: bool = False
    family: str = ""
    kind: str = ""
    tallies: list[Tally] | None = None
    padded: bool = False
    quantity: bool = False
    sample: list[str] = field(default_factory=list)

    @property
    def present(self) -> int:
        return self.rows - self.missing.total()

    def add(self, column: pa.Array, typed: bool, start: int) -> None:
        """A chunk's cells; start: how many rows are before it."""
        self.rows += len(column)
        self.typed = typed
        if pa.types.is_null(column.type):
            self.missing[""] += len(column)
            return
        self.family = family(column.type)
        if is_text(column.type):
            self._add_text(column, typed, start)
            return
        self.kind = str(column.type)
        column = with_null(column, self.nothing)
        if column.null_count:
            self.missing[""] += column.null_count
        if not _is_number(column.type):
            return
        self.distinct += pc.count_distinct(column, mode="only_valid").as_py()
        if self.tallies is None:
            self.tallies = [Tally(parser_of(column.type))]
        self.tallies[0].add(column, start)
        if self.words is not None:
            self._count(pc.value_counts(words_of(column, typed).drop_null()))

    def _add_text(self, column: pa.Array, typed: bool, start: int) -> None:
        if pa.types.is_dictionary(column.type) and column.type.ordered:
            words = words_of(column.dictionary, typed).drop_null().to_pylist()
            self.order = list(dict.fromkeys([*(self.order or ()), *words]))
        if pa.types.is_dictionary(column.type):
            self.kind = "dictionary"
        cells = words_of(column, typed)
        usual = {""} if typed else MISSING
        meaning = without(cells, {*usual, *self.nothing})
        if meaning.null_count:
            for pair in pc.value_counts(pc.fill_null(cells, "").filter(pc.is_null(meaning))).to_pylist():
                self.missing[pair["values"]] += pair["counts"]
        counts = pc.value_counts(meaning.drop_null())
        self.distinct += len(counts)
        if not len(counts):
            return
        words = counts.field("values")
        for pair in counts.filter(pc.is_in(words, pa.array(sorted(DOUBTFUL)))).to_pylist():
            self.doubtful[pair["values"]] += pair["counts"]
        self.padded = self.padded or bool(pc.any(pc.match_substring_regex(words, r"^[-+]?0\d+$")).as_py())
        if self.tallies is None:
            self.sample = [word for word in words.slice(0, _SAMPLE).to_pylist() if word not in DOUBTFUL]
            if not self.sample:
                self._count(counts)
                return  # all missing, perhaps; later rows tell
            parsers = candidates(self.sample) if self.asked is None else [self.asked]
            self.tallies = [Tally(parser) for parser in parsers]
        if self.tallies:
            numbers = without(meaning, DOUBTFUL)
            for tally in self.tallies:
                tally.add(numbers, start)
        self._count(counts)

    def _count(self, counts: pa.StructArray) -> None:
        if self.words is None:
            return
        for word, count in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
            self.words[word] += count
        clean = any(tally.read and not tally.failed for tally in self.tallies or ())
        self.quantity = clean and not self.padded and not self.every
        if len(self.words) > (MOST_OF_NUMBERS if self.quantity else MOST_WORDS):
            self.words = None

    @property
    def different(self) -> int:
        """How many different values there are, at least."""
        return self.distinct if self.words is None else len(self.words)

    def tally(self, parser: Parser) -> Tally | None:
        return next((each for each in self.tallies or () if each.parser == parser), None)


def family(kind: pa.DataType) -> str:
    """What columns of several files must agree in; "" where there is nothing in one."""
    if pa.types.is_null(kind):
        return ""
    if is_text(kind):
        return "text"
    parsers = {Numbers: "numbers", dates.Dates: "dates", Truth: "truth"}
    return parsers[type(parser_of(kind))] if _is_number(kind) else str(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of a type are read as words; times of day are, too."""
    return any(is_one(kind) for is_one in _TEXTS)


def _is_number(kind: pa.DataType) -> bool:
    """Whether cells of a type can be read as numbers; lengths of time, for one, cannot."""
    return any(is_one(kind) for is_one in _NUMBERS)


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
