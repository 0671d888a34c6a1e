"""TabularARGN of mostlyai-engine (arXiv:2501.12012), as it comes: Medium, its own batches, its own early stopping.

What it holds out to know when to stop (a tenth) it takes from the training rows itself; rare values are protected, so
that a category of a handful of rows comes out as _RARE_.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas
import torch
from mostlyai.engine import TabularARGN, set_random_state

from benchmarks.tables.peers import program


def main() -> None:
    given = program.options(__doc__)
    torch.set_num_threads(given.threads)

    def fit(train: pandas.DataFrame) -> tuple[program.Draw, str]:
        model = TabularARGN(device="cpu", random_state=0, workspace_dir=given.folder / "workspace")
        model.fit(train)

        def draw(rows: int, seed: int) -> pandas.DataFrame:
            set_random_state(1000 + seed)
            return model.sample(rows)

        return draw, epochs(given.folder / "workspace")

    program.leave(given, fit)


def epochs(workspace: Path) -> str:
    """How long it learned, from its own journal."""
    with open(next(workspace.rglob("progress-messages.csv"))) as file:
        kept = [row for row in csv.DictReader(file) if row.get("epoch")]
    return f"{float(kept[-1]['epoch']):.0f} epochs, by its own stopping"


if __name__ == "__main__":
    main()
