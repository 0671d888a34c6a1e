"""client/augmint/export.py and formats.py: files read back by the libraries that they are for."""

import hashlib
import io
import json
import signal
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest
from PIL import Image

import augmint
from augmint.export import export
from augmint.formats import Part
from augmint.reading.source import Source
from tests.client.fakes import LABELS, digest, served

FORMATS = ("webdataset", "parquet", "npz", "folder")


def hashes(folder):
    """File, from the folder, to what is in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("format", FORMATS)
def test_every_shard_is_the_same_file_made_alone_or_with_others_or_again(client, tmp_path, format):
    whole, parts, again = tmp_path / "whole", tmp_path / "parts", tmp_path / "again"
    export(client, whole, n=50, shards=3, format=format, seed=7)
    for shard in (2, 0, 1):
        done = export(client, parts, n=50, shards=3, only=[shard], format=format, seed=7)
        assert (done.made, done.skipped) == ((shard,), ())
    export(client, again, n=50, shards=3, format=format, seed=7)
    assert hashes(whole) == hashes(parts) == hashes(again)
    assert sum("manifest" not in name and "png" not in name for name in hashes(whole)) == 3


def expected(fake, n=50, start=0):
    indices = np.arange(start, start + n)
    return fake.expected(7, indices, np.arange(n) % 4), indices, np.arange(n) % 4


def test_webdataset_reads_the_samples_back(client, fake, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    done = export(client, tmp_path, n=50, shards=3, seed=7, start_index=100)
    paths = [str(tmp_path / name) for name in done.files]
    data = webdataset.WebDataset(paths, shardshuffle=False, empty_check=False).decode("rgb8")
    found = list(data.to_tuple("png", "cls", "json"))
    arrays, indices, classes = expected(fake, start=100)
    assert np.array_equal(np.stack([image for image, _, _ in found]), arrays)
    assert [label for _, label, _ in found] == classes.tolist()
    addresses = [augmint.Address.parse(told["address"]) for _, _, told in found]
    assert [one.start_index for one in addresses] == indices.tolist()
    assert np.array_equal(client.replay(addresses[5]).array[0], arrays[5])


def test_what_is_no_image_is_stored_as_arrays(fake, tmp_path):
    fake.sample.ClearField("kind")
    with augmint.Client(transport=fake) as client:
        done = export(client, tmp_path / "w", n=5, seed=7)
        with tarfile.open(tmp_path / "w" / done.files[0]) as tar:
            names = tar.getnames()
            first = np.load(io.BytesIO(tar.extractfile(names[0]).read()))
        assert names[:3] == ["000000000000000.npy", "000000000000000.cls", "000000000000000.json"]
        assert np.array_equal(first, expected(fake)[0][0])
        with pytest.raises(
            augmint.InvalidRequest, match="a folder holds images, sounds or music; generator 'fake' makes array"
        ):
            export(client, tmp_path / "f", n=5, seed=7, format="folder")
        datasets = pytest.importorskip("datasets")
        export(client, tmp_path / "p", n=5, seed=7, format="parquet")
        data = datasets.Dataset.from_parquet(str(next((tmp_path / "p").glob("*.parquet"))), cache_dir=str(tmp_path))
        assert np.array_equal(np.array(data[0]["sample"]), expected(fake)[0][0].ravel())


def test_parquet_opens_as_images_with_class_labels(client, fake, tmp_path):
    datasets = pytest.importorskip("datasets")
    done = export(client, tmp_path, n=50, shards=2, seed=7, format="parquet")
    paths = [str(tmp_path / name) for name in done.files]
    data = datasets.Dataset.from_parquet(paths, cache_dir=str(tmp_path / "cache"))
    arrays, indices, classes = expected(fake)
    assert data.features["label"].names == list(LABELS)
    assert np.array_equal(np.stack([np.asarray(image) for image in data["image"]]), arrays)
    assert data["label"][:] == classes.tolist()
    assert data["index"][:] == indices.tolist()
    assert np.array_equal(client.replay(data[7]["address"]).array[0], arrays[7])


def test_npz_opens_with_numpy_alone(client, fake, tmp_path):
    (name,) = export(client, tmp_path, n=50, seed=7, format="npz").files
    arrays, indices, classes = expected(fake)
    with np.load(tmp_path / name, allow_pickle=False) as file:
        assert np.array_equal(file["array"], arrays)
        assert np.array_equal(file["class_indices"], classes)
        assert np.array_equal(file["indices"], indices)
        assert file["labels"].tolist() == [LABELS[index] for index in classes]


def test_a_folder_has_a_folder_per_label(client, fake, tmp_path):
    export(client, tmp_path, n=9, shards=2, seed=7, format="folder")
    folders = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert folders == sorted(LABELS)
    image = np.asarray(Image.open(tmp_path / "3" / "000000000000007.png"))
    assert np.array_equal(image, expected(fake)[0][7])


def test_labels_that_are_no_file_names_are_encoded(client, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.client.fakes.LABELS", ("../up", "a/b", ".", "é"))
    export(client, tmp_path / "out", n=4, seed=7, format="folder")
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == [
        "%2E",
        "%2E.%2Fup",
        "%C3%A9",
        "a%2Fb",
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_manifest_says_where_everything_comes_from(client, fake, tmp_path):
    done = export(client, tmp_path, n=50, shards=3, labels=["bag", "3", "3"], seed=7, truncation=0.7, keep=1, of=2)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest == json.loads(json.dumps(done.manifest))
    assert manifest["digest"] == digest(1)
    assert (manifest["seed"], manifest["keep"], manifest["of"]) == ("7", 1, 2)
    assert [(one["first"], one["n"]) for one in manifest["shards"]] == [(0, 16), (16, 17), (33, 17)]
    again = client.replay(manifest["shards"][1]["first_address"])
    with tarfile.open(tmp_path / manifest["shards"][1]["file"]) as tar:
        image = np.asarray(Image.open(io.BytesIO(tar.extractfile(tar.getnames()[0]).read())))
    assert np.array_equal(again.array[0], image)


def test_an_export_of_an_older_release_whose_seed_is_a_number_is_gone_on_with(client, tmp_path):
    first = export(client, tmp_path, n=20, shards=2, seed=2**64 - 1, format="npz")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "seed": 2**64 - 1}))
    (tmp_path / first.files[1]).unlink()
    second = export(client, tmp_path, n=20, shards=2, format="npz")
    assert (second.made, second.skipped, second.manifest["seed"]) == ((1,), (0,), str(2**64 - 1))


def test_an_export_and_a_data_set_of_one_seed_are_the_same_samples(client, fake, tmp_path):
    (name,) = export(client, tmp_path, n=40, labels=["bag", "3"], weights=[3, 1], seed=7, format="npz").files
    source = Source(client, labels=["bag", "3"], weights=[3, 1], seed=7)
    with np.load(tmp_path / name) as file:
        assert np.array_equal(file["array"], source.samples(np.arange(40)).array)


def test_going_on_needs_no_seed_and_makes_only_what_is_missing(client, fake, tmp_path):
    first = export(client, tmp_path, n=50, shards=5)
    before = hashes(tmp_path)
    (tmp_path / first.files[3]).unlink()
    steps = []
    again = export(client, tmp_path, n=50, shards=5, advance=lambda count, skipped: steps.append((count, skipped)))
    assert (again.made, again.skipped) == ((3,), (0, 1, 2, 4))
    assert hashes(tmp_path) == before
    assert steps.count((10, True)) == 4
    assert sum(count for count, _ in steps) == 50


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n": 51}, "whose n is 50, not 51"),
        ({"seed": 8}, "whose seed is 7, not 8"),
        ({"shards": 2}, "whose shards is"),
        ({"format": "npz"}, "whose format is webdataset, not npz"),
        ({"labels": ["bag"]}, "whose labels is"),
    ],
)
def test_a_folder_that_holds_another_export_is_left_alone(client, tmp_path, change, named):
    arguments = {"n": 50, "seed": 7}
    export(client, tmp_path, **arguments)
    before = hashes(tmp_path)
    with pytest.raises(augmint.InvalidRequest, match=named):
        export(client, tmp_path, **{**arguments, **change})
    assert hashes(tmp_path) == before


def test_a_new_version_never_ends_up_in_an_old_export(client, fake, tmp_path):
    done = export(client, tmp_path, n=50, shards=2, seed=7)
    (tmp_path / done.files[1]).unlink()
    fake.version = 2
    with pytest.raises(augmint.GeneratorNotFound):
        export(client, tmp_path, n=50, shards=2, seed=7)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n": 0}, "n is 0"),
        ({"shards": 51}, "shards is 51"),
        ({"format": "xml"}, "format is 'xml'; it must be one of webdataset, parquet, npz, folder, csv, tsv, jsonl"),
        ({"only": [0]}, "give a seed"),
        ({"only": [3], "shards": 3, "seed": 1}, r"a shard is 3; it must be a whole number in \[0, 2\]"),
        ({"labels": ["shoe"]}, "no label 'shoe'"),
    ],
)
def test_a_wrong_argument_is_refused_and_leaves_nothing(client, tmp_path, arguments, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        export(client, tmp_path / "out", **{"n": 50, **arguments})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"files": 3}'])
def test_a_strange_manifest_is_not_overwritten(client, tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(augmint.InvalidRequest, match=r"manifest\.json is "):
        export(client, tmp_path, n=5)
    assert (tmp_path / "manifest.json").read_text() == content


@pytest.mark.parametrize("format", FORMATS)
def test_a_service_that_fails_half_way_leaves_no_half_file(client, fake, tmp_path, monkeypatch, format):
    monkeypatch.setattr("augmint.export._CHUNK_SAMPLES", 8)
    client.describe()
    fake.faults = [None, None, augmint.ServiceFault("broken")]
    with pytest.raises(augmint.ServiceFault, match="broken"):
        export(client, tmp_path, n=50, format=format, seed=7)
    left = {path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".png"}
    assert left == {"manifest.json"}
    export(client, tmp_path, n=50, format=format, seed=7)
    monkeypatch.undo()
    if format not in ("parquet", "npz"):  # their pieces end where the chunks do
        export(client, tmp_path / "other", n=50, format=format, seed=7)
        assert hashes(tmp_path / "other").items() <= hashes(tmp_path).items()


def test_a_killed_export_goes_on_to_the_same_files(fake, tmp_path):
    command = [sys.executable, "-m", "augmint", "export", "--n", "400", "--shards", "8", "--seed", "7"]
    with served(fake) as target:
        arguments = [*command, "--target", target, "--out", str(tmp_path / "killed")]
        with subprocess.Popen(arguments) as process:
            while len(list((tmp_path / "killed").glob("*.tar"))) < 2 and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        subprocess.run(arguments, check=True, timeout=60, stdout=subprocess.DEVNULL)
        with augmint.Client(target) as client:
            export(client, tmp_path / "whole", n=400, shards=8, seed=7)
    whole, killed = hashes(tmp_path / "whole"), hashes(tmp_path / "killed")
    assert whole == killed  # nor is anything left of the shard that the kill cut off


def test_a_folder_that_cannot_be_written_is_one_sentence(client, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        export(client, tmp_path / "file" / "out", n=5, seed=7)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_another_export_is_writing_is_left_alone(client, tmp_path):
    export(client, tmp_path, n=50, shards=3, only=[0], seed=7)
    (tmp_path / "bag").mkdir()
    for left in (".fake-00002-of-00003.tar.0badcafe.part", "bag/.000000000000001.png.0badcafe.part"):
        (tmp_path / left).write_bytes(b"cut off")
    writing = Part(tmp_path / "fake-00001-of-00003.tar")
    try:
        export(client, tmp_path, n=50, shards=3, only=[2], seed=7)
        assert [path.suffix for path in tmp_path.rglob(".*")] == [".part"]
        writing.commit()
    finally:
        writing.discard()
    assert not list(tmp_path.rglob(".*"))
    assert (tmp_path / "fake-00001-of-00003.tar").exists()
