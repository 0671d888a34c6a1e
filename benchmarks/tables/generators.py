"""Whose rows are judged: real ones, those of others' generators, and those of our own."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas

from benchmarks.peers.environment import PeerError, install, last_line
from benchmarks.tables.peers.program import Draw, Told
from benchmarks.tables.published import Published
from benchmarks.tables.table import Table

PEERS = {"smotenc": "SMOTE-NC", "argn": "TabularARGN"}
FOLDER = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Rows of one generator, as many draws as were asked for, each of as many rows as there are to learn from.

    draws: in the table's types. told: seconds, threads and a note; None for real rows.
    """

    name: str
    draws: list[pandas.DataFrame]
    told: Told | None = None


def real(table: Table, draws: int) -> Drawn:
    return Drawn("real", [table.train] * draws)


def peer(name: str, table: Table, draws: int, threads: int, folder: Path) -> Drawn:
    """Of one of PEERS; what it drew before from the same rows is read again from the folder.

    Raises PeerError, in one line, if it cannot be installed or fails.
    """
    program = f"benchmarks.tables.peers.{name}"
    key = hashlib.sha256(pandas.util.hash_pandas_object(table.train).to_numpy().tobytes())
    for file in sorted(FOLDER.glob(f"{name}.*")):
        key.update(file.read_bytes())
    key.update(f"{draws} {threads} {table.label}".encode())
    home = folder / f"{name}-{key.hexdigest()[:12]}"
    if not (home / "told.json").exists():
        python = install(name, FOLDER)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        as_read(table).to_parquet(home / "train.parquet", index=False)
        command = [str(python), "-m", program, str(home / "train.parquet"), str(home)]
        command += ["--label", table.label, "--rows", str(len(table.train))]
        command += ["--draws", str(draws), "--threads", str(threads)]
        with open(home / "output.txt", "w") as output:
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        if done.returncode:
            raise PeerError(f"{PEERS[name]} fails: {last_line((home / 'output.txt').read_text())}")
    told: Told = json.loads((home / "told.json").read_text())
    rows = [table.conform(pandas.read_parquet(home / f"{number}.parquet")) for number in range(draws)]
    return Drawn(PEERS[name], rows, told)


def as_read(table: Table) -> pandas.DataFrame:
    """The training rows as a reader of the file would have them: numbers that are all whole as int64."""
    rows = table.train.copy()
    for name in table.numbers:
        if rows[name].notna().all() and (rows[name] % 1 == 0).all():
            rows[name] = rows[name].astype("int64")
    return rows


def ours(what: str, table: Table, draws: int, threads: int) -> Drawn:
    """Of a published file, or of `module:function`: (training rows, label) -> draw, and draw(rows, seed) -> rows.

    Raises ValueError, in one sentence, for what is neither.
    """
    if what.endswith(".onnx"):
        published = Published(Path(what), table, threads)
        provenance = published.generator.provenance
        name = f"{published.generator.name}/{published.generator.version} ({provenance.preset})"
        note = f"{provenance.steps:,} steps" if provenance.steps else ""
        return _drawn(name, published.draw, provenance.training_seconds, table, draws, threads, note)
    module, _, function = what.partition(":")
    try:
        fit: Callable[[pandas.DataFrame, str], Draw] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{what}: neither a file that ends in .onnx nor module:function ({error})") from error
    began = time.monotonic()
    draw = fit(table.train, table.label)
    return _drawn(what, draw, time.monotonic() - began, table, draws, threads, "")


def _drawn(name: str, draw: Draw, seconds: float, table: Table, draws: int, threads: int, note: str) -> Drawn:
    told = Told(training_seconds=seconds, drawing_seconds=[], threads=threads, note=note)
    rows = []
    for seed in range(draws):
        began = time.monotonic()
        made = draw(len(table.train), seed)
        told["drawing_seconds"].append(time.monotonic() - began)
        try:
            rows.append(table.conform(made))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        print(f"{name}: draw {seed + 1} of {draws}", file=sys.stderr)
    return Drawn(name, rows, told)
