"""A file of rows, read some thousand rows at a time: Arrow columns of text or of the types that the file has."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from training.data.errors import DataError
from training.data.huggingface import class_names
from training.data.jsonlines import objects
from training.data.wording import listed
from training.kinds.table import text
from training.kinds.table.text import DAMAGE, LINES, TEXT, ending

PARQUET = frozenset({".parquet", ".pq"})
ARROW = frozenset({".arrow", ".feather"})
ENDINGS = TEXT | LINES | PARQUET | ARROW

# Numbers as they are written.
_AS_WRITTEN: dict[str, Any] = {"parse_int": str, "parse_float": str, "parse_constant": lambda _: None}
_EXAMPLE = '{"age": 39, "income": "high"}'
_WANTED = f"wanted an object a line, or an array of them, such as [{_EXAMPLE}]"

_LARGEST = 2**29  # characters of an array
_BLOCK = 2**23  # bytes of text
_LONGEST_HELD = 5.0  # seconds
_ROWS = 65_536
_RECORDS = 16_384


class File:
    """One file. names: of its columns. typed: it says what its columns are. words: how it is written.

    place: what a row is called in messages, with the number of the first.
    """

    typed = True
    words = ""
    notes: tuple[str, ...] = ()
    place, first = "row", 1

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: tuple[str, ...] = ()

    def chunks(self) -> Iterator[pa.RecordBatch]:
        """All rows, from the first one on. Raises DataError."""
        raise NotImplementedError

    def where(self, row: int) -> str:
        return f"{self.place} {row + self.first}"


def open_file(path: Path) -> File:
    """Raises DataError for what is no table."""
    kind = text.kind_of(path)
    try:
        if kind in LINES:
            return _Records(path)
        if kind in PARQUET:
            return _Parquet(path)
        return _Arrow(path) if kind in ARROW else _Cells(path)
    except (*DAMAGE, pa.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or ["?"])[0][:120]
    return DataError(f"{path}: not a whole {ending(path.name)[1:] or 'table'} file ({reason})")


class _Cells(File):
    """CSV and its kin."""

    typed = False
    place = "line"

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        super().__init__(path)
        self._form = text.form(path, encoding)
        self.names = self._form.head
        self.first = self._form.skipped + 1
        self.words, self.notes = self._form.words, self._form.notes

    def chunks(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._read()
        except pa.ArrowInvalid as error:
            message = str(error)
            if "UTF8" in message or "UTF-8" in message:
                raise NotUtf8(self) from error
            if "straddling" in message:
                raise DataError(
                    f"{self.path}: a cell of more than {_BLOCK:,} bytes; quotes around cells must be closed"
                ) from error
            raise self._ragged(message) from error
        except UnicodeDecodeError as error:
            raise NotUtf8(self) from error
        except (*DAMAGE, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error

    def _read(self) -> Iterator[pa.RecordBatch]:
        form = self._form
        with text.opened(self.path) as file:
            held = sys.getrefcount(file)
            reader = pa.csv.open_csv(
                file,
                pa.csv.ReadOptions(
                    block_size=_BLOCK,
                    encoding={"utf-8-sig": "utf-8"}.get(form.encoding, form.encoding),
                    column_names=list(form.head),
                    skip_rows=form.skipped,
                ),
                pa.csv.ParseOptions(delimiter=form.separator, newlines_in_values=True),
                pa.csv.ConvertOptions(column_types=dict.fromkeys(form.head, pa.string()), strings_can_be_null=False),
            )
            try:
                yield from reader
            finally:
                del reader
                # A thread of Arrow's that lets go of a Python object while Python ends aborts the program.
                until = time.monotonic() + _LONGEST_HELD
                while sys.getrefcount(file) > held and time.monotonic() < until:
                    time.sleep(0.0005)

    def _ragged(self, message: str) -> DataError:
        """The line that has more or fewer cells than the head."""
        with text.opened(self.path) as file:
            lines = csv.reader(io.TextIOWrapper(file, self._form.encoding, newline=""), delimiter=self._form.separator)
            try:
                for line in lines:
                    if lines.line_num > self._form.skipped and line and len(line) != len(self.names):
                        return DataError(
                            f"{self.path}: line {lines.line_num} has {len(line)} cells, the head has "
                            f"{len(self.names)}; put quotes around cells that hold {self._form.separator!r}"
                        )
            except csv.Error as error:
                message = f"line {lines.line_num}: {error}"
        return DataError(f"{self.path}: {message[:160]}")


class NotUtf8(DataError):
    """Text that is not what its beginning says; `instead` reads it as what it may be."""

    def __init__(self, file: _Cells) -> None:
        super().__init__(f"{file.path}: is neither UTF-8 nor what its beginning says; save it as UTF-8")
        self._file = file

    @property
    def path(self) -> Path:
        return self._file.path

    def instead(self) -> File:
        """Raises DataError."""
        with text.opened(self.path) as file:
            return _Cells(self.path, text.other_encoding(file.read()))


class _Records(File):
    """JSON, an object a line or an array of them; numbers and truth become text, which keeps digits as written."""

    place = "line"
    words = "an object a line"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        names: dict[str, None] = {}
        nested: dict[str, None] = {}
        for record in self._records():
            names.update(dict.fromkeys(record))
            nested.update((key, None) for key, value in record.items() if isinstance(value, list | dict))
        self.names = text.names_of(path, [name for name in names if name not in nested])
        self._keys = [name for name in names if name not in nested]
        if not self._keys:
            raise DataError(f"{path}: holds no records of single values; {_WANTED}")
        if nested:
            self.notes = (f"{listed(nested, 4)} of {path.name} hold lists or objects, which are no columns; left out",)

    def chunks(self) -> Iterator[pa.RecordBatch]:
        block: list[list[str | None]] = []
        for record in self._records():
            block.append([_cell(record.get(key)) for key in self._keys])
            if len(block) == _RECORDS:
                yield self._batch(block)
                block = []
        if block:
            yield self._batch(block)

    def _batch(self, block: list[list[str | None]]) -> pa.RecordBatch:
        arrays = [pa.array(column, pa.string()) for column in zip(*block, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, list(self.names))

    def _records(self) -> Iterator[dict[str, Any]]:
        with text.opened(self.path) as file:
            lines = io.TextIOWrapper(file, "utf-8-sig")
            before: list[str] = []
            for line in lines:
                before.append(line)
                if line.strip():
                    break
            if ending(self.path.name) == ".json" and before and before[-1].lstrip().startswith("["):
                self.place, self.words = "object", "an array of objects"
                yield from self._array(before[-1] + lines.read(_LARGEST + 1))
                return
            for number, line, record in objects(self.path, itertools.chain(before, lines), _EXAMPLE, **_AS_WRITTEN):
                self._refuse_halves(line, record, number)
                yield record

    def _array(self, content: str) -> Iterator[dict[str, Any]]:
        if len(content) > _LARGEST:
            raise DataError(f"{self.path}: more than {_LARGEST:,} characters in one array; write an object a line")
        try:
            records = json.loads(content, **_AS_WRITTEN)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.path}: is not JSON ({str(error)[:100]}); {_WANTED}") from error
        for number, record in enumerate(records, 1):
            if not isinstance(record, dict):
                raise DataError(f"{self.path}: element {number} is {str(record)[:40]}; {_WANTED}")
            self._refuse_halves(content, record, number)
            yield record

    def _refuse_halves(self, content: str, record: dict[str, Any], number: int) -> None:
        """Raise DataError for escaped halves of characters, as a cut text has them."""
        if "\\u" in content and any(isinstance(value, str) and not _whole(value) for value in record.values()):
            raise DataError(
                f"{self.path}: {self.place} {number} holds half of a character, as of an emoji cut in two; take it out"
            )


def _whole(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


class _Typed(File):
    """A file that says what its columns are. class_names: of columns of numbers that are classes of Datasets."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.class_names: dict[str, tuple[str, ...]] = {}

    def _take(self, schema: pa.Schema) -> None:
        self.names = _of_schema(self, schema)
        named = class_names(schema)
        self.class_names = {
            each.name: names
            for each in schema
            if (names := named.get(each.name)) and len({*names}) == len(names) and pa.types.is_integer(each.type)
        }

    def _named(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Numbers of classes as their names, which keep the order; Datasets' -1 is none."""
        for column, names in self.class_names.items():
            at = batch.schema.get_field_index(column)
            numbers = batch.column(at).cast(pa.int64())
            numbers = pc.if_else(pc.less(numbers, 0), None, numbers)
            if numbers.null_count < len(numbers) and (most := pc.max(numbers).as_py()) >= len(names):
                raise DataError(
                    f"{self.path}: column {column!r} has the class {most}, but names for {len(names)} classes"
                )
            words = pa.DictionaryArray.from_arrays(numbers.cast(pa.int32()), pa.array(names), ordered=True)
            batch = batch.set_column(at, column, words)
        return batch


class _Parquet(_Typed):
    words = "Parquet"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with pa.parquet.ParquetFile(path) as reader:
            self._take(reader.schema_arrow)

    def chunks(self) -> Iterator[pa.RecordBatch]:
        try:
            with pa.parquet.ParquetFile(self.path) as reader:
                yield from map(self._named, reader.iter_batches(_ROWS, columns=list(self.names)))
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error


class _Arrow(_Typed):
    """Arrow's own files: Feather, and those of streams."""

    words = "Arrow"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._take(self._open().schema)

    def _open(self) -> Any:
        source = pa.memory_map(str(self.path))
        try:
            return pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            return pa.ipc.open_stream(source)

    def chunks(self) -> Iterator[pa.RecordBatch]:
        try:
            reader = self._open()
            whole = isinstance(reader, pa.ipc.RecordBatchFileReader)
            batches = map(reader.get_batch, range(reader.num_record_batches)) if whole else iter(reader)
            for batch in batches:
                chosen = batch.select(list(self.names))
                for start in range(0, chosen.num_rows, _ROWS):
                    yield self._named(chosen.slice(start, _ROWS))
        except (OSError, pa.ArrowException) as error:
            raise _damaged(self.path, error) from error


def _of_schema(file: File, schema: pa.Schema) -> tuple[str, ...]:
    """Names of the columns that can be read, each once; the index that pandas wrote beside them is none."""
    types = pa.types
    names = text.names_of(file.path, list(schema.names))
    if any(name != own for name, own in zip(names, schema.names, strict=True)):
        raise DataError(f"{file.path}: a column has a name with blanks at its ends, or none; name them otherwise")
    index = json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
    unnamed = {name for name in index if isinstance(name, str) and name.startswith("__index_level_")}
    nested = [
        each.name
        for each in schema
        if types.is_nested(each.type) or types.is_binary(each.type) or types.is_large_binary(each.type)
    ]
    if nested:
        file.notes = (f"{listed(nested, 4)} of {file.path.name} hold lists or bytes, which are no columns; left out",)
    return tuple(name for name in names if name not in unnamed and name not in nested)
