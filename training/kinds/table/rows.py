"""The second pass: rows of text and types become rows of float32, in memory or, if they are many, in a file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from training.data.errors import DataError
from training.kinds.table.cells import with_null, without, words_of
from training.kinds.table.decision import OTHERS, Decision
from training.kinds.table.facts import is_text
from training.kinds.table.survey import Survey

IN_MEMORY = 2**31  # bytes of raw rows; more are mapped from a file
WIDEST = 65_536 - 1024  # values of a sample: the draws that it owns, less those of the latent vector
_PER_NUMBER = 12  # values that a number takes in a network, about

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Filled:
    """samples: float32 [n, columns]. on_disk: they are a map of a file."""

    samples: np.ndarray
    on_disk: bool
    notes: tuple[str, ...] = ()


def refuse_wide(path: str, decisions: Sequence[Decision]) -> None:
    """Raise DataError if a sample would be wider than the draws that it owns."""
    columns = [each.column for each in decisions if each.column is not None]
    widths = {each.name: (len(each.categories) or _PER_NUMBER) + each.missing for each in columns}
    if (total := sum(widths.values())) <= WIDEST:
        return
    worst = sorted(widths, key=lambda name: -widths[name])[:_MOST_NAMED]
    named = ", ".join(f"{name!r} {widths[name]:,}" for name in worst)
    raise DataError(
        f"{path}: a row takes {total:,} values in a network, at most {WIDEST:,} can be had; most are of {named}: leave "
        "columns out (--columns), group rare categories (--rare 20), or bin them"
    )


def fill(survey: Survey, decisions: Sequence[Decision], kept: np.ndarray) -> Filled:
    """Rows as they are learned. kept: int64 [m], ascending, of all rows that were surveyed. Raises DataError."""
    decisions = [each for each in decisions if each.column is not None]
    shape = (len(kept), len(decisions))
    samples, notes = _room(shape)
    wanted = np.zeros(len(survey.codes), bool)
    wanted[kept] = True
    start = done = 0
    for file, _, _ in survey.parts:
        for batch in file.chunks():
            rows = wanted[start : start + batch.num_rows]
            count = int(rows.sum())
            for number, decision in enumerate(decisions):
                column = batch.column(batch.schema.get_field_index(decision.name))
                samples[done : done + count, number] = _values(column, decision, file.typed)[rows]
            start, done = start + batch.num_rows, done + count
    if done != len(kept):
        raise DataError(f"{survey.parts[0][0].path}: has changed while it was read")
    return Filled(samples, isinstance(samples, np.memmap), notes)


def _values(column: pa.Array, decision: Decision, typed: bool) -> np.ndarray:
    """float32 [n], NaN where nothing is."""
    assert decision.column is not None
    own = decision.wanted.missing if decision.wanted else ()
    if decision.parser is None:
        names = decision.column.categories
        cells = without(words_of(column, typed), decision.missing)
        found = pc.index_in(cells, pa.array(names, pa.string()))
        if OTHERS in names:
            found = pc.if_else(
                pc.and_(pc.is_valid(cells), pc.is_null(found)), pa.scalar(names.index(OTHERS), pa.int32()), found
            )
        return np.asarray(pc.cast(found, pa.float32()).to_numpy(zero_copy_only=False))
    cells = without(words_of(column, typed), decision.missing) if is_text(column.type) else with_null(column, own)
    values, _ = decision.parser.parse(cells)
    # Zero has one sign, so that equal rows are equal bytes.
    return (values - decision.column.offset).astype(np.float32) + np.float32(0)


def _room(shape: tuple[int, int]) -> tuple[np.ndarray, tuple[str, ...]]:
    size = 4 * shape[0] * shape[1]
    if size <= IN_MEMORY:
        return np.empty(shape, np.float32), ()
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"{shape[0]:,} rows of {shape[1]:,} columns take {size:,} bytes, and {folder} has {free:,} free; set "
            "TMPDIR to a folder on a larger disk"
        )
    # Unnamed, so that it goes when the program does.
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        samples = np.memmap(file, np.float32, "r+", shape=shape)
    return samples, (f"{size / 2**30:.1f} GiB of rows lie in a file in {folder} while the program runs",)
