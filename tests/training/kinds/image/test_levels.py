"""What numbers in arrays of images mean: made out where they leave no doubt, said, and asked about elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import DataError, Dataset
from training.data.records import Records
from training.kinds.image import levels, load
from training.kinds.image.finish import finish

FULL = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.arange(60) % 3
DIGITS = np.rint(FULL / 255 * 16)


def of(folder: Path, images: np.ndarray, names: tuple[str, str] = ("images", "labels"), **options: object) -> Dataset:
    np.savez(folder / "data.npz", **{names[0]: images, names[1]: LABELS})
    return load(str(folder / "data.npz"), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("images", "wanted", "note"),
    [
        (FULL.astype(np.float32) / 127.5 - 1, FULL, "levels from -1 to 1 became 0 to 255"),
        (FULL > 100, (FULL > 100) * 255, "true and false became 255 and 0"),
        ((FULL > 100).astype(np.uint8), (FULL > 100) * 255, "levels 0 and 1 became 0 and 255"),
        ((FULL > 100).astype(np.float64), (FULL > 100) * 255, "levels 0 and 1 became 0 and 255"),
        ((FULL > 100).astype(np.int8) * 2 - 1, (FULL > 100) * 255, "levels from -1 to 1 became 0 to 255"),
        (FULL.astype(np.uint16) * 257, FULL, "16-bit levels, 0 to 65535, became 0 to 255"),
        ((FULL.astype(int) * 4095 // 255).astype(np.uint16), FULL, "12-bit levels"),
        (FULL.astype(np.float16), FULL, None),
        (FULL.astype(np.uint16), FULL, None),
    ],
)
def test_what_is_certain_is_scaled_and_said(
    tmp_path: Path, images: np.ndarray, wanted: np.ndarray, note: str | None
) -> None:
    data = of(tmp_path, images)
    assert np.array_equal(data.samples[..., 0], np.rint(wanted))
    notes = [each for each in data.notes if "copies" not in each]
    assert [note] == [each[: len(note)] for each in notes] if note else not notes
    assert data.reading is not None
    assert data.reading.levels == (float(images.min()), float(images.max()))


@pytest.mark.parametrize("names", [("data", "target"), ("images", "target")])
def test_digits_of_scikit_learn_are_known_by_their_names_and_shape(tmp_path: Path, names: tuple[str, str]) -> None:
    data = of(tmp_path, DIGITS.reshape(60, 64) if names[0] == "data" else DIGITS, names)
    assert np.array_equal(data.samples[..., 0], np.rint(DIGITS * 255 / 16))
    assert any("taken as its digits, 0..16 became 0..255" in note for note in data.notes)


def test_a_whole_bunch_saved_by_savez_is_the_built_in_data_set(tmp_path: Path) -> None:
    from sklearn.datasets import load_digits

    np.savez(tmp_path / "digits.npz", **load_digits())  # pickled objects among what is not read
    assert load(str(tmp_path / "digits.npz")).digest == load("digits").digest


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (FULL >> 5, r"from 0 to 7, a small part of 0 to 255.*--levels 0\.\.7 .*--levels 0\.\.255"),
        (FULL // 2 // 2 // 4, r"from 0 to 15, .*--levels 0\.\.15"),
        (DIGITS, r"from 0 to 16, .*--levels 0\.\.16"),
        (FULL >> 2, r"from 0 to 63, "),
        (FULL / 255 / 16, r"from 0 to 0\.0625, a small part of 0 to 1"),
        (FULL / 255 * 16, r"from 0 to 16, "),
        (FULL / 255 - 0.5, r"from -0\.5 to 0\.5; wanted .*--levels -0\.5\.\.0\.5"),
        ((FULL / 255 - 0.1307) / 0.3081, r"from -0\.424\d+ to 2\.8"),
        (FULL.astype(np.int16) - 1000, r"from -1000 to -745; wanted"),
        (FULL.astype(np.int64) * 1000, r"from 0 to 255000; wanted"),
        (FULL + 0.5 + (FULL == 255) * 9, r"from 0\.5 to 264\.5; wanted .*--levels 0\.\.255"),
    ],
)
def test_what_is_open_is_asked_with_the_words_that_answer(tmp_path: Path, images: np.ndarray, words: str) -> None:
    with pytest.raises(DataError, match=words):
        of(tmp_path, images)


def test_an_answer_scales_and_says_what_was_beyond_it(tmp_path: Path) -> None:
    assert np.array_equal(of(tmp_path, DIGITS, levels=(0, 16)).samples[..., 0], np.rint(DIGITS * 255 / 16))
    assert np.array_equal(of(tmp_path, FULL >> 5, levels=(0, 255)).samples[..., 0], FULL >> 5)
    data = of(tmp_path, FULL.astype(np.int16) - 100, levels=(0, 100))
    assert np.array_equal(data.samples[..., 0], np.rint((FULL.astype(float) - 100) * 2.55).clip(0, 255))
    assert any(
        "values" in note and "beyond the levels that were asked for became the nearest" in note for note in data.notes
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_named_with_its_place(tmp_path: Path, bad: float) -> None:
    images = FULL / 255
    images[41, 3, 2] = bad
    with pytest.raises(DataError, match=rf"images\[41, 3, 2, 0\] is {bad}"):
        of(tmp_path, images)


def test_a_dark_test_part_is_not_brightened_by_itself(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x_train=FULL, y_train=LABELS, x_test=FULL >> 5, y_test=LABELS)
    data = load(str(tmp_path / "data.npz"))
    assert np.array_equal(data.samples[60:, ..., 0], FULL >> 5)


def test_the_built_in_set_has_levels_of_its_own() -> None:
    with pytest.raises(DataError, match="--levels is for files"):
        load("digits", levels=(0, 16))


def test_dim_images_are_worth_a_word(tmp_path: Path) -> None:
    assert any("brightest of all levels is 100 of 255" in note for note in of(tmp_path, FULL.clip(0, 100)).notes)


def test_every_other_reader_asks_too() -> None:
    dark = Records((FULL >> 4)[..., None], LABELS, ("a", "b", "c"))
    with pytest.raises(DataError, match=r"pictures: .*from 0 to 15, a small part of 0 to 255"):
        finish("pictures", dark, None)
    assert finish("pictures", dark, None, (0, 15)).samples.max() == 255
    assert finish("pictures", dark, None, (0, 255)).samples.max() == 15


@given(
    st.floats(-1e4, 1e4),
    st.floats(1e-2, 1e4),
    st.lists(st.integers(0, 255), min_size=64, max_size=64),
    st.sampled_from([np.float32, np.float64]),
)
def test_any_named_range_gives_the_levels_back(low: float, width: float, values: list[int], dtype: type) -> None:
    exact = np.array(values, np.uint8).reshape(1, 8, 8, 1)
    images = (exact.astype(np.float64) / 255 * width + low).astype(dtype)
    if dtype == np.float32 and width < 1e-3 * abs(low):
        return  # neighbours of 255 fall together
    done, _ = levels.to_uint8([("x", images)], (low, low + width), {})
    assert np.abs(done[0].astype(int) - exact).max() <= 1
