"""How large may a table be? Made tables of many shapes, through all that a generator of them takes.

    python -m benchmarks.tables.scale [--columns 1 5 50 300] [--categories 2 20 2000] [--rows 200 10000 100000 1000000]
    python -m benchmarks.tables.scale --cell 300x2000x1000000 --preset argn

One of the three changes at a time, the other two stay at 5 columns, 20 categories and 10,000 rows; --cell measures one
shape instead, and may be given several times. Every other column is of numbers with two digits after the point, the
first, third, ... of categories, some of them rare (Zipf's law); one value in twenty is missing. Each shape has a
process of its own: seconds, and the most memory that it took on top of the program's own, to read, to learn the
encoding (fitting), to encode, for a first training step, to export, and to load the file; the median of some more
steps; the file's size, and rows drawn per second. What is refused, does not end in time, or is killed for its memory,
says so in its row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas

from benchmarks import results
from benchmarks.peers.environment import last_line

LABEL = "outcome"
_PIECE = 50_000  # rows that are made at once


class Shape(NamedTuple):
    columns: int
    categories: int
    rows: int


BASE = Shape(5, 20, 10_000)


def shapes(columns: list[int], categories: list[int], rows: list[int]) -> list[Shape]:
    """Each once, one of the three unlike the base."""
    found = [BASE._replace(columns=each) for each in columns]
    found += [BASE._replace(categories=each) for each in categories]
    found += [BASE._replace(rows=each) for each in rows]
    return list(dict.fromkeys(found))


def parsed(text: str) -> Shape:
    """COLUMNSxCATEGORIESxROWS; raises ValueError for anything else."""
    shape = Shape(*(int(part) for part in text.split("x")))
    if min(shape) < 1:
        raise ValueError(text)
    return shape


def write(shape: Shape, path: Path, seed: int = 0) -> None:
    """A CSV file of the shape, and a label of two classes, which its columns tell something about."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, shape.categories + 1)
    for start in range(0, shape.rows, _PIECE):
        count = min(_PIECE, shape.rows - start)
        high = random.random(count) < 0.3
        columns: dict[str, np.ndarray] = {}
        for number in range(shape.columns):
            if number % 2:
                values = (random.lognormal(3, 1, count) * (1 + high)).round(2).astype(str).astype(object)
            else:
                codes = random.choice(shape.categories, count, p=weights / weights.sum())
                # Where the label is high, half of the values are others.
                codes = np.where(high & (random.random(count) < 0.5), shape.categories - 1 - codes, codes)
                values = np.char.add("c", codes.astype(str)).astype(object)
            values[random.random(count) < 0.05] = ""
            columns[f"column{number}"] = values
        columns[LABEL] = np.where(high, "high", "low")
        frame = pandas.DataFrame(columns)
        frame.to_csv(path, mode="w" if start == 0 else "a", header=start == 0, index=False)


def measured(
    shape: Shape, folder: Path, preset: str, steps: int, threads: int, limit_s: float
) -> dict[str, results.Value]:
    """A row of the table."""
    path = folder / "made.csv"
    write(shape, path)
    row: dict[str, results.Value] = {**shape._asdict(), "CSV, MB": path.stat().st_size / 1e6}
    command = [sys.executable, "-m", "benchmarks.tables.cell", str(path), "--preset", preset, "--label", LABEL]
    command += ["--steps", str(steps), "--threads", str(threads)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return {**row, "note": f"not done in {limit_s:.0f} s"}
    finally:
        path.unlink()
    if done.returncode:
        killed = done.returncode < 0
        return {**row, "note": f"ended by signal {-done.returncode}" if killed else last_line(done.stderr)}
    told = json.loads(done.stdout.splitlines()[-1])
    if "refused" in told:
        return {**row, "note": f"refused: {told['refused']}"}
    form = told.pop("form")
    told.pop("samples")
    return {**row, "encoded width": form[0], **told}


def main() -> int:
    parser = results.Parser("benchmarks.tables.scale", __doc__)
    parser.add_argument("--columns", type=int, nargs="*", default=[1, 5, 50, 300])
    parser.add_argument("--categories", type=int, nargs="*", default=[2, 20, 2000])
    parser.add_argument("--rows", type=int, nargs="*", default=[200, 10_000, 100_000, 1_000_000])
    parser.add_argument("--cell", action="append", type=parsed, default=[], metavar="COLUMNSxCATEGORIESxROWS")
    parser.add_argument("--preset", default="argn", help="row of the preset table that is trained (default argn)")
    parser.add_argument("--steps", type=int, default=5, help="training steps to take the median of (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="to train and to draw with (default 1)")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one shape (default 600)")
    options = parser.options()
    asked = options.cell or shapes(options.columns, options.categories, options.rows)
    with tempfile.TemporaryDirectory() as folder, parser.results() as out:
        for shape in asked:
            row = measured(shape, Path(folder), options.preset, options.steps, options.threads, options.limit)
            out.row(f"Made tables, {options.preset}, {options.threads} threads", row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
