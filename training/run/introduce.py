"""What a run says before it trains: how the data was read, what is in it, and pictures of it to check that by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from training.data import Dataset
from training.data.kind import Picture
from training.data.reading import Part
from training.data.splits import Splits
from training.quality.findings.finding import Finding
from training.run.folder import Run
from training.terminal import cell, say, shown, table

_ROWS = 20  # classes in the table
_PARTS = 60  # of a sample
_PICTURED, _EACH = 32, 12  # classes in the sheet, samples of each


def introduce(console: Console, dataset: Dataset, splits: Splits, run: Run, findings: Sequence[Finding]) -> None:
    """Print what was read and leave a sheet of real samples in the run's folder."""
    classes = "1 class" if dataset.classes == 1 else f"{dataset.classes} classes"
    say(console, f"{dataset.name}: {len(dataset.labels):,} samples of {dataset.kind.words}, {classes}")
    if dataset.reading is not None:
        for sentence in dataset.reading.sentences():
            say(console, f"  {sentence}")
        if dataset.reading.parts:
            console.print(explained(dataset.reading.parts[:_PARTS]))
        if len(dataset.reading.parts) > _PARTS:
            say(console, f"  and {len(dataset.reading.parts) - _PARTS} more")
    rows = table()
    rows.add_column("class", overflow="fold")
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    for part in parts:
        rows.add_column(part, justify="right")
    counts = [dataset.counts(positions) for positions in parts.values()]
    listed = min(dataset.classes, _ROWS)
    for label in range(listed):
        rows.add_row(cell(dataset.class_names[label]), *(f"{count[label]:,}" for count in counts))
    if listed < dataset.classes:
        rows.add_row(f"and {dataset.classes - listed} more", *(f"{count[listed:].sum():,}" for count in counts))
    console.print(rows)
    for note in dataset.notes:
        say(console, f"  note: {note}")
    for finding in findings:
        say(console, f"  {finding.severity.name.lower()}: {finding.text} {finding.advice}")
    say(console, f"how it was read: {run.save_reading(sheet(dataset, splits))}")
    say(console, f"run folder: {run.folder} (curves: tensorboard --logdir {run.folder})")


def explained(parts: Sequence[Part]) -> Table:
    """What the values of a sample were taken for, and why."""
    rows = table()
    for heading in ("column", "read as", "because"):
        rows.add_column(heading, overflow="fold")
    for each in parts:
        rows.add_row(cell(each.name), cell(each.type), cell(each.reason))
    return rows


def sheet(dataset: Dataset, splits: Splits) -> Picture:
    """Real samples, a row for each class."""
    labels = dataset.labels[splits.train]
    pictured = min(dataset.classes, _PICTURED)
    rows = [dataset.samples[splits.train[np.flatnonzero(labels == label)[:_EACH]]] for label in range(pictured)]
    names = [shown(name) for name in dataset.class_names[:pictured]]
    more = f" and {dataset.classes - pictured} more classes" if pictured < dataset.classes else ""
    return dataset.kind.sheet(rows, names, _EACH, f"training samples as they were read{more}")
