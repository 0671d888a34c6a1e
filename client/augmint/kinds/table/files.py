"""Rows in files of many: CSV, TSV, JSON lines, Parquet. The same rows give the same bytes, however handed in."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from augmint import extras
from augmint.kinds.table.column import Column, ColumnType, Typed, columns, label_name, typed

# Of one row group of a Parquet file; a function of the table alone, because it decides where they end.
_GROUP_ROWS = 2**16
_GROUP_VALUES = 2**22


def named(samples: Any) -> dict[str, list[Any]]:
    """Python values by column, the label behind them."""
    found = {one.column.name: one.tolist() for one in _typed(samples)}
    return {**found, label_name(samples.description): samples.labels}


def rows(samples: Any) -> Iterator[dict[str, Any]]:
    """A dict for every row, without its label: str, int, float, bool, date, datetime or None by column."""
    found = {one.column.name: one.tolist() for one in _typed(samples)}
    for values in zip(*found.values(), strict=True):
        yield dict(zip(found, values, strict=True))


def jsons(samples: Any) -> Iterator[bytes]:
    """The content of a JSON file of each row."""
    return (_json(row).encode() for row in rows(samples))


def cells(samples: Any) -> list[list[str]]:
    """Rows as text, the header first; what is missing is empty."""
    found = named(samples)
    texts = [["" if value is None else str(value) for value in values] for values in found.values()]
    return [list(found), *map(list, zip(*texts, strict=True))]


class Separated:
    """CSV or TSV (RFC 4180, UTF-8, lines end in a line feed) with a header; what is missing is empty."""

    def __init__(self, separator: str) -> None:
        self._separator = separator

    def __call__(self, file: IO[bytes], description: Any) -> _SeparatedFile:
        return _SeparatedFile(file, description, self._separator)


class _SeparatedFile:
    def __init__(self, file: IO[bytes], description: Any, separator: str) -> None:
        found = columns(description)
        header = [*(column.name for column in found), label_name(description)]
        texts = [*header, *description.labels, *(name for column in found for name in column.categories)]
        # Python's csv leaves a carriage return alone where it ends no line; readers take it for the end of one.
        returns = any("\r" in text for text in texts)
        self._file, self._separator = file, separator
        self._quoting: Any = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
        self._write([header])

    def add(self, samples: Any) -> None:
        self._write(zip(*named(samples).values(), strict=True))

    def finish(self) -> None:
        pass

    def _write(self, lines: Any) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self._separator, lineterminator="\n", quoting=self._quoting)
        writer.writerows(lines)
        self._file.write(text.getvalue().encode())


class JsonLines:
    """A JSON object per line; what is missing is null, dates are as ISO 8601 has them."""

    def __init__(self, file: IO[bytes], description: Any) -> None:
        self._file = file
        self._label = label_name(description)

    def add(self, samples: Any) -> None:
        lines = (
            _json({**row, self._label: label}) + "\n" for row, label in zip(rows(samples), samples.labels, strict=True)
        )
        self._file.write("".join(lines).encode())

    def finish(self) -> None:
        pass


class Parquet:
    """Parquet with a type for every column: dictionary, int64, double, bool, date32 or timestamp[ms].

    pandas finds the types of `to_frame` (dates as Python's), Hugging Face those of `features`.
    """

    def __init__(self, file: IO[bytes], description: Any) -> None:
        arrow = self._arrow = extras.load("pyarrow", "parquet")
        self._columns = columns(description)
        names = arrow.dictionary(arrow.int32(), arrow.string())
        self._labels = arrow.array(list(description.labels), arrow.string())
        self._categories = [arrow.array(list(one.categories), arrow.string()) for one in self._columns]
        types = {
            ColumnType.CATEGORY: names,
            ColumnType.WHOLE: arrow.int64(),
            ColumnType.NUMBER: arrow.float64(),
            ColumnType.TRUTH: arrow.bool_(),
            ColumnType.DATE: arrow.date32(),
            ColumnType.TIME: arrow.timestamp("ms"),
        }
        label = label_name(description)
        self._schema = arrow.schema(
            [*((one.name, types[one.type]) for one in self._columns), (label, names)],
            metadata={"pandas": _pandas(self._columns, label), "huggingface": _hugging_face(self._columns, label)},
        )
        self._group = max(1, min(_GROUP_ROWS, _GROUP_VALUES // len(self._columns)))
        self._waiting: list[Any] = []
        self._writer = extras.load("pyarrow.parquet", "parquet").ParquetWriter(file, self._schema, compression="zstd")

    def add(self, samples: Any) -> None:
        arrays = [self._array(number, one) for number, one in enumerate(_typed(samples))]
        arrays.append(self._named(samples.class_indices, None, self._labels))
        self._waiting.append(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        while sum(map(len, self._waiting)) >= self._group:
            table = self._arrow.concat_tables(self._waiting)
            self._write(table.slice(0, self._group))
            self._waiting = [table.slice(self._group)]

    def finish(self) -> None:
        left = [table for table in self._waiting if len(table)]
        self._waiting = []
        if left:
            self._write(self._arrow.concat_tables(left))
        self._writer.close()

    def _write(self, table: Any) -> None:
        self._writer.write_table(table.combine_chunks(), row_group_size=self._group)

    def _array(self, number: int, one: Typed) -> Any:
        if one.column.type is ColumnType.CATEGORY:
            return self._named(one.values, one.gaps, self._categories[number])
        return self._arrow.array(one.values, self._schema.field(number).type, mask=one.gaps)

    def _named(self, codes: np.ndarray, gaps: np.ndarray | None, names: Any) -> Any:
        indices = self._arrow.array(codes.astype(np.int32), mask=gaps)
        return self._arrow.DictionaryArray.from_arrays(indices, names)


def feature(datasets: Any, description: Any) -> dict[str, Any]:
    """Hugging Face's feature of every column: ClassLabel for categories, else a Value."""
    return {
        column.name: datasets.ClassLabel(names=list(column.categories))
        if column.type is ColumnType.CATEGORY
        else datasets.Value(_HUGGING_FACE[column.type])
        for column in columns(description)
    }


_HUGGING_FACE = {
    ColumnType.CATEGORY: "string",
    ColumnType.WHOLE: "int64",
    ColumnType.NUMBER: "float64",
    ColumnType.TRUTH: "bool",
    ColumnType.DATE: "date32",
    ColumnType.TIME: "timestamp[ms]",
}


def _typed(samples: Any) -> list[Typed]:
    found = columns(samples.description)
    return [typed(column, samples.array[:, number]) for number, column in enumerate(found)]


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, default=_iso)


def _iso(value: datetime.date) -> str:
    return value.isoformat()


def _pandas(found: tuple[Column, ...], label: str) -> str:
    """What pandas leaves in a file, for it to find its own types: whole numbers that may be missing, categories."""
    types = {
        ColumnType.CATEGORY: ("categorical", "int32"),
        ColumnType.WHOLE: ("int64", "int64"),
        ColumnType.NUMBER: ("float64", "float64"),
        ColumnType.TRUTH: ("bool", "bool"),
        ColumnType.DATE: ("date", "object"),
        ColumnType.TIME: ("datetime", "datetime64[ms]"),
    }
    gaps = {ColumnType.WHOLE: "Int64", ColumnType.TRUTH: "boolean"}

    def told(name: str, held: ColumnType, missing: bool, categories: int) -> dict[str, Any]:
        pandas, numpy = types[held]
        metadata = {"num_categories": categories, "ordered": False} if held is ColumnType.CATEGORY else None
        return {
            "name": name,
            "field_name": name,
            "pandas_type": pandas,
            "numpy_type": gaps.get(held, numpy) if missing else numpy,
            "metadata": metadata,
        }

    all_of_them = [told(one.name, one.type, one.missing, len(one.categories)) for one in found]
    all_of_them.append(told(label, ColumnType.CATEGORY, False, 0))
    return json.dumps({"index_columns": [], "column_indexes": [], "columns": all_of_them})


def _hugging_face(found: tuple[Column, ...], label: str) -> str:
    """Categories by name: its ClassLabel reads no dictionaries."""
    values = {one.name: {"dtype": _HUGGING_FACE[one.type], "_type": "Value"} for one in found}
    return json.dumps({"info": {"features": {**values, label: {"dtype": "string", "_type": "Value"}}}})
