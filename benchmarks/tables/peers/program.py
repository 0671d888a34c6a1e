"""What the programs share: their command line, and what they leave."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import pandas

# A draw of a number of rows, by a seed.
Draw = Callable[[int, int], pandas.DataFrame]


class Told(TypedDict):
    """What stands in told.json."""

    training_seconds: float
    drawing_seconds: list[float]  # of each draw
    threads: int
    note: str  # what a reader should know, e.g. how long it learned


def options(doc: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--label", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def leave(given: argparse.Namespace, fit: Callable[[pandas.DataFrame], tuple[Draw, str]]) -> None:
    """Learn and draw.

    fit: from training rows to what draws, and a note.
    """
    began = time.monotonic()
    draw, note = fit(pandas.read_parquet(given.train))
    told = Told(training_seconds=time.monotonic() - began, drawing_seconds=[], threads=given.threads, note=note)
    for seed in range(given.draws):
        began = time.monotonic()
        rows = draw(given.rows, seed)
        told["drawing_seconds"].append(time.monotonic() - began)
        rows.to_parquet(given.folder / f"{seed}.parquet", index=False)
    (given.folder / "told.json").write_text(json.dumps(told))
