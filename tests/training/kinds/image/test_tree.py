"""What lies in a folder: links are followed, what systems put there is left out, and all of it is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.kinds.image.drawn import asked, fill, put, read
from training.data import DataError
from training.kinds.image import load


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        fill(tmp_path / "data" / name)
    return tmp_path / "data"


def test_linked_folders_and_files_are_read(root: Path, tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere" / "cat", 5, first=20)
    fill(tmp_path / "elsewhere" / "eel")
    (root / "cat" / "disk2").symlink_to(Path("../../elsewhere/cat"), target_is_directory=True)
    (root / "eel").symlink_to(tmp_path / "elsewhere" / "eel", target_is_directory=True)
    (root / "dog" / "one.png").symlink_to(put(tmp_path / "elsewhere" / "one.png"))
    data, found = read(root)
    assert found == {"cat": 13, "dog": 9, "eel": 8}
    assert "5 pictures of class 'cat' lie in its folders 'disk2'" in data.notes


def test_the_folder_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root, target_is_directory=True)
    assert read(tmp_path / "link")[1] == {"cat": 8, "dog": 8}


def test_links_that_lead_back_are_not_entered(root: Path) -> None:
    (root / "cat" / "up").symlink_to(root, target_is_directory=True)
    (root / "dog" / "self").symlink_to(root / "dog", target_is_directory=True)
    data, found = read(root)
    assert found == {"cat": 8, "dog": 8}
    assert data.reading.skipped == {"folders linked to a folder that they lie in": 2}


def test_links_without_a_target_are_counted_by_class_and_asked_about(root: Path) -> None:
    for number in range(40):
        (root / "dog" / f"annexed{number}.png").symlink_to(Path(f"../../annex/{number}.png"))
    (root / "cat" / "around.png").symlink_to("around.png")
    data, found = read(root)
    assert found == {"cat": 8, "dog": 8}
    assert data.reading.skipped == {"dead links in 'cat'": 1, "dead links in 'dog'": 40}
    assert "41 pictures in 'cat' and 'dog' are links whose targets are gone. Fetch the files" in asked(data)


def test_a_class_of_nothing_but_dead_links_is_a_class_without_pictures(root: Path) -> None:
    (root / "eel").mkdir()
    (root / "eel" / "1.png").symlink_to("gone.png")
    with pytest.raises(DataError, match="class 'eel' has 0 samples"):
        load(str(root))


@pytest.mark.parametrize(
    ("inside", "what"),
    [
        ("@eaDir/000.png/SYNOPHOTO_THUMB_S.png", "files named or in @eaDir"),
        (".ipynb_checkpoints/000-checkpoint.png", "hidden files"),
        (".thumbnails/000.png", "hidden files"),
        (".git/objects/000.png", "hidden files"),
        ("__MACOSX/cat/000.png", "files named or in __MACOSX"),
        ("._000.png", "files named ._* (macOS's own)"),
        ("lost+found/000.png", "files named or in lost+found"),
        ("#recycle/000.png", "files named or in #recycle"),
        ("$RECYCLE.BIN/000.png", "files named or in $RECYCLE.BIN"),
        ("System Volume Information/000.png", "files named or in System Volume Information"),
        ("Thumbs.db", "files named or in Thumbs.db"),
        ("desktop.ini", "files named or in desktop.ini"),
    ],
)
@pytest.mark.parametrize("place", ["", "cat"])
def test_what_systems_put_there_is_left_out_and_counted(root: Path, inside: str, what: str, place: str) -> None:
    target = root / place / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    put(target) if target.suffix == ".png" else target.write_bytes(b"x")
    data, found = read(root)
    assert found == {"cat": 8, "dog": 8}
    assert data.reading.skipped == {what: 1}


def test_thumbnails_in_a_class_are_none_of_its_pictures(root: Path) -> None:
    fill(root / "cat" / "thumbnails", 3)
    data, found = read(root)
    assert found["cat"] == 8
    assert data.reading.skipped == {"files named or in thumbnails": 3}


def test_files_that_are_not_read_are_counted_by_class_and_ending(root: Path) -> None:
    (root / "cat" / "a.heic").write_bytes(b"x")
    (root / "cat" / "b.HEIC").write_bytes(b"x")
    (root / "dog" / "c.svg").write_bytes(b"x")
    (root / "dog" / "notes.txt").write_bytes(b"x")
    data, _ = read(root)
    assert data.reading.skipped == {".heic files in 'cat'": 2, ".svg files in 'dog'": 1, ".txt files in 'dog'": 1}
    assert "2 .heic and 1 .svg files are not read. Convert them to PNG or JPEG" in asked(data)
    assert data.reading.sentences()[1] == (
        "left out: 2 .heic files in 'cat', 1 .svg files in 'dog', 1 .txt files in 'dog'"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [("a.zip", "unpack 'a.zip' first"), ("a.heic", "1 .heic files are not read"), ("a.tar", "unpack 'a.tar' first")],
)
def test_a_folder_without_pictures_says_what_it_has(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=hint):
        load(str(tmp_path))


GBK = os.fsdecode("苹果".encode("gbk"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_utf8_are_shown_by_their_bytes(root: Path, tmp_path: Path) -> None:
    (root / "cat" / f"{GBK}.png").write_bytes(b"")
    data, found = read(root)
    assert found == {"cat": 8, "dog": 8}
    assert data.notes == (r"skipped cat/ƻ\xb9\xfb.png: unreadable (empty, or no picture of a kind that is read)",)
    fill(root / GBK)
    with pytest.raises(DataError, match=r"class name 'ƻ\\xb9\\xfb' is not UTF-8.*convmv -f gbk -t utf-8"):
        load(str(root))
    (root / GBK).rename(tmp_path / GBK)
    code = "import sys; from training.kinds import load; print(load(sys.argv[1]).name)"
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    fill(tmp_path / GBK / "a")
    shown = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / GBK)], env=environment, capture_output=True, check=True
    )
    assert shown.stdout.decode().strip().endswith(r"ƻ\xb9\xfb")
