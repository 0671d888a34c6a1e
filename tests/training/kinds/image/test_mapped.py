"""Images in one .npy file, labels in another: read as they lie on disk, and the same data as in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_fabric import Fabric

from training.config.presets import resolve
from training.data import DataError, Dataset, Subset
from training.data.splits import split
from training.gan.trainer import Trainer
from training.judge import fitting
from training.kinds.image import Image, load, mapped
from training.quality.measures import memorisation
from training.quality.measures.spread import spread

SAMPLES = np.random.default_rng(0).integers(0, 256, (120, 8, 8), dtype=np.uint8)
LABELS = np.arange(120) % 3


def write(folder: Path, name: str = "images", **arrays: np.ndarray) -> str:
    for each, array in arrays.items():
        np.save(folder / f"{each}.npy", array)
    return str(folder / f"{name}.npy")


@pytest.fixture
def both(tmp_path: Path) -> tuple[Dataset, Dataset]:
    """The same data mapped from disk, and in memory."""
    np.savez(tmp_path / "data.npz", images=SAMPLES, labels=LABELS)
    return load(write(tmp_path, images=SAMPLES, labels=LABELS)), load(str(tmp_path / "data.npz"))


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("x", "y"), ("data", "target")])
def test_the_usual_names_are_understood(tmp_path: Path, images: str, labels: str) -> None:
    words = np.array(["cat", "dog", "eel"])
    data = load(write(tmp_path, images, **{images: SAMPLES[..., None], labels: words[LABELS]}))
    assert data.on_disk
    assert data.class_names == tuple(words)
    assert np.array_equal(data.samples[..., 0], SAMPLES)
    assert np.array_equal(data.labels, LABELS)


def test_class_names_may_lie_beside(tmp_path: Path) -> None:
    data = load(write(tmp_path, images=SAMPLES, labels=LABELS, class_names=np.array(["cat", "dog", "eel"])))
    assert data.class_names == ("cat", "dog", "eel")


def test_data_on_disk_is_the_data_in_memory_and_trains_to_the_same_weights(both: tuple[Dataset, Dataset]) -> None:
    digests, weights, judges, near = [], [], [], []
    for data in both:
        train = split(data).train
        samples, labels = data.part(train), data.labels[train]
        assert isinstance(samples, Subset) == data.on_disk
        config = resolve("rpgan", {"width": 8, "latent_size": 16, "embedding_size": 8, "batch_size": 32})
        trainer = Trainer(
            Fabric(accelerator="cpu", devices=1), config, Image(*samples.shape[1:]), samples, labels, 3, seed=0
        )
        for number in range(3):
            trainer.step(number / 3)
        weights.append(np.concatenate([p.detach().numpy().ravel() for p in trainer.generator.parameters()]))
        judge = fitting.fit(Image(*samples.shape[1:]), samples, labels, 3, seed=0, steps=10)
        digests.append(data.digest)
        judges.append((judge.digest, judge.predict_proba(samples).tobytes(), spread(samples)))
        near.append(memorisation.compare(data.samples[train[:30]], labels[:30], data, split(data)))
    assert digests[0] == digests[1]
    assert np.array_equal(*weights)
    assert judges[0] == judges[1]
    assert np.array_equal(near[0].distance, near[1].distance)
    assert np.array_equal(near[0].nearest, near[1].nearest)


def test_neighbours_are_searched_block_by_block(both: tuple[Dataset, Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    data, train = both[0], split(both[0]).train
    whole = memorisation.compare(data.samples[train], data.labels[train], data, split(data))
    monkeypatch.setattr(memorisation, "_BLOCK", 7)
    parts = memorisation.compare(data.samples[train], data.labels[train], data, split(data))
    assert np.array_equal(whole.nearest, parts.nearest)
    assert np.array_equal(whole.nearest, train)  # a training sample's nearest is itself
    np.testing.assert_allclose(whole.distance, parts.distance, atol=0.1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": SAMPLES}, "no labels file beside it; wanted labels.npy"),
        ({"images": SAMPLES, "labels": LABELS[:-1]}, "120 images but 119 labels"),
        ({"images": SAMPLES[:0], "labels": LABELS[:0]}, r"\[0, 8, 8\]"),
        ({"images": SAMPLES, "labels": LABELS.astype(object)}, "labels.npy: holds pickled objects.*--allow-pickle"),
        ({"images": SAMPLES >> 5, "labels": LABELS}, r"from 0 to 7, a small part of 0 to 255.*--levels 0\.\.7"),
        ({"images": SAMPLES, "labels": LABELS / 3}, "wanted whole numbers or text"),
        ({"images": SAMPLES * 0, "labels": LABELS}, "all 120 images are equal"),
    ],
)
def test_bad_arrays_are_named_with_their_fault(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(write(tmp_path, **arrays))


@pytest.mark.parametrize(
    ("images", "note"),
    [
        (SAMPLES / 255.0, "floats from 0 to 1"),
        (SAMPLES[:, :, :6], "images of 8x6 were padded to 8x8"),
        (SAMPLES[:, None], "channels came first"),
        (np.asfortranarray(SAMPLES), None),
        (SAMPLES.reshape(120, 64), "rows of 64 values were taken for images of 8 x 8"),
    ],
)
def test_what_cannot_be_used_from_the_disk_is_converted_in_memory(
    tmp_path: Path, images: np.ndarray, note: str | None
) -> None:
    data = load(write(tmp_path, images=images, labels=LABELS))
    assert not data.on_disk
    width = 6 if images.shape[-1] == 6 else 8
    start = (8 - width) // 2
    assert np.array_equal(data.samples[:, :, start : start + width, 0], SAMPLES[:, :, :width])
    assert note is None or any(note in each for each in data.notes)


def test_more_than_can_be_converted_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "LARGEST_BYTES", SAMPLES.size - 1)
    with pytest.raises(DataError, match=r"holds float64 \[120, 8, 8\]; images that are read from disk"):
        load(write(tmp_path, images=SAMPLES / 255.0, labels=LABELS))


@pytest.mark.parametrize("names", [("X", "Y"), ("X_train", "y_train"), ("my-train-imgs", "my-train-labels")])
def test_names_are_understood_in_any_letter_case_and_with_more_words(tmp_path: Path, names: tuple[str, str]) -> None:
    data = load(write(tmp_path, names[0], **dict(zip(names, (SAMPLES, LABELS), strict=True))))
    assert data.on_disk
    assert np.array_equal(data.labels, LABELS)


def test_a_folder_of_parts_is_read_with_its_test_split(tmp_path: Path) -> None:
    write(tmp_path, X_train=SAMPLES[:90], y_train=LABELS[:90], X_test=SAMPLES[90:], y_test=LABELS[90:])
    data = load(str(tmp_path))
    assert np.array_equal(data.samples[..., 0], SAMPLES)
    assert data.official_test is not None
    assert data.official_test.tolist() == list(range(90, 120))
    assert data.reading is not None
    assert data.reading.splits == "90 for training, 30 kept for testing"
    assert "X_test.npy beside it was left out" in load(str(tmp_path / "X_train.npy")).notes[0]


def test_one_array_in_an_archive_finds_its_labels_in_another(tmp_path: Path) -> None:
    for part, rows in (("train", slice(0, 90)), ("test", slice(90, None))):
        np.savez(tmp_path / f"k49-{part}-imgs.npz", SAMPLES[rows])
        np.savez(tmp_path / f"k49-{part}-labels.npz", LABELS[rows].astype(np.uint8))
    assert len(load(str(tmp_path / "k49-train-imgs.npz")).labels) == 90
    whole = load(str(tmp_path))
    assert np.array_equal(whole.labels, LABELS)
    assert whole.official_test is not None
    with pytest.raises(DataError, match=r"holds labels; name the file of images: k49-train-imgs\.npz"):
        load(str(tmp_path / "k49-train-labels.npz"))


def test_another_size_or_name_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "pictures", pictures=SAMPLES, labels=LABELS, images=SAMPLES)
    with pytest.raises(DataError, match=r"wanted images\.npy \(labels\.npy beside it\)"):
        load(path)
    with pytest.raises(DataError, match="on disk are used as they are; size 16 cannot be had"):
        load(str(tmp_path / "images.npy"), size=16)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6), st.floats(0, 1), st.booleans())
def test_damaged_files_raise_only_data_errors(
    tmp_path: Path, changes: list[tuple[float, int]], kept: float, images: bool
) -> None:
    write(tmp_path, images=SAMPLES, labels=LABELS)
    path = tmp_path / ("images.npy" if images else "labels.npy")
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(place * 127)] = value  # in the header
    path.write_bytes(content[: int(len(content) * kept)] if kept < 0.3 else content)
    message = ""
    try:
        load(str(tmp_path / "images.npy"))
    except DataError as error:
        message = str(error)
    assert not message or str(tmp_path) in message
