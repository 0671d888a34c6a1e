"""The one error of everything that reads data."""

from __future__ import annotations


class DataError(ValueError):
    """The data cannot be trained on; the message names the file or field, what was found and what would be right."""
