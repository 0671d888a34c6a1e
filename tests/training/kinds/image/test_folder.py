import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from training.data import DataError
from training.kinds.image import load


def picture(number: int, width: int = 16, height: int = 16, mode: str = "L") -> Image.Image:
    """A picture unlike any other: a colour gradient that depends on the number."""
    rows, columns = np.mgrid[:height, :width]
    levels = np.stack([(rows * 7 + columns * 3 * k + number * 11) % 256 for k in (1, 2, 3)], -1).astype(np.uint8)
    return Image.fromarray(levels).convert(mode)


def fill(folder: Path, count: int = 8, suffix: str = ".png", **options) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture(number + 50 * len(folder.name), **options).save(folder / f"{number:03}{suffix}")


@pytest.fixture
def root(tmp_path) -> Path:
    fill(tmp_path / "cat")
    fill(tmp_path / "horse")
    return tmp_path


def test_folders_are_classes_in_order_of_name(root):
    data = load(str(root))
    assert data.class_names == ("cat", "horse")
    assert data.labels.tolist() == [0] * 8 + [1] * 8
    assert data.samples.shape == (16, 16, 16, 1)
    assert np.array_equal(data.samples[0, ..., 0], np.asarray(picture(150)))
    assert data.notes == ()


def test_colour_is_kept_and_gray_ones_join_it(tmp_path):
    fill(tmp_path / "cat", mode="RGB")
    fill(tmp_path / "horse", mode="L")
    data = load(str(tmp_path))
    assert data.samples.shape == (16, 16, 16, 3)
    assert np.array_equal(data.samples[0], np.asarray(picture(150, mode="RGB")))
    assert (data.samples[8:, ..., 0] == data.samples[8:, ..., 2]).all()
    assert data.notes == ("8 of 16 images are in colour, so that all samples have three channels",)


def test_colour_files_without_colour_become_gray(tmp_path):
    for name in ("cat", "horse"):
        fill(tmp_path / name, count=0)
        for number in range(8):
            picture(number + len(name)).convert("RGB").save(tmp_path / name / f"{number}.png")
    data = load(str(tmp_path))
    assert data.samples.shape[3] == 1
    assert "three equal channels" in data.notes[0]


@pytest.mark.parametrize(
    ("sizes", "size", "side", "note"),
    [
        ([(16, 16)], None, 16, None),
        ([(20, 20)], None, 28, "20x20 were fitted into 28x28"),
        ([(100, 100)], None, 64, "100x100 were fitted into 64x64"),
        ([(100, 100)], 96, 96, "100x100 were fitted into 96x96"),
        ([(20, 10), (40, 30), (50, 30)], None, 48, "from 20x10 to 50x30 were resized to 48x48"),
    ],
)
def test_sizes_are_brought_to_one_that_networks_take(tmp_path, sizes, size, side, note):
    for name in ("cat", "horse"):
        fill(tmp_path / name, count=0)
        for number in range(9):
            picture(number + 50 * len(name), *sizes[number % len(sizes)]).save(tmp_path / name / f"{number}.png")
    data = load(str(tmp_path), size=size)
    assert data.samples.shape == (18, side, side, 1)
    assert len(data.notes) == (note is not None)
    assert note is None or note in data.notes[0]


def test_padding_goes_on_with_the_background(tmp_path):
    for name, level in (("cat", 40), ("horse", 200)):
        fill(tmp_path / name, count=0)
        for number in range(8):
            image = Image.new("L", (32, 20), level)
            image.putpixel((16, 10), number)
            image.save(tmp_path / name / f"{number}.png")
    data = load(str(tmp_path))
    assert data.samples.shape == (16, 32, 32, 1)
    assert (data.samples[:8, :6] == 40).all()
    assert (data.samples[8:, -6:] == 200).all()


def test_transparency_is_laid_over_white_and_said(root):
    for path in (root / "cat").iterdir():
        image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
        image.putpixel((int(path.stem), 3), (0, 0, 255, 255))
        image.save(path)
    data = load(str(root))
    assert data.samples[0, 0, 0].tolist() == [255, 255, 255]
    assert data.samples[0, 3, 0].tolist() == [0, 0, 255]
    assert any("transparency of 8 images" in note for note in data.notes)


def test_sixteen_bit_levels_are_reduced_and_said(root):
    for path in (root / "cat").iterdir():
        levels = np.full((16, 16), 0x8000, np.uint16)
        levels[0, int(path.stem)] = 0xFFFF
        Image.fromarray(levels).save(path)
    data = load(str(root))
    assert data.samples[0, :2, 0, 0].tolist() == [255, 128]
    assert any("8 images with 16-bit levels" in note for note in data.notes)


def test_palettes_are_resolved(root):
    for path in (root / "cat").iterdir():
        Image.open(path).convert("RGB").quantize(64).save(path)
    assert load(str(root)).samples.shape == (16, 16, 16, 1)


def test_photographs_are_turned_upright(root):
    for path in sorted((root / "cat").iterdir()):
        number = int(path.stem)
        path.unlink()
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by a quarter
        picture(number, 16, 12).save(path.with_suffix(".jpg"), exif=exif, quality=100)
    upright = np.asarray(picture(0, 16, 12).transpose(Image.Transpose.ROTATE_270)).astype(int)
    # The header's 16x12 becomes 12x16: the padding is at the sides.
    found = load(str(root)).samples[0, :, 2:14, 0].astype(int)
    assert np.abs(found - upright).mean() < 3


def test_train_and_test_folders_are_an_official_split(tmp_path):
    for part in ("train", "val", "test"):
        for name in ("cat", "horse"):
            fill(tmp_path / part / name)
    data = load(str(tmp_path))
    assert data.class_names == ("cat", "horse")
    assert data.official_test.tolist() == list(range(32, 48))


def test_val_is_the_test_split_where_there_is_no_test(tmp_path):
    for part in ("train", "val"):
        for name in ("cat", "horse"):
            fill(tmp_path / part / name)
    assert load(str(tmp_path)).official_test.tolist() == list(range(16, 32))


def test_a_class_of_the_test_split_must_be_known(tmp_path):
    for name in ("cat", "horse"):
        fill(tmp_path / "train" / name)
        fill(tmp_path / "test" / name)
    fill(tmp_path / "test" / "zebra")
    with pytest.raises(DataError, match=r"zebra: this class is not in .*train"):
        load(str(tmp_path))


def test_a_few_unreadable_images_are_skipped_and_named(root):
    (root / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (root / "horse" / "notes.txt").write_text("not an image")
    (root / "horse" / ".hidden.png").write_bytes(b"")
    data = load(str(root))
    assert len(data.samples) == 16
    assert any(note.startswith("skipped cat/broken.png: unreadable") for note in data.notes)
    assert data.reading.skipped == {".txt files in 'horse'": 1, "hidden files": 1}


def test_an_image_cut_off_in_its_pixels_is_skipped(root):
    path = root / "cat" / "cut.png"
    picture(7, 200, 200, "RGB").save(path)
    path.write_bytes(path.read_bytes()[:300])
    data = load(str(root), size=16)
    assert len(data.samples) == 16
    assert any(note.startswith("skipped cat/cut.png: unreadable") for note in data.notes)


def test_many_unreadable_images_are_refused_with_examples(root):
    for number in range(4):
        (root / "cat" / f"broken{number}.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"4 of 20 images cannot be used.*cat/broken0\.png: unreadable"):
        load(str(root))


@pytest.mark.parametrize(("width", "height"), [(2, 16), (3, 3), (90, 10)])
def test_odd_sizes_count_as_unusable(root, width, height):
    for number in range(4):
        picture(number, width, height).save(root / "cat" / f"odd{number}.png")
    with pytest.raises(DataError, match=f"{width}x{height} pixels; at least 4 a side and at most 8 times"):
        load(str(root))


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_000, 10_000, 60_000])
def test_an_image_that_would_fill_the_memory_is_not_decoded(root, side):
    (root / "cat" / "bomb.png").write_bytes(bomb(side, side))
    assert any(note.startswith("skipped cat/bomb.png") for note in load(str(root)).notes)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (
            lambda root: [path.unlink() for path in (root / "cat").iterdir()],
            "class 'cat' has 0 samples; at least 8 are needed",
        ),
        (lambda root: [path.unlink() for path in list((root / "cat").iterdir())[:3]], "class 'cat' has 5 samples"),
    ],
)
def test_classes_without_enough_images_are_refused(root, prepare, message):
    prepare(root)
    with pytest.raises(DataError, match=message):
        load(str(root))


def test_images_without_folders_are_one_class(tmp_path):
    fill(tmp_path / "pebbles")
    data = load(str(tmp_path / "pebbles"))
    assert data.class_names == ("pebbles",)
    assert data.counts().tolist() == [8]


def test_a_folder_without_folders_and_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="has no folders of images; wanted one folder of PNG or JPEG images per class"):
        load(str(tmp_path))


def test_a_folder_of_arrays_is_refused_with_the_file_to_name(tmp_path):
    for name in ("second.npz", "first.npz"):
        np.savez(tmp_path / name, images=np.zeros(4))
    with pytest.raises(DataError, match=r"to read first\.npz, name the file itself: .*first\.npz$"):
        load(str(tmp_path))


@settings(max_examples=60)
@given(
    st.sampled_from(["PNG", "JPEG"]), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8)
)
def test_damaged_images_raise_only_data_errors(root, kind, changes):
    buffer = io.BytesIO()
    picture(99, 24, 24, "RGB").save(buffer, kind)
    content = bytearray(buffer.getvalue())
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    (root / "cat" / f"damaged.{kind.lower()}").write_bytes(content)
    # One bad file is never a reason to refuse: it is decoded, or skipped and named.
    data = load(str(root), size=16)
    assert (len(data.samples) == 17) != any(note.startswith("skipped cat/damaged") for note in data.notes)
    (root / "cat" / f"damaged.{kind.lower()}").unlink()
