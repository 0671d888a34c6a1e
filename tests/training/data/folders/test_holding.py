"""What most files of a folder are."""

from __future__ import annotations

from pathlib import Path

from training.data.folders.holding import holds


def put(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_as_many_files_as_of_any_other_ending_are_enough(tmp_path: Path) -> None:
    put(tmp_path / "a", "1.mid", "2.MID", "3.txt", ".hidden.txt")
    put(tmp_path / "a" / ".cache", "1.txt", "2.txt", "3.txt")
    assert holds(str(tmp_path), {".mid"})
    put(tmp_path / "b", "1.txt", "2.txt")
    assert not holds(str(tmp_path), {".mid"})
    assert holds(str(tmp_path / "a" / "1.mid"), {".mid"})
    assert not holds(str(tmp_path / "nothing"), {".mid"})
    assert not holds("\0", {".mid"})


def test_linked_folders_are_looked_into_and_circles_end(tmp_path: Path) -> None:
    put(tmp_path / "far", "1.mid", "2.mid")
    (put(tmp_path / "data") / "class").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "data")
    assert holds(str(tmp_path / "data"), {".mid"})
