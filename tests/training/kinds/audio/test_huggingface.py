"""Hugging Face data sets of sounds on this disk: Parquet files, and what `save_to_disk` writes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from tests.training.kinds.audio.made import RATE, classes, read, tone
from training.data import DataError
from training.data.reading import Claim
from training.kinds import image
from training.kinds import load as load_any
from training.kinds.audio import reads

NAMES = ("yes", "no")


def encoded(key: str, kind: str = "WAV") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, tone(key), RATE, format=kind)
    return stream.getvalue()


def table(first: int, count: int, kind: str = "WAV", told: bool = True, column: str = "audio") -> pa.Table:
    """As Datasets writes it: structs of bytes and path, and numbers of named classes."""
    rows = [{"bytes": encoded(str(n), kind), "path": f"{n}.wav"} for n in range(first, first + count)]
    made = pa.table({column: rows, "label": pa.array([n % 2 for n in range(count)], pa.int64())})
    features = {
        column: {"sampling_rate": RATE, "_type": "Audio"},
        "label": {"names": list(NAMES), "_type": "ClassLabel"},
    }
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}) if told else made


def save(path: Path, content: pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(content, path)
    else:
        with pa.ipc.new_stream(path, content.schema) as stream:
            stream.write_table(content)
    return path


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"),
        ("train/data-00000-of-00001.arrow", "test/data-00000-of-00001.arrow"),
    ],
)
def test_sounds_in_rows_have_the_classes_and_splits_that_datasets_gave_them(
    tmp_path: Path, train: str, test: str
) -> None:
    save(tmp_path / train, table(0, 20))
    save(tmp_path / test, table(20, 6, "FLAC"))
    assert reads(str(tmp_path)) == Claim.SURE
    data = load_any(str(tmp_path))
    assert (data.kind.spec.WhichOneof("kind"), data.class_names) == ("audio", NAMES)
    assert data.labels.tolist() == [n % 2 for n in range(26)]
    assert data.official_test is not None
    assert data.official_test.tolist() == list(range(20, 26))
    assert data.reading.layout == "2 files of rows, column 'audio', names of column 'label'"
    whole = np.rint(tone("21") * 32767)
    assert np.abs(data.samples[21, : len(whole)] - whole).max() <= 1


def test_one_file_of_rows_is_enough_and_a_column_may_tell_by_its_name(tmp_path: Path) -> None:
    path = save(tmp_path / "words.parquet", table(0, 20, "OGG", told=False))
    assert reads(str(path)) == Claim.SURE
    assert classes(read(path)[0]) == {"0": 10, "1": 10}


def test_bytes_of_which_nothing_is_known_are_no_sounds(tmp_path: Path) -> None:
    path = save(tmp_path / "x.parquet", table(0, 20, told=False, column="content"))
    assert reads(str(path)) == Claim.NONE
    assert image.reads(str(path)) == Claim.SURE  # as before there were sounds
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    assert reads(str(tmp_path / "broken.parquet")) == Claim.NONE


def test_columns_of_sounds_are_no_pictures(tmp_path: Path) -> None:
    assert image.reads(str(save(tmp_path / "x.parquet", table(0, 20)))) < Claim.SURE


def test_rows_may_name_files_beside_them(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for n in range(20):
        (tmp_path / f"{n}.wav").write_bytes(encoded(str(n)))
        rows.append({"bytes": None, "path": f"{n}.wav"})
    path = save(tmp_path / "x.parquet", pa.table({"audio": rows, "word": [NAMES[n % 2] for n in range(20)]}))
    assert classes(read(path)[0]) == {"no": 10, "yes": 10}


def test_more_sounds_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.kinds.audio.sources.LARGEST_BYTES", 20_000)
    with pytest.raises(DataError, match="more than 20,000 bytes of sounds; save them as files, or take some"):
        read(save(tmp_path / "x.parquet", table(0, 20)))


def test_damaged_rows_are_named_and_many_of_them_refused(tmp_path: Path) -> None:
    content = table(0, 20).to_pydict()
    content["audio"][2] = {"bytes": b"", "path": "3.wav"}
    content["audio"][3] = {"bytes": b"", "path": None}
    content["audio"][4] = {"bytes": b"RIFF, not", "path": "4.wav"}
    path = save(tmp_path / "train.parquet", pa.table(content))
    data, said = read(path)
    assert len(data.samples) == 17
    assert "skipped train.parquet row 2: neither bytes nor a file that is there" in said
    assert "skipped train.parquet row 3: an empty file" in said
    assert "skipped train.parquet row 4: damaged, or no sound of a kind that is read" in said
    content["audio"] = [{"bytes": b"x", "path": None}] * 20
    with pytest.raises(DataError, match="20 of 20 sounds cannot be used"):
        read(save(tmp_path / "train.parquet", pa.table(content)))
