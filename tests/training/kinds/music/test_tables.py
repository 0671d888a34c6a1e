"""Pieces whose classes stand in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.kinds.image.drawn import write
from tests.training.kinds.music.made import arpeggio, classes, fill, head, read, save, track
from training.data import DataError
from training.data.reading import Claim
from training.kinds.music import reads


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """MAESTRO: a folder for each year, and a table of composers, titles and splits."""
    rows = []
    for number in range(24):
        composer, year = ("Bach", "Liszt")[number // 2 % 2], 2004 + number % 2
        part = "test" if number >= 16 else "train"
        path = save(tmp_path / str(year) / f"{number}.midi", head(), track(arpeggio(number, composer == "Bach")))
        rows.append(f"{composer},Piece {number},{part},{year},{path.relative_to(tmp_path).as_posix()},60.5")
    write(tmp_path / "maestro.csv", "canonical_composer,canonical_title,split,year,midi_filename,duration", rows)
    return tmp_path


def test_composers_of_a_table_are_classes_and_its_splits_are_kept(root: Path) -> None:
    data, _ = read(root, label="canonical_composer")
    assert set(classes(data)) == {"Bach", "Liszt"}
    assert data.reading.splits == "'train' is for training, 'test' is the test split"
    assert data.official_test is not None
    assert read(root / "maestro.csv", label="canonical_composer")[0].digest == data.digest


def test_without_the_column_it_is_asked_whether_years_are_classes(root: Path) -> None:
    data, said = read(root)
    assert set(classes(data)) == {"2004", "2005"}
    assert "The folders '2004' and '2005' were taken for classes." in said
    assert "--label takes the labels of one of its columns" in said or "the labels could be in the columns" in said


def test_a_table_of_pieces_is_music_and_one_piece_is_no_data_set(root: Path) -> None:
    assert reads(str(root / "maestro.csv")) == Claim.SURE
    (piece,) = fill(root / "one", 1)
    with pytest.raises(DataError, match="it is one piece; name the folder with one folder of MIDI files per class"):
        read(piece)
