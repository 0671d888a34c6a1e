"""The benchmark of carrying, on rows and images that the test makes."""

import json

import numpy as np
import pandas
import pytest

from benchmarks.transform import __main__ as transform


@pytest.fixture
def lines(tmp_path, monkeypatch):
    def run(*arguments):
        out = tmp_path / "lines.jsonl"
        short = ["--steps", "2", "--learn", "2", "--judge-steps", "20", "--out", str(out)]
        monkeypatch.setattr("sys.argv", ["transform", *map(str, arguments), *short])
        assert transform.main() == 0
        return [json.loads(line)["row"] for line in out.read_text().splitlines()]

    return run


def test_rows_have_what_is_recognised_and_kept_and_are_themselves_again(lines, tmp_path):
    random = np.random.default_rng(0)
    label = random.choice(["no", "yes"], 400)
    near = random.choice(["a", "b", "c"], 400)
    pandas.DataFrame({"x": random.normal(size=400) + (label == "yes"), "near": near, "label": label}).to_csv(
        tmp_path / "rows.csv", index=False
    )
    first, *rest = lines(tmp_path / "rows.csv", "--preset", "tabgan")
    assert first["generator"] == "tabgan, 2 steps"
    assert 0 <= first["recognised %"] <= 100
    assert first["error made again %"] < 1  # the draws that made a row make it again, whatever was learned
    assert first["autoencoder's %"] is None
    assert {row["class"] for row in rest if "class" in row} == {"no", "yes"}
    assert {row["property"] for row in rest if "property" in row} == {"x", "near"}


def test_images_have_an_autoencoder_beside_them_and_a_picture(lines, tmp_path):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    images = random.integers(0, 90, (200, 8, 8)).astype(np.uint8)
    images[labels == 1, :4] += 120
    np.savez(tmp_path / "images.npz", images=images, labels=labels)
    picture = tmp_path / "carried.png"
    first, *_ = lines(tmp_path / "images.npz", "--picture", picture, "--autoencoder", 2)
    assert 0 < first["autoencoder's %"] < 100
    assert picture.read_bytes().startswith(b"\x89PNG")
