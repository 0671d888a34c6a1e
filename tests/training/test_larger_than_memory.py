"""Data larger than the memory that the process may have is trained on and measured, from the file that it lies in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("larger_than_memory.py")
FILE, MEMORY = 512, 448  # MiB


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.npy"
    count = FILE * 2**20 // (64 * 64 * 3)
    labels = np.arange(count) % 2
    samples = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 64, 64, 3))
    block = np.random.default_rng(0).integers(0, 100, (1000, 64, 64, 3), np.uint8)
    block[1::2, :32] += 100
    for start in range(0, count, len(block)):
        part = samples[start : start + len(block)]
        part[:] = block[: len(part)]
    del samples
    np.save(tmp_path / "labels.npy", labels)
    return path


def test_a_file_that_does_not_fit_in_memory_is_trained_on_and_measured(images: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(images), str(MEMORY)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    images.unlink()
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [
        "the file does not fit in memory",
        "findings []",
        "4 steps, tested on 6554",
    ]
