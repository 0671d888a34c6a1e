"""Texts as people take them: str, lines, files, tensors, Hugging Face."""

import json

import numpy as np
import pytest
import torch

import augmint
from augmint.__main__ import main
from augmint.export import export
from augmint.huggingface import iterable_dataset
from augmint.kinds import text
from augmint.torch import SyntheticDataset, SyntheticStream, mix
from tests.client.fakes import FakeService, served
from tests.client.kinds.text.conftest import LENGTH, VOCABULARY, TextService


def spelled(array):
    return ["".join(VOCABULARY[one] for one in row) for row in array]


def test_samples_are_str(client):
    samples = client.generate("Greek", 20, seed=7)
    assert samples.array.dtype == np.int32
    assert samples.to_text() == spelled(samples.array)
    assert any("ש" in one for one in samples.to_text())
    with (
        augmint.Client(transport=FakeService()) as other,
        pytest.raises(augmint.InvalidRequest, match="makes image, not texts"),
    ):
        other.generate(n=1, classes=[0], seed=7).to_text()


def test_real_texts_get_the_ids_of_the_generator(client):
    description = client.describe()
    ids = text.encode(["the a", "e\u0301b", "a" * 9, ""], description)
    assert ids.dtype == np.int64
    assert ids.tolist() == [[9, 1, 0, 0, 0, 0], [3, 2, 0, 0, 0, 0], [1] * 6, [0] * 6]
    with pytest.raises(augmint.InvalidRequest, match="text 1, 'ax', has a character that generator 'fake' has not lea"):
        text.encode(["a", "ax"], description)


def test_loaders_give_ids_as_int64(target):
    data = SyntheticDataset(target, length=8, seed=7)
    assert data[0][0].dtype == torch.int64
    assert tuple(data[0][0].shape) == (LENGTH,)
    batch, labels = next(iter(SyntheticStream(target, batch_size=4, length=8, seed=7)))
    assert (batch.dtype, tuple(batch.shape), tuple(labels.shape)) == (torch.int64, (4, LENGTH), (4,))


def test_real_ids_are_mixed_with_synthetic_ones(target):
    real = [(torch.full((LENGTH,), 1), number % 2) for number in range(16)]
    mixed = mix(real, target, per_real=1.0, seed=7)
    samples = [mixed[position][0] for position in range(len(mixed))]
    assert {one.dtype for one in samples} == {torch.int64}
    assert {tuple(one.shape) for one in samples} == {(LENGTH,)}


def test_hugging_face_gets_str(target):
    data = iterable_dataset(target, length=5, seed=7)
    rows = list(data)
    assert all(isinstance(row["text"], str) for row in rows)
    assert data.features["text"].dtype == "string"


def test_lines_are_printed_and_the_rest_is_said_beside_them(target, capsys):
    assert main(["generate", "--target", target, "--label", "Greek", "-n", "6", "--seed", "7"]) == 0
    out, error = capsys.readouterr()
    with augmint.Client(target) as client:
        assert out.split("\n")[:-1] == client.generate("Greek", 6, seed=7).to_text()
    assert error.strip() == "6 samples of fake/1, seed 7"
    assert main(["generate", "--target", target, "-n", "2", "--seed", "7"]) == 0
    assert [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["Greek"] * 2 + ["Irish"] * 2


def test_json_lines_hold_text_and_label(target, tmp_path):
    path = tmp_path / "names.jsonl"
    assert main(["generate", "--target", target, "-n", "3", "--seed", "7", "--out", str(path)]) == 0
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    with augmint.Client(target) as client:
        samples = client.generate(classes=[0] * 3 + [1] * 3, seed=7)
    assert rows == [{"text": one, "label": label} for one, label in zip(samples.to_text(), samples.labels, strict=True)]


def test_a_file_of_lines_holds_one_label(target, tmp_path, capsys):
    path = tmp_path / "names.txt"
    assert main(["generate", "--target", target, "--label", "Irish", "-n", "3", "--seed", "7", "--out", str(path)]) == 0
    assert len(path.read_text(encoding="utf-8").split("\n")) == 4
    assert main(["generate", "--target", target, "-n", "3", "--seed", "7", "--out", str(tmp_path / "all.txt")]) != 0
    assert "a .txt file holds texts of one label" in capsys.readouterr().err
    assert not (tmp_path / "all.txt").exists()


def test_texts_with_line_breaks_are_no_lines_and_do_not_move_the_cursor(tmp_path, capsys):
    with served(TextService(("", "a", "\n", "\x1b"))) as target:
        assert main(["generate", "--target", target, "--label", "Greek", "-n", "9", "--seed", "7"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 9
        path = tmp_path / "x.txt"
        assert (
            main(["generate", "--target", target, "--label", "Greek", "-n", "9", "--seed", "7", "--out", str(path)])
            != 0
        )
    assert "may have line breaks" in capsys.readouterr().err
    assert text.shown("a\nb\x1b[2J\u2028") == "a\\nb\\x1b[2J\\u2028"


def test_parquet_holds_strings(target, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(target, tmp_path, n=10, format="parquet", seed=7)
    table = parquet.read_table(next(tmp_path.glob("*.parquet")))
    assert table.column_names == ["text", "label", "index", "address"]
    with augmint.Client(target) as client:
        samples = client.fetch(range(10), classes=table["label"].to_pylist(), seed=7)
    assert table["text"].to_pylist() == samples.to_text()


def test_a_notebook_shows_texts_escaped():
    with augmint.Client(transport=TextService(("", "<b>", "x"))) as client:
        page = client.generate("Greek", 9, seed=7)._repr_html_()
    assert "<b>x" not in page.replace("<b>fake/1</b>", "")
    assert "&lt;b&gt;" in page
