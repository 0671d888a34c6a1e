"""client/augmint/sheet.py"""

import numpy as np
import pytest

import augmint
from augmint.sheet import BACKGROUND, CELL, GAP, MARGIN, contact_sheet


def row(n, height=8, width=8, channels=1, value=None):
    if value is not None:
        return np.full((n, height, width, channels), value, np.uint8)
    return np.random.default_rng(0).integers(0, 256, (n, height, width, channels), np.uint8)


def pixels(sheet):
    return np.asarray(sheet)


def test_tiny_images_are_enlarged_by_whole_pixels_and_keep_their_values():
    sample = row(1)
    sheet = pixels(contact_sheet([sample], ["0"]))
    factor = CELL // 8
    corner = sheet[MARGIN : MARGIN + CELL, -MARGIN - CELL : -MARGIN]
    assert np.array_equal(corner, np.broadcast_to(sample[0], (8, 8, 3)).repeat(factor, 0).repeat(factor, 1))


def test_large_images_are_not_reduced():
    sheet = contact_sheet([row(1, 200, 300, 3)], ["0"])
    assert sheet.width >= 300 + 2 * MARGIN
    assert sheet.height == 200 + 2 * MARGIN


def test_there_is_a_row_per_class_in_order():
    sheet = pixels(contact_sheet([row(3, value=10), row(3, value=200)], ["a", "b"]))
    column = sheet[:, -MARGIN - 1, 0]
    assert column[MARGIN] == 10
    assert column[MARGIN + CELL + GAP] == 200
    assert sheet.shape[0] == 2 * CELL + GAP + 2 * MARGIN


def test_long_rows_wrap_under_their_label():
    narrow = contact_sheet([row(64)], ["3"], columns=16)
    assert narrow.height == 4 * CELL + 3 * GAP + 2 * MARGIN
    assert contact_sheet([row(16)], ["3"], columns=16).width == narrow.width


def test_labels_stand_at_the_left_and_widen_the_sheet():
    short, long = contact_sheet([row(2)], ["3"]), contact_sheet([row(2)], ["ankle boot"])
    assert long.width > short.width
    left = pixels(long)[:, : long.width - MARGIN - 2 * CELL - GAP]
    assert (left != np.array(BACKGROUND)).any(axis=2).sum() > 50


def test_a_caption_adds_a_line_below():
    plain, captioned = contact_sheet([row(2)], ["3"]), contact_sheet([row(2)], ["3"], caption="digits/1   seed 7")
    assert captioned.height > plain.height
    assert (pixels(captioned)[plain.height - MARGIN :] != np.array(BACKGROUND)).any()


@pytest.mark.parametrize(
    ("rows", "labels", "named"),
    [
        ([], [], "one label per row"),
        ([row(1)], ["a", "b"], "one label per row"),
        ([row(1).astype(np.float32)], ["a"], "row 'a' is float32"),
        ([row(1)[..., 0]], ["a"], r"row 'a' is uint8 \[1, 8, 8\]"),
        ([row(1), row(1, 9)], ["a", "b"], "row 'b'"),
        ([row(0)], ["a"], "n from 1"),
        ([row(1, channels=2)], ["a"], "row 'a'"),
    ],
)
def test_what_is_not_rows_of_images_is_refused(rows, labels, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        contact_sheet(rows, labels)


def test_columns_must_be_positive():
    with pytest.raises(augmint.InvalidRequest, match="columns is 0"):
        contact_sheet([row(1)], ["a"], columns=0)
