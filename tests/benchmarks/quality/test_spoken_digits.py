"""The source's own split of spoken digits, as folders."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from benchmarks.quality.spoken_digits import unpack


def archive(path: Path, names: list[str]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"RIFF"))
    return path


def test_numbers_below_five_are_the_test_split(tmp_path: Path) -> None:
    names = [f"{digit}/{digit}_theo_{number}.wav" for digit in (0, 7) for number in (0, 4, 5, 49)]
    counts = unpack(archive(tmp_path / "a.tar.gz", ["LICENSE.txt", *names]), tmp_path / "out")
    assert counts == {"train": 4, "test": 4}
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.wav")}
    assert "test/7/7_theo_4.wav" in found
    assert "train/0/0_theo_5.wav" in found


@pytest.mark.parametrize("name", ["../7/7_theo_4.wav", "/7/7_theo_4.wav", "7/../../x.wav", "7/theo.wav"])
def test_other_names_are_refused_and_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"is not DIGIT/DIGIT_SPEAKER_NUMBER\.wav"):
        unpack(archive(tmp_path / "a.tar.gz", [name]), tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*.wav")] == []
