"""pyarrow, imported where a Parquet or Arrow file is read."""

from __future__ import annotations

from types import ModuleType

from training.data.errors import DataError


def parquet() -> ModuleType:
    """pyarrow.parquet; raises DataError with the line that installs it."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise DataError("Parquet and Arrow files need pyarrow; pip install pyarrow") from error
    return pyarrow.parquet
