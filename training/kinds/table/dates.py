"""Dates in the ways that people write them, as days since 1970-01-01, UTC."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MINUTES = 1440  # of a day

_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y-%b-%d"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%y", "%a, %d %b %Y"),
)
COMPACT = "%Y%m%d"
_TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %H:%M:%S.%f", "T%H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_ZONED = re.compile(r".*\d\d:\d\d(:\d\d([.]\d+)?)?\s?(Z|[+-]\d\d:?\d\d|UTC|GMT)")
_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Dates:
    """format: as strptime has it, or ISO8601, also with an offset from UTC; "": what is typed as a date."""

    format: str = ""

    @property
    def words(self) -> str:
        return self.format

    def parse(self, cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Days float64 [n], to the minute where there are times of day, and bool [n]; see cells.Parser."""
        present = np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False))
        if not pa.types.is_string(cells.type):
            zone = cells.type.tz if pa.types.is_timestamp(cells.type) else None
            seconds = pc.cast(pc.cast(cells, pa.timestamp("s", zone), safe=False), pa.int64())
            days = np.asarray(seconds.to_numpy(zero_copy_only=False), np.float64) / 86_400
            return _to_minutes(days), present & np.isnan(days)
        coded = cells.dictionary_encode()
        codes = np.asarray(coded.indices.fill_null(-1).to_numpy(zero_copy_only=False))
        words = coded.dictionary.to_pylist()
        days = np.append(_to_minutes(_days(words, self.format)), np.nan)[codes]
        return days, present & np.isnan(days)


def formats(values: Sequence[str]) -> list[str]:
    """The formats by which all these values, or nearly all, can be read as dates."""
    looked_at = [value for value in values if re.search(r"\d", value)][:_LOOKED_AT]
    if not looked_at or len(looked_at) < 0.5 * min(len(values), _LOOKED_AT):
        return []
    first = looked_at[0]
    if re.fullmatch(r"\d{8}", first):
        tried = [COMPACT]
    elif _ZONED.fullmatch(first):
        tried = ["ISO8601"]
    elif re.search(r"\d\D+\d", first) and len(first) <= 40:
        times = [time for time in _TIMES if (":" in time) == (":" in first) and (time[:1] == "T") <= ("T" in first)]
        tried = [date + time for date in _DATES for time in times]
    else:
        return []
    found = [format for format in tried if np.isfinite(_days(looked_at, format)).mean() >= 0.5]
    if not found and ":" in first and re.match(r"\d{4}-\d\d-\d\d", first):
        found = [format for format in ("ISO8601",) if np.isfinite(_days(looked_at, format)).mean() >= 0.5]
    return found


def written(days: float) -> str:
    """A day as ISO 8601 has it, with its time if it is not whole."""
    return str(np.datetime64(round(days * MINUTES), "m")).replace("T00:00", "")


def _days(words: Sequence[str], format: str) -> np.ndarray:
    """float64 [n], NaN for what is no date of the format."""
    import pandas as pd  # half a second to import, and only dates in text need it

    if not words:
        return np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            moments = pd.to_datetime(pd.Series(words, dtype=object), format=format, errors="coerce", utc=True)
        except (ValueError, OverflowError):  # what is in no calendar, with a format that is none
            return np.full(len(words), np.nan)
    moments = moments.dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    days = moments.astype(np.int64) / 86_400
    return np.where(np.isnat(moments), np.nan, days)


def _to_minutes(days: np.ndarray) -> np.ndarray:
    return np.floor(days * MINUTES + 1 / 120) / MINUTES
