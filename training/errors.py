"""The base of every fault that a person can mend: its message says what was wrong, where, and what would be right."""

from __future__ import annotations


class TrainingError(Exception):
    """Told in one sentence instead of a traceback.

    status: what a program that it ends exits with.
    """

    status = 2
