"""Names say what the data is, never where it lay on its maker's disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import artifact
from training.run.naming import data_name, generator_name


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")


@pytest.mark.parametrize(
    ("source", "data", "generator"),
    [
        ("digits", "digits", "digits"),
        ("apples/train", "apples/train", "apples"),
        ("/srv/projects/bones/train", "bones/train", "bones"),
        ("/srv/projects/bones/train/", "bones/train", "bones"),
        ("/home/alice/fruit/data/images", "fruit/data/images", "fruit"),
        ("/home/alice/train", "train", "train"),
        ("/home/bob/train", "train", "train"),
        ("/mnt/c/Users/carol/images", "images", "images"),
        ("/tmp/mnist/train-images-idx3-ubyte.gz", "mnist/train-images-idx3-ubyte.gz", "mnist"),
        ("scans/X_train.npy", "scans/X_train.npy", "scans"),
        ("k49-train-imgs.npz", "k49-train-imgs.npz", "k49-train-imgs"),
        ("x/Bright bands.npz", "Bright bands.npz", "bright-bands"),
        ("/data/train", "data/train", "train"),
        ("/", "data", "data"),
    ],
)
def test_names_pass_over_what_says_nothing_and_stop_before_people(source: str, data: str, generator: str) -> None:
    assert (data_name(source), generator_name(source)) == (data, generator)


def test_a_source_that_is_the_working_folder_is_called_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "leaves" / "train"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert {generator_name(source) for source in (".", "", "../train", str(folder))} == {"leaves"}


@given(st.text(max_size=80))
def test_any_source_makes_names_that_are_valid_and_no_paths(source: str) -> None:
    assert artifact.NAME.fullmatch(generator_name(source))
    name = data_name(source)
    assert name.encode()
    assert not Path(name).is_absolute()
    assert "/home/alice" not in data_name(f"/home/alice/{source}")
