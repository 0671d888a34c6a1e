"""Sounds whose classes stand in a table, in the layouts in which people publish them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.kinds.audio.made import classes, put, read
from tests.training.kinds.image.drawn import write
from training.data import DataError
from training.data.reading import Claim
from training.kinds import load as load_any
from training.kinds.audio import reads
from training.kinds.text import reads as reads_texts

WORDS = ("dog", "rain")
HEAD = "slice_file_name,fsID,start,end,salience,fold,classID,class"


def of(number: int) -> str:
    return WORDS[number % 2]


def test_one_folder_of_sounds_and_a_table_in_another(tmp_path: Path) -> None:
    """ESC-50: audio/ and meta/esc50.csv with the number of the class beside its name."""
    names = [put(tmp_path / "audio" / f"{n % 5}-{n}-A-{n % 2}.wav").name for n in range(20)]
    rows = [f"{name},{n % 5},{n % 2},{of(n)},True,{n},A" for n, name in enumerate(names)]
    write(tmp_path / "meta" / "esc50.csv", "filename,fold,target,category,esc10,src_file,take", rows)
    data, said = read(tmp_path)
    assert classes(data) == {"dog": 10, "rain": 10}
    assert data.reading.layout == "sounds with the labels of esc50.csv, column 'category'"
    assert not data.questions, said


def test_folders_that_are_folds_are_no_classes_where_a_table_has_them(tmp_path: Path) -> None:
    """UrbanSound8K: audio/fold1 to fold10, metadata/UrbanSound8K.csv."""
    files = [put(tmp_path / "audio" / f"fold{n % 4 + 1}" / f"{n}-{n // 4 % 2}-0-0.wav") for n in range(32)]
    rows = [f"{file.name},{n},0.0,4.0,1,{n % 4 + 1},{n // 4 % 2},{of(n // 4)}" for n, file in enumerate(files)]
    write(
        tmp_path / "metadata" / "UrbanSound8K.csv", "slice_file_name,fsID,start,end,salience,fold,classID,class", rows
    )
    data, said = read(tmp_path)
    assert classes(data) == {"dog": 16, "rain": 16}
    assert not data.questions, said


def test_without_a_table_it_is_asked_whether_folds_are_classes(tmp_path: Path) -> None:
    for n in range(20):
        put(tmp_path / "audio" / f"fold{n % 2 + 1}" / f"{n}.wav")
    data, said = read(tmp_path)
    assert classes(data) == {"fold1": 10, "fold2": 10}
    assert "The folders 'fold1' and 'fold2' were taken for classes." in said


def test_sounds_of_a_competition_without_labels_are_left_out(tmp_path: Path) -> None:
    """Kaggle: audio_train/, audio_test/, train.csv, and a submission full of placeholders."""
    names = [put(tmp_path / "audio_train" / f"{n:08x}.wav").name for n in range(20)]
    unknown = [put(tmp_path / "audio_test" / f"{n:08x}.wav").name for n in range(100, 104)]
    write(tmp_path / "train.csv", "fname,label,manually_verified", [f"{x},{of(n)},1" for n, x in enumerate(names)])
    write(tmp_path / "sample_submission.csv", "fname,label", [f"{x},Laughter" for x in unknown])
    data, said = read(tmp_path)
    assert classes(data) == {"dog": 10, "rain": 10}
    assert data.reading.skipped["sounds in 'audio_test' without a label"] == 4
    assert "its labels are placeholders" in said


def test_species_and_a_table_of_recordings(tmp_path: Path) -> None:
    """BirdCLEF: train_audio/SPECIES/*.ogg, train_metadata.csv, and soundscapes to be told apart."""
    names = [
        put(tmp_path / "train_audio" / of(n) / f"XC{n}.ogg").relative_to(tmp_path / "train_audio") for n in range(20)
    ]
    put(tmp_path / "test_soundscapes" / "soundscape_1.ogg")
    rows = [f"{name.parent},[],{name.as_posix()},3.5" for name in names]
    write(tmp_path / "train_metadata.csv", "primary_label,secondary_labels,filename,rating", rows)
    data, _ = read(tmp_path)
    assert classes(data) == {"dog": 10, "rain": 10}


@pytest.mark.parametrize("source", ["", "metadata.csv"])
def test_what_hugging_face_calls_an_audiofolder(tmp_path: Path, source: str) -> None:
    names = [put(tmp_path / "data" / f"{n}.flac").name for n in range(20)]
    write(tmp_path / "metadata.csv", "file_name,label", [f"data/{x},{of(n)}" for n, x in enumerate(names)])
    assert reads(str(tmp_path / source)) == Claim.SURE
    assert classes(load_any(str(tmp_path / source))) == {"dog": 10, "rain": 10}


def test_the_columns_are_said_where_they_cannot_be_found(tmp_path: Path) -> None:
    names = [put(tmp_path / "clips" / f"{n}.mp3").stem for n in range(20)]
    rows = [f"{x},{('soft', 'loud')[n // 2 % 2]},{of(n)}" for n, x in enumerate(names)]
    write(tmp_path / "validated.tsv", "clip\tmanner\tword".replace("\t", ","), rows)
    with pytest.raises(
        DataError, match=r"the labels could be in the columns 'manner', 'word'; say which by --label COLUMN"
    ):
        read(tmp_path)
    assert classes(read(tmp_path, label="word")[0]) == {"dog": 10, "rain": 10}
    assert classes(read(tmp_path, label="manner", file="clip")[0]) == {"loud": 10, "soft": 10}
    with pytest.raises(DataError, match=r"no table .* has such a column beside the names of its sounds"):
        read(tmp_path, label="genre")


def test_a_sound_with_two_labels_is_refused_and_a_row_without_a_sound_counted(tmp_path: Path) -> None:
    names = [put(tmp_path / f"{n}.wav").name for n in range(20)]
    rows = [f"{x},{of(n)}" for n, x in enumerate(names)]
    table = write(tmp_path / "labels.csv", "file,label", [*rows, "gone.wav,dog"])
    assert "1 row of labels.csv without a sound, as 'gone.wav'" in read(tmp_path)[1]
    write(table, "file,label", [*rows, f"{names[0]},rain"])
    with pytest.raises(DataError, match=r"1 sound with two labels or more, 0\.wav for one: 'dog' and 'rain'"):
        read(tmp_path)


def test_a_table_of_sounds_is_no_table_of_rows_or_texts(tmp_path: Path) -> None:
    names = [put(tmp_path / f"{n}.wav").name for n in range(20)]
    table = write(tmp_path / "labels.csv", "file,label", [f"{x},{of(n)}" for n, x in enumerate(names)])
    assert reads(str(table)) == Claim.SURE > reads_texts(str(table))
    other = write(tmp_path / "elsewhere" / "rows.csv", "a,b", [f"{n},{of(n)}" for n in range(20)])
    assert reads(str(other)) == Claim.NONE


def test_speech_commands_lists_are_its_splits(tmp_path: Path) -> None:
    """Words in folders, testing_list.txt and validation_list.txt, and noise that is no word."""
    for word in WORDS:
        for n in range(16):
            put(tmp_path / word / f"{n:02x}_nohash_0.wav")
    for n in range(3):
        put(tmp_path / "_background_noise_" / f"{n}.wav")
    for name, first in (("testing_list.txt", 0), ("validation_list.txt", 3)):
        (tmp_path / name).write_text(
            "".join(f"{w}/{n:02x}_nohash_0.wav\n" for w in WORDS for n in range(first, first + 3))
        )
    with pytest.raises(DataError, match="class '_background_noise_' has 3 samples"):
        read(tmp_path)
    data, _ = read(tmp_path, drop_scarce=True)
    assert classes(data) == {"dog": 16, "rain": 16}
    assert np.bincount(data.labels[data.official_test]).tolist() == [3, 3]
    assert data.reading.splits == (
        "'validation_list.txt' joins the training part, 'testing_list.txt' is the test split"
    )
