"""`augmint transform`: files in, files of the same names out."""

import json
import wave

import numpy as np
import pandas
import pytest
from PIL import Image

from augmint.__main__ import main
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService, served
from tests.client.test_transform import TABLE

CONTENT = np.random.default_rng(3).integers(0, 200, (3, 4, 5, 3), dtype=np.uint8)


@pytest.fixture
def fake():
    return FakeService()


@pytest.fixture
def target(fake):
    with served(fake) as target:
        yield target


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "real"
    (folder / "inner").mkdir(parents=True)
    for name, one in zip(("b.png", "inner/a.PNG", "c.bmp"), CONTENT, strict=True):
        Image.fromarray(one).save(folder / name)
    (folder / "notes.md").write_text("no sample")
    return folder


def run(target, *arguments):
    return main(["transform", "--target", target, *map(str, arguments)])


def test_a_folder_of_pictures_becomes_one_of_the_same_names(fake, target, pictures, tmp_path, capsys):
    out = tmp_path / "made"
    assert run(target, pictures, "--label", "3", "--strength", "0.5", "--out", out) == 0
    assert capsys.readouterr().out == f"{out}: 3 samples in 3 files, carried into '3' by fake/1\n"
    assert sorted(one.relative_to(out).as_posix() for one in out.rglob("*.*")) == ["b.png", "c.png", "inner/a.png"]
    for name, one in zip(("b.png", "inner/a.png", "c.png"), CONTENT, strict=True):
        wanted = fake.moved(one[None], [3], None, 0.5)[0][0]
        assert np.array_equal(np.asarray(Image.open(out / name)), wanted)
    assert len(fake.carried) == 1  # not a call for each


def test_one_file_and_json(fake, target, pictures, tmp_path, capsys):
    out = tmp_path / "made"
    assert run(target, pictures / "b.png", "--label", "coat", "--source", "bag", "--json", "--out", out) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["folder"], told["files"], told["samples"], told["label"]) == (str(out), 1, 1, "coat")
    assert told["source_labels"] == {"bag": 1}
    assert np.array_equal(np.asarray(Image.open(out / "b.png")), fake.moved(CONTENT[:1], [2], np.array([1]), 1)[0][0])


def test_arrays_stay_arrays(fake, target, tmp_path):
    np.save(tmp_path / "a.npy", CONTENT)
    np.savez(tmp_path / "b.npz", array=CONTENT[:2], labels=np.array(["x", "y"]))
    for name in ("a.npy", "b.npz"):
        assert run(target, tmp_path / name, "--label", "3", "--out", tmp_path / "made") == 0
    with np.load(tmp_path / "made" / "a.npz") as found:
        assert np.array_equal(found["array"], fake.moved(CONTENT, [3], None, 1.0)[0])
        assert found["labels"].tolist() == ["3"] * 3
        assert len(found["source_labels"]) == 3
    with np.load(tmp_path / "made" / "b.npz") as found:
        assert len(found["array"]) == 2


def test_rows_stay_in_their_file(fake, target, tmp_path):
    fake.sample = TABLE
    frame = pandas.DataFrame({"age": [33, 44], "town": ["Jena", "Ulm"], "pay": [1.5, None], "income": ["3", "bag"]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    frame.to_json(tmp_path / "rows.jsonl", orient="records", lines=True)
    for name in ("rows.csv", "rows.parquet", "rows.jsonl"):
        assert run(target, tmp_path / name, "--label", "3", "--source", "coat", "--out", tmp_path / "made") == 0
    made = pandas.read_csv(tmp_path / "made" / "rows.csv")
    assert made.age.tolist() == [34, 45]
    assert made.town.tolist() == ["Bonn", "Jena"]
    assert made.income.tolist() == [3, 3]
    assert pandas.read_parquet(tmp_path / "made" / "rows.parquet").age.tolist() == [34, 45]
    lines = [json.loads(line) for line in (tmp_path / "made" / "rows.jsonl").read_text().splitlines()]
    assert [line["pay"] for line in lines] == [2.5, None]


def test_texts_are_lines_and_sounds_are_files(fake, target, tmp_path):
    fake.sample = pb.SampleSpec(
        shape=[4], dtype=pb.DATA_TYPE_INT32, text=pb.TextSpec(vocabulary=["", "a", "b", "c"], end_id=0)
    )
    (tmp_path / "texts.txt").write_text("ab\nc\n")
    same = ("--label", "3", "--source", "3", "--out", tmp_path / "made")
    assert run(target, tmp_path / "texts.txt", *same) == 0
    assert (tmp_path / "made" / "texts.txt").read_text() == "ab\nc\n"
    fake.version = 2
    fake.sample = pb.SampleSpec(shape=[6], dtype=pb.DATA_TYPE_INT16, audio=pb.AudioSpec(sample_rate_hz=8000))
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(np.arange(6, dtype="<i2").tobytes())
    assert run(target, tmp_path / "a.wav", *same) == 0
    assert (tmp_path / "made" / "a.wav").read_bytes() == (tmp_path / "a.wav").read_bytes()


@pytest.mark.parametrize(
    ("prepare", "arguments", "sentence"),
    [
        (lambda f: None, ["{f}/none", "--label", "3"], "none: there is no such file or folder"),
        (lambda f: (f / "b.png").write_bytes(b"x"), ["{f}", "--label", "3"], "b.png: it is no image that can be read"),
        (
            lambda f: Image.new("RGB", (9, 9)).save(f / "b.png"),
            ["{f}", "--label", "3"],
            "b.png: image 0 is 9 x 9; generator 'fake' takes 5 x 4",
        ),
        (lambda f: None, ["{f}/notes.md", "--label", "3"], "is no file of image samples: .png, .jpg"),
        (lambda f: None, ["{f}", "--label", "4"], "has no label '4'"),
        (lambda f: None, ["{f}", "--label", "3", "--strength", "2"], "strength is 2.0; it must be a number in [0, 1]"),
        (lambda f: None, ["{f}", "--label", "3", "--out", "{f}"], "is the folder of the samples themselves"),
        (lambda f: None, ["{f}", "--label", "3", "--out", "{f}/b.png"], "is a file; name a folder"),
        (lambda f: Image.new("L", (5, 4)).save(f / "b.bmp"), ["{f}", "--label", "3"], "would both become"),
        (lambda f: np.savez(f / "d.npz", x=[1]), ["{f}/d.npz", "--label", "3"], "d.npz: it holds no `array`, but x"),
        (lambda f: (f / "d.npz").write_bytes(b"x"), ["{f}/d.npz", "--label", "3"], "d.npz cannot be read as .npz"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(target, pictures, tmp_path, capsys, prepare, arguments, sentence):
    prepare(pictures)
    given = [argument.format(f=pictures) for argument in arguments]
    given += [] if "--out" in given else ["--out", str(tmp_path / "made")]
    assert run(target, *given) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1
    assert not list((tmp_path / "made").rglob("*.png"))


def test_a_generator_that_cannot_and_an_absent_service_say_so(fake, target, pictures, tmp_path, capsys):
    fake.transforms = False
    assert run(target, pictures, "--label", "3", "--out", tmp_path / "made") == 2
    assert "cannot transform: its file has no encoder" in capsys.readouterr().err
    assert (
        main(["transform", str(pictures), "--label", "3", "--out", str(tmp_path / "m"), "--target", "127.0.0.1:9"]) == 3
    )
