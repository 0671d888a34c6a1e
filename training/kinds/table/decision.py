"""What a column is taken for, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from training.data.question import Question
from training.kinds.table.cells import Parser
from training.kinds.table.columns import Column


class Type(StrEnum):
    """As columns.toml calls them."""

    NUMBER = "number"
    WHOLE = "whole number"
    CATEGORY = "category"
    DATE = "date"
    MOMENT = "date and time"
    TRUTH = "truth"
    LEFT_OUT = "left out"


# Where a category stands for all that have no other.
OTHERS = "(other)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person, or a generator, says of a column; None: made out from the data.

    format: of dates. decimal, sign: of numbers, see cells.Numbers. missing: what else means nothing.
    place:  where it is said, for messages.
    """

    name: str
    type: Type | None = None
    categories: tuple[str, ...] | None = None
    offset: float | None = None
    decimals: int | None = None
    format: str | None = None
    decimal: str | None = None
    sign: str | None = None
    missing: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """column: None if it is left out. parser: of what is no category. missing: words that mean nothing, all of them.

    absent: how many cells mean nothing. notes: of what is not as usual.
    """

    name: str
    type: Type
    reason: str
    column: Column | None = None
    parser: Parser | None = None
    missing: frozenset[str] = frozenset()
    absent: int = 0
    wanted: Wanted | None = None
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
