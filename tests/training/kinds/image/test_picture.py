"""Pictures in the ways that people store them: formats, modes, turns, sizes, levels."""

from __future__ import annotations

import contextlib
import io
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.kinds.image.drawn import asked, fill, picture, read
from training.data import DataError
from training.kinds.image import load
from training.kinds.image import picture as single


def decoded(image: Image.Image, kind: str, side: int = 32, color: bool = True, **options: object) -> np.ndarray:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    found = single.header(buffer.getvalue())
    assert isinstance(found, single.Header), found
    pixels = single.decode(buffer.getvalue(), side, color, enlarge=False, levels=lambda deep: None)
    assert isinstance(pixels, single.Pixels), pixels
    return pixels.image


@pytest.fixture
def figure() -> np.ndarray:
    """uint8 [32, 32, 3]: an F in colour that no flip or turn maps onto itself."""
    image = np.full((32, 32, 3), (20, 30, 40), np.uint8)
    image[4:28, 8:12] = image[4:8, 8:24] = image[14:18, 8:18] = (230, 140, 60)
    return image


def near(found: np.ndarray, wanted: np.ndarray, by: float = 3) -> bool:
    return float(np.abs(found.astype(int) - wanted.astype(int)).mean()) < by


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
        ("PPM", {}),
        ("JPEG", {"quality": 97, "subsampling": 0}),
        ("JPEG", {"quality": 97, "subsampling": 0, "progressive": True}),
    ],
)
def test_formats_are_read_alike(figure, kind, options):
    assert near(decoded(Image.fromarray(figure), kind, **options), figure, 0.1 if kind != "JPEG" else 3)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_in_every_format(figure, kind, orientation):
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(figure)
    if orientation > 1:
        image = image.transpose(stored[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 97, "subsampling": 0} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    assert near(decoded(image, kind, exif=exif, **options), figure)


def modes(figure: np.ndarray) -> dict[str, tuple[Image.Image, np.ndarray]]:
    gray = figure[..., 0]
    gray3 = np.repeat(gray[..., None], 3, 2)
    clear = np.where(gray > 100, 255, 0).astype(np.uint8)
    over_white = np.where(clear[..., None] > 0, figure, 255)
    indexed = Image.fromarray((gray > 100).astype(np.uint8), "P")
    indexed.putpalette([10, 20, 30, 200, 100, 50] + [0] * 762)
    palette = np.where(gray[..., None] > 100, [200, 100, 50], [10, 20, 30])
    return {
        "gray": (Image.fromarray(gray), gray3),
        "colour": (Image.fromarray(figure), figure),
        "alpha": (Image.fromarray(np.dstack([figure, clear])), over_white),
        "gray with alpha": (
            Image.merge("LA", [Image.fromarray(gray), Image.fromarray(clear)]),
            np.where(clear[..., None] > 0, gray3, 255),
        ),
        "palette": (indexed, palette),
        "one bit": (Image.fromarray(gray > 100), np.where(gray3 > 100, 255, 0)),
        "sixteen bits": (Image.fromarray(gray.astype(np.uint16) * 257), gray3),
    }


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("mode", list(modes(np.zeros((4, 4, 3), np.uint8))))
def test_every_mode_is_read_as_it_looks_also_when_it_is_shrunk_first(figure, mode, large, monkeypatch):
    image, wanted = modes(figure)[mode]
    if large:
        monkeypatch.setattr(single, "LARGE", 1000)
        image = image.resize((32 * 9, 32 * 9), Image.Resampling.NEAREST)
    assert near(decoded(image, "PNG"), wanted, 8 if large else 0.1)


def test_a_transparent_entry_of_a_palette_is_white(figure):
    image, wanted = modes(figure)["palette"]
    wanted = np.where(figure[..., :1] > 100, wanted, 255)
    assert near(decoded(image, "PNG", transparency=0), wanted, 0.1)


def test_printed_colours_are_read_as_they_look(figure):
    image = Image.fromarray(figure).convert("CMYK")
    assert near(decoded(image, "JPEG", quality=97, subsampling=0), figure)


def test_the_content_decides_not_the_ending(tmp_path):
    for name in "ab":
        fill(tmp_path / name)
        picture(f"really{name}").save(tmp_path / name / "x.jpg", "PNG")
    data, found = read(tmp_path)
    assert found == {"a": 9, "b": 9}
    assert (np.asarray(picture("reallya")) == data.samples[..., 0]).all((1, 2)).any()


@pytest.mark.parametrize(
    ("kind", "suffix"), [("GIF", ".gif"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tif"), ("MPO", ".jpg")]
)
def test_of_several_frames_the_first_is_taken_and_said(tmp_path, kind, suffix):
    for name in "ab":
        for number in range(8):
            levels = np.full((8, 8), 60 + number * 20 + (name == "b"), np.uint8)
            levels[:4] = 250
            frames = [Image.fromarray(levels), Image.fromarray(255 - levels)]
            if kind == "MPO":
                frames = [frame.convert("RGB") for frame in frames]
            (tmp_path / name).mkdir(exist_ok=True)
            frames[0].save(tmp_path / name / f"{number}{suffix}", kind, save_all=True, append_images=frames[1:])
    data, _ = read(tmp_path)
    assert data.samples[:, :3].mean() > 200
    assert "of 16 files with several frames or pages the first one was taken" in data.notes


def test_a_photo_of_48_megapixels_is_shrunk_while_it_is_read(figure):
    large = Image.fromarray(figure).resize((8064, 8064 * 3 // 4), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", quality=60)
    opened = Image.open(io.BytesIO(buffer.getvalue()))
    small = single._shrunk(opened, 4 * 32)
    assert opened.size == (1008, 756)
    assert max(small.size) < 300
    found = decoded(large, "JPEG", quality=60)
    wanted = np.asarray(Image.fromarray(figure).resize((32, 24), Image.Resampling.BOX))
    assert near(found[4:28], wanted, 12)


@pytest.mark.parametrize(
    ("kind", "options", "most"),
    [("JPEG", {}, 300), ("JPEG", {"progressive": True}, 100), ("PNG", {}, 100)],
)
def test_what_cannot_be_shrunk_while_it_is_read_may_be_less_large(monkeypatch, kind, options, most):
    monkeypatch.setattr(single, "LARGEST_PIXELS", 100)
    monkeypatch.setattr(single, "LARGEST_JPEG_PIXELS", 300)
    for side in (10, 17, 18):
        buffer = io.BytesIO()
        Image.new("L", (side, side)).save(buffer, kind, **options)
        found = single.header(buffer.getvalue())
        assert (found == f"{side}x{side} pixels; at most {most} in all") == (side * side > most), found


def test_large_pictures_that_are_decoded_whole_take_turns(tmp_path, monkeypatch):
    for name in "ab":
        for number in range(8):
            (tmp_path / name).mkdir(exist_ok=True)
            picture(f"{name}{number}", 64).save(tmp_path / name / f"{number}.png")
    # Pictures of 64 x 64 are large now, and those of 8 x 8 are not.
    monkeypatch.setattr("training.kinds.image.pictures._AT_ONCE", {1000: 8, 10_000: 1})
    fill(tmp_path / "a", 8, first=100)
    inside = {64: 0, 8: 0}
    most = {64: 0, 8: 0}
    lock, gate = threading.Lock(), threading.Barrier(2)
    decode = single.decode

    def slowly(content: Path, **options: object) -> object:
        side = Image.open(content).width
        with lock:
            inside[side] += 1
            most[side] = max(most[side], inside[side])
        try:
            # A second one of its kind gets here, if any can.
            with contextlib.suppress(threading.BrokenBarrierError):
                if side == 64:
                    gate.wait(0.2)
            return decode(content, **options)
        finally:
            with lock:
                inside[side] -= 1

    monkeypatch.setattr(single, "decode", slowly)
    assert read(tmp_path)[1] == {"a": 16, "b": 8}
    assert most[64] == 1


def test_pillows_own_limit_stays_as_it_was(tmp_path):
    for name in "ab":
        fill(tmp_path / name)
    before = Image.MAX_IMAGE_PIXELS
    load(str(tmp_path))
    assert before == Image.MAX_IMAGE_PIXELS is not None


@pytest.mark.parametrize(
    ("levels", "fault"),
    [
        (np.full((8, 8), 0.5, np.float32), "floating-point levels"),
        (np.full((8, 8), 2**20, np.int32), "levels from 1048576 to 1048576; 8 or 16 bits are read"),
    ],
)
def test_levels_that_are_no_picture_are_skipped_and_named(tmp_path, levels, fault):
    for name in "ab":
        fill(tmp_path / name)
    Image.fromarray(levels).save(tmp_path / "a" / "odd.tif")
    data, found = read(tmp_path)
    assert found == {"a": 8, "b": 8}
    assert any(note.startswith("skipped a/odd.tif") and fault in note for note in data.notes)


def deep(folder: Path, most: int) -> None:
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for number in range(8):
            noise = np.asarray(picture(f"{name}{number}"), np.float64) / 255
            noise[0, :2] = 0, 1
            Image.fromarray(np.rint(noise * most).astype(np.uint16)).save(folder / name / f"{number}.png")


def test_twelve_bits_in_sixteen_are_asked_about_with_the_option(tmp_path):
    deep(tmp_path, 4095)
    with pytest.raises(
        DataError, match=r"the level 4095, a small part of 0 to 65535.*--levels 0\.\.4095 if they are the"
    ):
        load(str(tmp_path))
    data, _ = read(tmp_path, levels=(0, 4095))
    assert (data.samples.min(), data.samples.max()) == (0, 255)
    assert data.reading.levels == (0, 4095)
    assert "levels 0 to 4095 became 0 to 255, as asked" in data.notes
    assert read(tmp_path, levels=(0, 65535))[0].samples.max() == 16


def test_sixteen_bits_that_are_used_are_read_without_a_question(tmp_path):
    deep(tmp_path, 65535)
    data, _ = read(tmp_path)
    assert data.samples.max() == 255
    assert (data.questions, data.reading.levels) == ((), (0, 65535))


def test_levels_of_class_numbers_are_asked_about(tmp_path):
    for name in "ab":
        for path in fill(tmp_path / name):
            Image.fromarray(np.asarray(Image.open(path)) // 16).save(path)
    with pytest.raises(DataError, match=r"values from 0 to 15, a small part of 0 to 255.*--levels 0\.\.15"):
        load(str(tmp_path))
    assert read(tmp_path, levels=(0, 15))[0].samples.max() == 255


def test_levels_above_255_are_of_the_deep_pictures_only(tmp_path):
    deep(tmp_path, 4095)
    fill(tmp_path / "a", 2, first=50)
    data, _ = read(tmp_path, levels=(0, 4095))
    assert data.samples[:8].max() == 255
    assert any((sample[..., 0] == np.asarray(Image.open(tmp_path / "a" / "050.png"))).all() for sample in data.samples)


def test_next_to_no_contrast_is_asked_about(tmp_path):
    for name in "ab":
        for path in fill(tmp_path / name):
            Image.fromarray(np.asarray(Image.open(path)) // 16 + 200).save(path)
    assert "All levels are from 200 to 215 of 255" in asked(read(tmp_path)[0])
