"""What synthetic rows add where a table has few rows, or few of one class: a study of Adult, or of any table.

    python -m benchmarks.quality.scarce_rows adult.csv.gz --label income --first-test-row 32561

A team trains a generator on all rows for training. Others have little: 500 rows as they come, or one row of the rare
class for 50 of the other. Gradient boosting and logistic regression learn from those alone, with class weights, random
oversampling, SMOTE-NC, rows of a VAE that was trained on those alone, and rows of a generator: of one that was trained
on those alone, and of the team's. Settings are chosen on validation rows; the numbers are of test rows. Finished parts
lie in --folder; the same command goes on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.quality import few
from training.kinds import load
from training.source import SourceOptions

SCENARIOS = ("500 samples", "1:50 from 5000")


def main() -> None:
    parser = results.Parser("benchmarks.quality.scarce_rows", __doc__)
    parser.add_argument("data", help="a table")
    parser.add_argument("--label", metavar="COLUMN", help="by default found by its name")
    parser.add_argument("--first-test-row", type=int, help="rows from this one on are for tests; by default a split")
    few.add_options(parser, scenarios=list(SCENARIOS), preset="argn", steps=300, team_steps=600)
    parser.add_argument("--folder", type=Path, default=Path("studies/scarce-rows"))
    options = parser.options()
    dataset = load(options.data, SourceOptions(label=options.label))
    if options.first_test_row is not None:
        dataset = replace(dataset, official_test=np.arange(options.first_test_row, len(dataset.labels)))
    few.study(parser, options, dataset, "rows")


if __name__ == "__main__":
    main()
