"""Hugging Face image data sets on disk, in the forms that the library itself writes and the Hub has."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.kinds.image.drawn import classes, picture, put, read
from training.data import DataError
from training.data.dataset import Dataset
from training.kinds.image import load

NAMES = ["cat", "dog"]


def encoded(key: str) -> bytes:
    buffer = io.BytesIO()
    picture(key).save(buffer, "PNG")
    return buffer.getvalue()


def made(keys: list[str], turn: int = 0, **more: list[Any]) -> datasets.Dataset:
    """Pictures of two classes in turn, as the library keeps them."""
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    features |= {name: datasets.Value("int64") for name in more}
    rows = {
        "image": [{"bytes": encoded(key), "path": None} for key in keys],
        "label": [(number + turn) % 2 for number in range(len(keys))],
        **more,
    }
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def keys(part: str, count: int = 16) -> list[str]:
    return [f"{part}{number}" for number in range(count)]


def check(data: Dataset, part: str, turn: int = 0) -> None:
    for number, key in enumerate(keys(part)):
        (position,) = np.flatnonzero((data.samples[..., 0] == np.asarray(picture(key))).all((1, 2)))
        assert data.class_names[data.labels[position]] == NAMES[(number + turn) % 2]


@pytest.mark.parametrize("form", ["saved", "hub", "converted", "one file"])
def test_every_form_of_a_data_set_is_read_alike(tmp_path: Path, form: str) -> None:
    parts = {"train": made(keys("train")), "test": made(keys("test"), 1)}
    if form == "saved":
        datasets.DatasetDict(parts).save_to_disk(tmp_path / "set")
    else:
        for name, part in parts.items():
            if form == "hub":
                (tmp_path / "set" / "data").mkdir(parents=True, exist_ok=True)
                for shard in range(2):
                    file = tmp_path / "set" / "data" / f"{name}-0000{shard}-of-00002.parquet"
                    part.shard(2, shard, contiguous=True).to_parquet(file)
            elif form == "converted":
                (tmp_path / "set" / "default" / name).mkdir(parents=True)
                part.to_parquet(tmp_path / "set" / "default" / name / "0000.parquet")
            else:
                part.to_parquet(tmp_path / f"{name}.parquet")
    data, found = read(tmp_path / "train.parquet" if form == "one file" else tmp_path / "set")
    check(data, "train")
    if form == "one file":
        assert (found, data.official_test) == ({"cat": 8, "dog": 8}, None)
    else:
        check(data, "test", 1)
        assert found == {"cat": 16, "dog": 16}
        assert data.official_test.tolist() == list(range(16, 32))
        assert data.reading.splits == "'train' is for training, 'test' is the test split"
    assert "names of column 'label'" in data.reading.layout


def test_one_saved_split_is_read(tmp_path: Path) -> None:
    made(keys("train")).save_to_disk(tmp_path / "set")
    check(load(str(tmp_path / "set")), "train")


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_plain_parquet_of_bytes_and_text_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", image=[encoded(key) for key in keys("a")], breed=NAMES * 8)
    data, found = read(path)
    assert found == {"cat": 8, "dog": 8}
    check(data, "a")


def test_rows_may_name_files_beside_them(tmp_path: Path) -> None:
    rows = []
    for key in keys("a"):
        put(tmp_path / "pictures" / f"{key}.png", key)
        rows.append({"bytes": None, "path": f"pictures/{key}.png"})
    path = write(tmp_path / "x.parquet", image=rows, label=NAMES * 8)
    check(load(str(path)), "a")


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    part = made(keys("train"))
    unlabelled = part.map(lambda row: {"label": -1}, features=part.features)
    datasets.DatasetDict({"train": part, "test": unlabelled}).save_to_disk(tmp_path / "set")
    data, found = read(tmp_path / "set")
    assert found == {"cat": 8, "dog": 8}
    assert data.official_test is None
    assert data.reading.skipped == {"rows without a label": 16}


def test_several_columns_of_classes_are_asked_about(tmp_path: Path) -> None:
    part = made(keys("train"), fine=[number // 8 for number in range(16)])
    part = part.cast_column("fine", datasets.ClassLabel(names=["old", "young"])).rename_column("label", "coarse")
    part.to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="could be in the columns 'coarse', 'fine'; say which by --label"):
        load(str(tmp_path / "x.parquet"))
    assert classes(load(str(tmp_path / "x.parquet"), label="fine")) == {"old": 8, "young": 8}
    assert classes(load(str(tmp_path / "x.parquet"), label="coarse")) == {"cat": 8, "dog": 8}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"] * 16, "label": NAMES * 8}, "wanted a column of encoded pictures"),
        ({"image": [b"x"] * 16}, "no column of labels beside 'image'"),
        ({"image": [b"x"] * 16, "label": NAMES * 8}, "16 of 16 images cannot be used.*x.parquet row 0: unreadable"),
        ({"image": [b"x"] * 16, "label": [None] * 16}, "no row has a label"),
        ({"first": [b"x"] * 16, "second": [b"x"] * 16, "label": NAMES * 8}, r"several \(first, second\)"),
    ],
)
def test_what_is_no_data_set_of_pictures_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(str(write(tmp_path / "x.parquet", **columns)))


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
@pytest.mark.parametrize("content", [b"", b"PAR1", bytes(range(256)) * 4])
def test_damaged_files_are_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: not a whole"):
        load(str(tmp_path / name))


def test_several_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    for name in ("first", "second"):
        write(tmp_path / name / "train.parquet", image=[encoded(key) for key in keys(name)], label=NAMES * 8)
    with pytest.raises(DataError, match=r"several folders \('first' and 'second'\).*give one of them"):
        load(str(tmp_path))


def test_metadata_in_parquet_is_a_table_of_the_pictures(tmp_path: Path) -> None:
    names = [put(tmp_path / f"{key}.png", key).name for key in keys("a")]
    write(tmp_path / "metadata.parquet", file_name=names, label=NAMES * 8)
    data, found = read(tmp_path)
    assert found == {"cat": 8, "dog": 8}
    check(data, "a")


def test_images_are_decoded_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.data.arrow._ROWS", 2)
    monkeypatch.setattr("training.kinds.image.pictures._AHEAD", 3)
    path = write(tmp_path / "x.parquet", image=[encoded(key) for key in keys("a")], label=NAMES * 8)
    check(load(str(path)), "a")
