"""The finished cells of a study, one JSON object a line: what a study that was stopped need not do again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

NAME = "study.jsonl"


@dataclass(frozen=True, slots=True)
class Cell:
    """One classifier, trained and measured.

    setting: what tells the trials of an arm apart, e.g. "shift 1/14, flip".
    validation, test: balanced accuracy on the real splits, [0, 1].
    recalls: of each class on the validation split, [0, 1].
    """

    scenario: str
    replicate: int
    arm: str
    setting: str
    seed: int
    validation: float
    test: float
    recalls: tuple[float, ...]
    seconds: float

    @property
    def key(self) -> tuple[str, int, str, str, int]:
        return self.scenario, self.replicate, self.arm, self.setting, self.seed


class Journal:
    """Cells by key, in a file that is only ever added to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._cells: dict[tuple[str, int, str, str, int], Cell] = {}
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                try:
                    value = json.loads(line)
                    cell = Cell(**{**value, "recalls": tuple(value["recalls"])})
                except (ValueError, TypeError, KeyError):
                    continue  # cut short when the study was killed; it is done again
                self._cells[cell.key] = cell

    def __len__(self) -> int:
        return len(self._cells)

    def get(self, key: tuple[str, int, str, str, int], make: Callable[[], Cell]) -> Cell:
        """The cell, made and written down if it is not there yet."""
        if key not in self._cells:
            cell = make()
            assert cell.key == key
            with open(self._path, "a+b") as file:
                # A study that was killed while it wrote leaves half a line; it must not swallow this one.
                if file.tell() and not self._path.read_bytes().endswith(b"\n"):
                    file.write(b"\n")
                file.write(json.dumps(asdict(cell)).encode() + b"\n")
            self._cells[key] = cell
        return self._cells[key]
