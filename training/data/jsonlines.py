"""Files of JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from training.data.errors import DataError


def objects(path: Path, lines: Iterable[str], example: str, **how: Any) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Each line that is not empty: its number from 1, its text, its object.

    example: an object as it should be, for messages. how: options of json.loads. Raises DataError.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, **how)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path}: line {number} is not JSON ({str(error)[:100]}); wanted one object a line"
            ) from error
        if not isinstance(record, dict):
            raise DataError(f"{path}: line {number} is {line.strip()[:40]}; wanted an object such as {example}")
        yield number, line, record
