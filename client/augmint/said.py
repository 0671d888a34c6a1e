"""What is said to the caller besides results."""

from __future__ import annotations

import sys
import warnings

# This package, and those that call it in the caller's stead.
_BETWEEN = {"augmint", "imblearn", "sklearn", "sklearn_compat"}


def warn(text: str) -> None:
    """A UserWarning at the line of the caller's own code, however deep in this package it is found out."""
    # Python 3.12 has skip_file_prefixes for it.
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def say(text: str, wanted: bool) -> None:
    """A line to stderr, if that is wanted."""
    if wanted:
        sys.stderr.write(f"augmint: {text}\n")
