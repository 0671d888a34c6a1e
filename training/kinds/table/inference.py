"""From what is in a column to what it is: number, category, date, truth, or nothing to learn from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.data.errors import DataError
from training.data.wording import counted, listed
from training.kinds.table import dates
from training.kinds.table.cells import MISSING, Numbers, Parser, Truth, doubtful_in, is_undecided
from training.kinds.table.columns import Column, Unit
from training.kinds.table.dates import Dates
from training.kinds.table.decision import OTHERS, Decision, Type, Wanted
from training.kinds.table.facts import MOST_DECIMALS, MOST_WORDS, ColumnFacts, Tally
from training.kinds.table.order import natural

EXACT = 2**24  # float32 holds all whole numbers below

_LARGEST = 3e38
_DISTINCT = 2**53
_FEW = 20  # different values; fewer are categories, whatever the rows
_MIXED = 20  # different numbers and words together that are categories, such as 0, 1, 2, 3+
_MOST_DISTINCT = 0.5  # of the rows; more are names, codes or texts
_LONG = 10**8  # a whole number of nine digits
_TEXT_LENGTH, _TEXT_WORDS = 20, 3  # in the mean
_IDENTIFIER = re.compile(
    r"(^|.*[\W_])(id|ids|uuid|guid|key|index|rowid|row|nr|no|number|#|phone|telephone|mobile|ssn|iban|imei|isbn|barcode)$"
    r"|.*[a-z]I[dD]$|Unnamed: \d+"
)


@dataclass(frozen=True, slots=True)
class Location:
    """Where the rows of a source are, for messages. where(row): in words."""

    path: str
    where: object = None

    def say(self, row: int) -> str:
        return self.where(row) if callable(self.where) else f"row {row + 1}"


def decide(facts: ColumnFacts, at: Location, wanted: Wanted | None, rare: int = 0) -> Decision:
    """What a column is, by what a person wants, else by what is in it. Raises DataError, in one sentence.

    rare: categories of fewer rows become one.
    """
    wanted = wanted or Wanted(facts.name)
    decision = _asked(facts, at, wanted, rare) if wanted.type else _found(facts, at, wanted, rare)
    return replace(decision, wanted=wanted)


def _asked(facts: ColumnFacts, at: Location, wanted: Wanted, rare: int) -> Decision:
    if wanted.type is Type.LEFT_OUT:
        return Decision(facts.name, Type.LEFT_OUT, "as asked")
    if wanted.type is Type.CATEGORY:
        return _category(facts, at, "as asked", wanted, rare)
    tally = _asked_tally(facts, at, wanted)
    if tally.failed or not tally.read:
        row, text = tally.fault or (0, "nothing")
        raise DataError(
            f"{_named(facts, at)}: {wanted.place or 'it'} says '{wanted.type}', but {text!r} in "
            f"{at.say(row)} is none{_all(tally.failed)}; correct it, or add missing = [{text!r}] if it means nothing"
        )
    return _numbers(facts, at, "as asked", tally, wanted)


def _asked_tally(facts: ColumnFacts, at: Location, wanted: Wanted) -> Tally:
    fits = {
        Type.NUMBER: Numbers,
        Type.WHOLE: Numbers,
        Type.DATE: Dates,
        Type.MOMENT: Dates,
        Type.TRUTH: Truth,
    }[wanted.type]  # type: ignore[index]
    found = [tally for tally in facts.tallies or () if isinstance(tally.parser, fits)]
    found.sort(key=lambda tally: tally.failed)
    if not found:
        first = f", such as {facts.sample[0]!r}" if facts.sample else ""
        raise DataError(
            f"{_named(facts, at)}: {wanted.place or 'it'} says '{wanted.type}', but its values{first} cannot be read so"
        )
    if wanted.type in (Type.WHOLE, Type.DATE) and not found[0].failed and not found[0].whole:
        has = "fractions" if wanted.type is Type.WHOLE else "times of day"
        raise DataError(f"{_named(facts, at)}: {wanted.place or 'it'} says '{wanted.type}', but it has {has}")
    return _one(facts, at, found)


def _found(facts: ColumnFacts, at: Location, wanted: Wanted, rare: int) -> Decision:
    if not facts.present - facts.doubtful.total():
        return Decision(facts.name, Type.LEFT_OUT, "it holds nothing", absent=facts.rows)
    if facts.kind and facts.tallies is None:
        return Decision(facts.name, Type.LEFT_OUT, f"{facts.kind} is not read; write it as a number")
    if facts.kind == "dictionary" or (facts.padded and not _is_date(facts)):
        reason = "a category in the file" if facts.kind == "dictionary" else "numbers with leading zeros are codes"
        return _words(facts, at, wanted, rare, reason)
    tallies = facts.tallies or []
    clean = [tally for tally in tallies if not tally.failed and tally.read]
    if clean:
        tally = _one(facts, at, clean)
        if identifier := _identifier(facts, tally):
            return Decision(facts.name, Type.LEFT_OUT, identifier)
        return _numbers(facts, at, _why(facts, tally), tally, wanted)
    mixed = next((tally for tally in tallies if tally.read >= tally.failed), None)
    if mixed is not None and (facts.different > _MIXED or facts.kind or isinstance(mixed.parser, Dates)):
        raise _of_two_types(facts, at, mixed)
    return _words(facts, at, wanted, rare, "numbers and words" if mixed else "")


def _one(facts: ColumnFacts, at: Location, clean: Sequence[Tally]) -> Tally:
    """The way to read a column that can be read in several. Raises DataError where they differ and none is usual."""
    first = clean[0]
    if len(clean) == 1:
        return first
    kinds = [tally.parser for tally in clean]
    words = facts.words if facts.words is not None else facts.sample
    if isinstance(first.parser, Numbers):
        moments = [tally for tally in clean if isinstance(tally.parser, Dates)]
        if moments and moments[0].parser == Dates(dates.COMPACT) and _is_date(facts):
            return moments[0]
        commas = next((tally for tally in clean if tally.parser == Numbers(",", first.parser.sign)), None)
        example = is_undecided(words) if commas else None
        if example:
            raise DataError(
                f"{_named(facts, at)}: {example!r} may be {example.replace(',', '')} or {example.replace(',', '.')}; "
                f"say which: --columns with decimal = '.' or ',' for it"
            )
        return first
    formats = [parser.format for parser in kinds if isinstance(parser, Dates)]
    if len({(tally.minimum, tally.maximum) for tally in clean}) > 1:
        raise DataError(
            f"{_named(facts, at)}: {_example(facts)!r} may be read by {listed(formats)}; say which: --columns with "
            "format = ... for it"
        )
    return first


def _is_date(facts: ColumnFacts) -> bool:
    """Whether whole numbers of eight digits are dates: all of them days of the last and the next hundred years."""
    tally = facts.tally(Dates(dates.COMPACT))
    return tally is not None and not tally.failed and tally.minimum > -25_600 and tally.maximum < 51_000


def _identifier(facts: ColumnFacts, tally: Tally) -> str:
    """Why whole numbers are no quantity; "": they are."""
    if not isinstance(tally.parser, Numbers) or not tally.whole or facts.present < _FEW:
        return ""
    unlike = facts.distinct == facts.present and (facts.words is None or len(facts.words) == facts.present)
    span = tally.maximum - tally.minimum
    called = bool(_IDENTIFIER.fullmatch(facts.name) or _IDENTIFIER.fullmatch(facts.name.lower()))
    if unlike and (called or tally.rising or span < 2 * facts.present or _are_alike(tally)):
        return "an identifier: whole numbers, no two alike"
    if called and span >= EXACT and facts.different > _FEW:
        return "an identifier: its name, and whole numbers that float32 does not hold exactly"
    return ""


def _are_alike(tally: Tally) -> bool:
    """Whether numbers are long and all equally long, as those of telephones, accounts and clocks are."""
    return tally.minimum >= _LONG and len(str(int(tally.minimum))) == len(str(int(tally.maximum)))


def _words(facts: ColumnFacts, at: Location, wanted: Wanted, rare: int, reason: str) -> Decision:
    if facts.words is None and facts.quantity:
        raise DataError(
            f"{_named(facts, at)}: holds numbers first and other words or codes later; say by --columns whether it "
            "is a number or a category"
        )
    different, present = facts.different, facts.present
    if different > _FEW and different > _MOST_DISTINCT * present and wanted.categories is None:
        lengths = [len(word) for word in facts.sample]
        spaces = [word.count(" ") + 1 for word in facts.sample]
        if lengths and np.mean(lengths) >= _TEXT_LENGTH and np.mean(spaces) >= _TEXT_WORDS:
            return Decision(facts.name, Type.LEFT_OUT, "free text")
        if facts.words is not None and different < present:
            return Decision(facts.name, Type.LEFT_OUT, f"an identifier: {different:,} different in {present:,} rows")
        return Decision(facts.name, Type.LEFT_OUT, "an identifier: " + ("no two alike" if facts.words else "names"))
    return _category(facts, at, reason, wanted, rare)


def _category(facts: ColumnFacts, at: Location, reason: str, wanted: Wanted, rare: int) -> Decision:
    if facts.words is None and wanted.categories is None:
        raise DataError(
            f"{_named(facts, at)}: has more than {MOST_WORDS:,} different values, too many for categories; leave it "
            "out, or group them"
        )
    words: Mapping[str, int] = facts.words or {}
    doubtful = frozenset() if wanted.categories and set(wanted.categories) & set(facts.doubtful) else doubtful_in(words)
    there = {word: count for word, count in words.items() if word not in doubtful}
    absent = facts.missing.total() + sum(facts.doubtful[word] for word in doubtful)
    notes: list[str] = []
    if wanted.categories is not None:
        names = wanted.categories
        strange = [word for word in there if word not in names]
        if strange and OTHERS not in names:
            raise DataError(
                f"{_named(facts, at)}: has the category {listed(natural(strange), 3)}, which is none of "
                f"{wanted.place or 'those that are known'}; add it, or add {OTHERS!r}, which stands for all others"
            )
    else:
        few = [word for word, count in there.items() if count < rare]
        kept = [word for word in there if word not in few]
        if few:
            notes.append(f"{facts.name!r}: {counted(len(few), 'category')} of fewer than {rare} rows became {OTHERS!r}")
        ordered = facts.order is not None
        names = tuple(word for word in facts.order or () if word in kept) if ordered else tuple(natural(kept))
        names += (OTHERS,) if few and OTHERS not in names else ()
        if ordered:
            reason = "a category in the file, in its order"
        once = [word for word, count in there.items() if count == 1 and word in names]
        if once:
            notes.append(
                f"{facts.name!r}: {listed(natural(once), 3)} {'occurs' if len(once) == 1 else 'occur'} once; "
                f"--rare groups what is rare"
            )
    if not names:
        return Decision(facts.name, Type.LEFT_OUT, "it holds nothing", absent=absent)
    column = Column(facts.name, names, missing=absent > 0)
    missing = _usual(facts) | doubtful | set(wanted.missing)
    reason = reason or f"words, {len(names):,} different"
    if len(names) == 1 and not absent:
        reason = "constant"
    return Decision(facts.name, Type.CATEGORY, reason, column, None, frozenset(missing), absent, notes=tuple(notes))


def _numbers(facts: ColumnFacts, at: Location, reason: str, tally: Tally, wanted: Wanted) -> Decision:
    parser, notes = tally.parser, []
    absent = facts.rows - tally.read
    missing = _usual(facts) | {*wanted.missing, *facts.doubtful}
    whole = tally.whole if wanted.type is None else wanted.type in (Type.WHOLE, Type.DATE, Type.TRUTH)
    column = Column(facts.name, missing=absent > 0, whole=whole)
    span = tally.maximum - tally.minimum
    kind = Type.WHOLE if whole else Type.NUMBER
    if isinstance(parser, Truth):
        column, kind = replace(column, unit=Unit.TRUTH), Type.TRUTH
    elif isinstance(parser, Dates):
        kind = Type.DATE if whole else Type.MOMENT
        column = replace(column, unit=Unit.DAYS)
        reason += f", from {dates.written(tally.minimum)} to {dates.written(tally.maximum)}"
        if not whole:
            offset = float(np.floor(tally.minimum)) if wanted.offset is None else wanted.offset
            column = replace(column, offset=offset)
            notes.append(_of_times(facts.name, parser, span))
    else:
        column, more = _scaled(_named(facts, at), column, tally, wanted)
        notes += more
        reason += f", from {tally.minimum:.12g} to {tally.maximum:.12g}"
        if parser.words:
            notes.append(f"{facts.name!r} was read as numbers with {parser.words}")
    if span == 0 and not absent:
        reason = "constant"
    return Decision(facts.name, kind, reason, column, parser, missing, absent, notes=tuple(notes))


def _refuse_endless(where: str, tally: Tally) -> None:
    """Raise DataError for numbers that float32 or, if they are whole, float64 cannot tell apart."""
    largest = max(abs(tally.minimum), abs(tally.maximum))
    if largest > _LARGEST:
        raise DataError(f"{where}: {largest:.3g} is beyond what float32 holds; leave it out, or take its logarithm")
    if tally.whole and largest >= _DISTINCT:
        raise DataError(
            f"{where}: whole numbers such as {largest:.0f} cannot be told apart in float64; say by --columns that it "
            "is a category, or left out"
        )


def _scaled(where: str, column: Column, tally: Tally, wanted: Wanted) -> tuple[Column, list[str]]:
    """The offset and the digits by which float32 holds numbers; and where it does not, a note."""
    _refuse_endless(where, tally)
    digits = tally.decimals if tally.decimals <= MOST_DECIMALS else None
    if wanted.decimals is not None:
        digits = wanted.decimals
    units = 10.0 ** (digits or 0)
    largest, span = max(abs(tally.minimum), abs(tally.maximum)), tally.maximum - tally.minimum
    offset = 0.0
    far = largest > 256 * span > 0 if digits is None else largest * units >= EXACT and span < largest / 2
    if far:
        offset = float(np.floor(tally.minimum))
    if wanted.offset is not None:
        offset = wanted.offset
    column = replace(column, offset=offset, decimals=None if column.whole else digits)
    held = max(abs(tally.minimum - offset), abs(tally.maximum - offset)) * units
    if digits is None or held < EXACT:
        return column, []
    step = float(np.spacing(np.float32(held / units)))
    name, to = repr(column.name), f"{step:,.0f}" if step >= 1 else f"{step:.2g}"
    return column, [f"{name}: float32 holds 24 bits, so that numbers up to {held / units:,.9g} are kept to about {to}"]


def _of_times(name: str, parser: Parser, span: float) -> str:
    held = dates.MINUTES * max(span, 1) / EXACT
    to = "the minute" if held < 1 else counted(int(np.ceil(held)), "minute")
    zone = ", in UTC" if isinstance(parser, Dates) and parser.format == "ISO8601" else ""
    return f"{name!r}: times of day are kept to {to}, as float32 allows{zone}"


def _of_two_types(facts: ColumnFacts, at: Location, tally: Tally) -> DataError:
    row, text = tally.fault or (0, "")
    if facts.kind:
        return DataError(
            f"{_named(facts, at)}: {tally.failed:,} values are infinite, the first in {at.say(row)}; write them as "
            "missing, or as numbers"
        )
    kind = {Numbers: "numbers", Dates: "dates", Truth: "true or false"}[type(tally.parser)]
    return DataError(
        f"{_named(facts, at)}: {tally.failed:,} of {tally.read + tally.failed:,} values are no {kind}, the first is "
        f"{text!r} in {at.say(row)}; correct them, or say by --columns that it is a category, or missing = [{text!r}]"
    )


def _usual(facts: ColumnFacts) -> frozenset[str]:
    """Words that mean nothing whatever the column is; a file with types has nothing of its own for that."""
    return frozenset({""}) if facts.typed else MISSING


def _why(facts: ColumnFacts, tally: Tally) -> str:
    if facts.kind:
        return f"{facts.kind} in the file"
    if isinstance(tally.parser, Dates):
        return f"dates, {tally.parser.format}"
    if isinstance(tally.parser, Truth):
        return "true and false"
    if tally.whole or tally.decimals > MOST_DECIMALS:
        return "numbers"
    return f"numbers, {counted(tally.decimals, 'digit')} after the point"


def _example(facts: ColumnFacts) -> str:
    return facts.sample[0] if facts.sample else ""


def _named(facts: ColumnFacts, at: Location) -> str:
    return f"{at.path}: column {facts.name!r}"


def _all(count: int) -> str:
    return f", as {count - 1:,} more are not" if count > 1 else ""
