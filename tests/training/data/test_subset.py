"""Samples that stay on disk."""

from pathlib import Path

import numpy as np
import pytest

from training.data.subset import Subset


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux says how a file is mapped")
def test_a_mapped_file_is_read_row_by_row(tmp_path):
    np.save(tmp_path / "images.npy", np.arange(4000 * 64, dtype=np.uint8).reshape(4000, 8, 8))
    images = np.load(tmp_path / "images.npy", mmap_mode="r")[..., None]
    rows = Subset(images, np.array([3, 1]))
    assert np.array_equal(rows[np.array([1, 0])], images[[1, 3]])
    mapping = Path("/proc/self/smaps").read_text().partition(str(tmp_path / "images.npy"))[2]
    flags = next(line for line in mapping.splitlines() if line.startswith("VmFlags:"))
    assert "rr" in flags.split()  # no read-ahead: https://docs.kernel.org/filesystems/proc.html
