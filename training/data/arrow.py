"""Parquet and Arrow files by their columns, few rows at a time; pyarrow is imported where one is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from training.data.errors import DataError

PARQUET, ARROW = ".parquet", ".arrow"
_ROWS = 64


def parquet() -> ModuleType:
    """pyarrow.parquet; raises DataError with the line that installs it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("Parquet and Arrow files need pyarrow; pip install pyarrow") from error
    return pyarrow.parquet


def schema(file: Path) -> Any:
    pq = parquet()
    try:
        if file.suffix.lower() == PARQUET:
            return pq.read_schema(file)
        with _stream(file) as stream:
            return stream.schema
    except (ValueError, OSError) as error:
        raise _damaged(file, error) from error


def _stream(file: Path) -> Any:
    parquet()
    import pyarrow

    source = pyarrow.memory_map(str(file))
    try:
        return pyarrow.ipc.open_stream(source)
    except pyarrow.ArrowInvalid:
        return _RandomAccess(pyarrow.ipc.open_file(source))


class _RandomAccess:
    """An Arrow file (Feather) with the manners of a stream."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self.schema = reader.schema

    def __enter__(self) -> _RandomAccess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return (self._reader.get_batch(number) for number in range(self._reader.num_record_batches))


def _batches(file: Path, column: str) -> Iterator[Any]:
    """Record batches of one column, few rows at a time."""
    try:
        if file.suffix.lower() == PARQUET:
            with parquet().ParquetFile(file) as reader:
                yield from reader.iter_batches(batch_size=_ROWS, columns=[column])
            return
        with _stream(file) as stream:
            for batch in stream:
                chosen = batch.select([column])
                for start in range(0, chosen.num_rows, _ROWS):
                    yield chosen.slice(start, _ROWS)
    except (ValueError, OSError) as error:
        raise _damaged(file, error) from error


def cells(file: Path, column: str) -> Iterator[Any]:
    for batch in _batches(file, column):
        yield from batch.column(0).to_pylist()


def count(file: Path) -> int:
    if file.suffix.lower() == PARQUET:
        return parquet().read_metadata(file).num_rows
    with _stream(file) as stream:
        return sum(batch.num_rows for batch in stream)


def _damaged(file: Path, error: Exception) -> DataError:
    return DataError(
        f"{file}: not a whole {file.suffix[1:].title()} file ({(str(error).splitlines() or ['?'])[0][:120]})"
    )
