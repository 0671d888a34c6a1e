"""Tables from the real service, in a process of its own: rows computed by a graph, from the address."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import augmint
from augmint.__main__ import main
from augmint.sklearn import AugmintSampler
from service import artifact
from tests.client import tables


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    tables.publish(folder, "people")
    return folder


@pytest.fixture
def client(service):
    with augmint.Client(service.target) as client:
        yield client


def test_rows_are_those_of_the_file_run_by_bare_onnxruntime(client, models):
    samples = client.generate(classes=np.arange(50) % 2, seed=7, start_index=2**40)
    path = models / "people" / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {
        "seed": np.full(50, artifact.mix_seed(7)),
        "index": np.arange(2**40, 2**40 + 50, dtype=np.uint64),
        "label": np.arange(50) % 2,
        "truncation": np.ones(50, np.float32),
    }
    assert np.array_equal(samples.array, session.run(None, feed)[0], equal_nan=True)
    assert np.isnan(samples.array).any()


def test_one_address_is_one_row_in_any_batch(client):
    whole = client.generate(classes=np.arange(400) % 2, seed=7).to_frame()
    for positions in (np.array([399, 3, 3, 170]), np.arange(17, 40)):
        part = client.fetch(positions, classes=(positions % 2).tolist(), seed=7).to_frame()
        pd.testing.assert_frame_equal(part, whole.iloc[positions].reset_index(drop=True))


def test_rows_keep_what_the_description_says(client):
    frame = client.generate(classes=np.arange(1000) % 2, seed=7).to_frame()
    assert set(frame["job"].dropna()) == set(tables.CATEGORIES)
    assert frame["age"].between(20, 90).all()
    assert frame["children"].between(0, 9)[frame["children"].notna()].all()
    assert 0 < frame["children"].isna().sum() < 500
    assert (frame["amount"] == frame["amount"].round(2)).all()
    assert (frame["since"] == frame["since"].dt.normalize()).all()
    assert (frame["seen"].dropna() != frame["seen"].dropna().dt.normalize()).any()
    assert set(frame["income"]) == set(tables.LABELS)


def test_generate_export_and_the_sampler_tell_the_same_rows(client, service, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    command = ["--label", ">50K", "--seed", "7", "--target", service.target]
    assert main(["generate", "-n", "30", *command, "--out", str(out)]) == 0
    assert main(["export", "--n", "30", *command, "--format", "csv", "--out", str(tmp_path / "shards")]) == 0
    (shard,) = (tmp_path / "shards").glob("*.csv")
    assert out.read_bytes() == shard.read_bytes()
    frame = client.generate(classes=[0] * 60 + [1] * 10, seed=3).to_frame()
    sampler = AugmintSampler(service.target, random_state=7)
    found, labels = sampler.fit_resample(frame.drop(columns="income"), frame["income"])
    assert labels.value_counts().tolist() == [60, 60]
    (address,) = sampler.addresses_
    pd.testing.assert_frame_equal(
        found[70:].reset_index(drop=True), client.replay(address).to_frame().drop(columns="income")
    )
