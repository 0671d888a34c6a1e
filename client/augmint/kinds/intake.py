"""How samples of a kind come in: what people have, as the generator's own arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Intake:
    """How samples of a kind come in, the way back from how they are handed over.

    encode:   (what the kind's row hands over, or real ones of the same form, description) -> raw samples [n, *shape];
              InvalidRequest says which one is wrong, and what would be right.
    words:    what it takes, for a message.
    opened:   content of a file of one sample -> one of what `encode` takes a list of. Absent: there are no such files.
    suffixes: of these files, without the point.
    tables:   files of many samples, by suffix: path -> what `encode` takes.
    floats:   (what the kind's `floats` gives, or raw values as floats [n, ...], description) -> raw samples.
    """

    encode: Callable[[Any, Any], np.ndarray]
    words: str
    opened: Callable[[bytes], Any] | None = None
    suffixes: tuple[str, ...] = ()
    tables: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    floats: Callable[[np.ndarray, Any], np.ndarray] | None = None
