"""The finished cells of a study, one JSON object a line: what a study that was stopped need not do again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

NAME = "study.jsonl"

# scenario, replicate, classifier, arm, setting, seed
Key = tuple[str, int, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """One classifier, trained and measured.

    setting: what tells the trials of an arm apart, e.g. "shift 1/14, flip".
    validation, test: balanced accuracy on the real splits, [0, 1]; test: None where nothing but a choice was made.
    recalls: of each class on the validation split, [0, 1].
    classifier: see training.study.learners.Learner.
    others, others_test: by other measures, the same.
    """

    scenario: str
    replicate: int
    arm: str
    setting: str
    seed: int
    validation: float
    test: float | None
    recalls: tuple[float, ...]
    seconds: float
    classifier: str = ""
    others: dict[str, float] = field(default_factory=dict)
    others_test: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.scenario, self.replicate, self.classifier, self.arm, self.setting, self.seed

    def chosen_by(self, measure: str) -> float:
        """On the validation split."""
        return self.others.get(measure, self.validation)

    def tested_by(self, measure: str) -> float:
        """On the test split."""
        assert self.test is not None, "what is compared has been tested"
        return self.others_test.get(measure, self.test)


class Journal:
    """Cells by key, in a file that is only ever added to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._cells: dict[Key, Cell] = {}
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

    def get(self, key: Key, make: Callable[[], Cell], tested: bool = False) -> Cell:
        """The cell, made and written down if it is not there yet, or if it is to be tested and is not."""
        cell = self._cells.get(key)
        if cell is None or (tested and cell.test is None):
            cell = make()
            assert cell.key == key
            with open(self._path, "a+b") as file:
                # A study that was killed while it wrote leaves half a line; it must not swallow this one.
                if file.tell() and not self._path.read_bytes().endswith(b"\n"):
                    file.write(b"\n")
                file.write(json.dumps(asdict(cell)).encode() + b"\n")
            self._cells[key] = cell
        return cell
