"""What a column of a table is: the schema that rows are read by, learned in, and handed over with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from augmint.v1 import generator_pb2 as pb


class Unit(IntEnum):
    """What a numeric column counts; the values are those of ColumnUnit in generator.proto."""

    NUMBER = pb.COLUMN_UNIT_UNSPECIFIED
    DAYS = pb.COLUMN_UNIT_DAYS  # since 1970-01-01, UTC; whole: a date, else with the time of day
    TRUTH = pb.COLUMN_UNIT_TRUTH  # 0 false, 1 true


@dataclass(frozen=True, slots=True)
class Column:
    """One column. In raw rows, float32 [n, columns], it holds indices of categories or numbers; NaN is missing.

    categories: names in order of index; empty: a numeric column, and only such a one has what follows but `missing`.
    missing:    values may be missing.
    whole:      numbers are whole.
    minimum, maximum: of the numbers as they are in raw rows, without offset; None: not known yet.
    offset:     what is added to a raw number, in float64, to give the one that was read.
    decimals:   digits after the point that numbers are rounded to; None: all.
    """

    name: str
    categories: tuple[str, ...] = ()
    missing: bool = False
    whole: bool = False
    minimum: float | None = None
    maximum: float | None = None
    offset: float = 0.0
    decimals: int | None = None
    unit: Unit = Unit.NUMBER

    def message(self) -> pb.ColumnSpec:
        return pb.ColumnSpec(
            name=self.name,
            categories=self.categories,
            integer=self.whole,
            missing=self.missing,
            minimum=self.minimum,
            maximum=self.maximum,
            offset=self.offset,
            decimals=self.decimals,
            unit=self.unit.value,  # type: ignore[arg-type]
        )

    @classmethod
    def from_message(cls, message: pb.ColumnSpec) -> Column:
        return cls(
            message.name,
            tuple(message.categories),
            message.missing,
            message.integer,
            message.minimum if message.HasField("minimum") else None,
            message.maximum if message.HasField("maximum") else None,
            message.offset,
            message.decimals if message.HasField("decimals") else None,
            Unit(message.unit),
        )


def sample_spec(columns: Sequence[Column], label: str) -> pb.SampleSpec:
    """The description of a row of these columns; label: the name of the column that the labels are of."""
    table = pb.TableSpec(columns=[column.message() for column in columns], label=label)
    return pb.SampleSpec(shape=[len(columns)], dtype=pb.DATA_TYPE_FLOAT32, table=table)
