"""The one error of everything that reads data."""

from __future__ import annotations

from training.data.wording import shown
from training.errors import TrainingError


class DataError(TrainingError, ValueError):
    """The data cannot be trained on; the message names the file or field, what was found and what would be right."""

    def __init__(self, message: str) -> None:
        super().__init__(shown(message))
