"""client/augmint/kinds/table/encoding.py"""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch

import augmint
from augmint.kinds.table import encode_frame, features
from augmint.torch import SyntheticDataset, SyntheticStream, mix
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService
from tests.client.tables import SPEC, raw

NAN = np.nan
TABLE = pb.TableSpec(
    columns=[
        pb.ColumnSpec(name="job", categories=["a", "b", "c"], missing=True),
        pb.ColumnSpec(name="age", integer=True, minimum=-10, maximum=10, offset=40, missing=True),
        pb.ColumnSpec(name="owner", unit=pb.COLUMN_UNIT_TRUTH),
        pb.ColumnSpec(name="fixed", minimum=5, maximum=5),
    ]
)
ROWS = np.array([[1, 0, 1, 5], [NAN, NAN, 0, 5], [2, 10, 1, 5]], np.float32)
SPACE = [[0, 1, 0, 0, 0.5, 0, 1, 0], [0, 0, 0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0, 1, 0]]


@pytest.fixture
def description(samples_of):
    return samples_of(TABLE, ROWS).description


def test_features_are_one_hot_scaled_and_say_what_is_missing(description):
    space = features(description)
    names = ("job=a", "job=b", "job=c", "job missing", "age", "age missing", "owner", "fixed")
    assert space.names == names
    assert len(space) == 8
    found = space(ROWS)
    assert found.dtype == np.float32
    assert found.tolist() == SPACE
    assert space(ROWS[0]).tolist() == SPACE[0]
    assert pickle.loads(pickle.dumps(space))(ROWS).tolist() == SPACE


def test_tensors_come_back_as_tensors(description):
    found = features(description)(torch.from_numpy(ROWS))
    assert isinstance(found, torch.Tensor)
    assert found.tolist() == SPACE


def test_a_real_table_lies_in_the_same_space(description):
    frame = pd.DataFrame(
        {
            "city": ["left out"] * 3,
            "fixed": [5.0] * 3,
            "owner": [1, 0, 1],
            "age": [40.0, None, 50.0],
            "job": ["b", None, "c"],
        }
    )
    assert features(description)(encode_frame(description, frame)).tolist() == SPACE


def test_a_range_that_an_old_description_lacks_can_be_given(samples_of):
    description = samples_of(pb.TableSpec(columns=[pb.ColumnSpec(name="x", maximum=3)]), [[1]]).description
    with pytest.raises(augmint.InvalidRequest, match=r"'x' has no range: give one, ranges=\{'x': \(low, high\)\}"):
        features(description)
    assert features(description, {"x": (0, 4)})(np.float32([[1], [6]])).tolist() == [[0.25], [1.5]]


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        (np.zeros((2, 3)), r"shape \[2, 3\]; it must end in columns: 4"),
        (np.zeros((1, 2, 4)), r"shape \[1, 2, 4\]"),
        ([[0, 0, NAN, 5]], "'owner' misses a value, and the generator's never does"),
        ([[3, 0, 0, 5]], "'job' has an index outside its categories"),
    ],
)
def test_rows_of_something_else_are_refused(description, rows, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        features(description)(rows)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"job": ["d"]}, "'job' holds 'd', which the generator does not make: its values are a, b, c"),
        ({"age": ["old"]}, "'age' holds 'old'; the generator's holds whole numbers"),
        ({"owner": [2]}, "'owner' holds 2, which"),
    ],
)
def test_a_table_of_something_else_is_refused(description, change, named):
    frame = pd.DataFrame({"job": ["a"], "age": [3], "owner": [True], "fixed": [5]} | change)
    with pytest.raises(augmint.InvalidRequest, match=named):
        encode_frame(description, frame)
    with pytest.raises(augmint.InvalidRequest, match="makes a column 'job', which the table does not have"):
        encode_frame(description, frame.drop(columns="job"))


def test_what_is_no_table_has_no_features():
    with augmint.Client(transport=FakeService()) as client:
        for make in (features, lambda description: encode_frame(description, pd.DataFrame())):
            with pytest.raises(augmint.InvalidRequest, match="makes image, not rows of a table"):
                make(client.describe())


# -- in torch --------------------------------------------------------------------------------------------


def test_loaders_give_raw_rows_and_features_if_asked(client):
    data = SyntheticDataset(client, length=32, seed=7)
    rows, labels = next(iter(torch.utils.data.DataLoader(data, batch_size=32)))
    raw_rows = client.generate(classes=np.arange(32) % 2, seed=7).array
    assert rows.dtype == torch.float32
    assert np.array_equal(rows, raw_rows, equal_nan=True)
    assert labels.tolist() == [0, 1] * 16
    space = features(client.describe(), {"children": (0, 9)})
    other = SyntheticDataset(client, length=32, seed=7, transform=space)
    assert torch.equal(torch.stack([row for row, _ in other]), space(torch.from_numpy(raw_rows)))
    stream = SyntheticStream(client, batch_size=8, length=32, seed=7, transform=space)
    assert torch.equal(torch.cat([batch for batch, _ in stream]), space(torch.from_numpy(raw_rows)))


def test_real_rows_mix_with_synthetic_ones(client):
    random = np.random.default_rng(0)
    rows = raw(SPEC, random.random((20, 9)), random.random((20, 9)) < 0.2)
    real = torch.utils.data.TensorDataset(torch.from_numpy(rows), torch.tensor([0] * 16 + [1] * 4))
    space = features(client.describe())
    batches = list(
        mix(real, client, top_up="balance", transform=space, seed=7, names={0: "<=50K", 1: ">50K"}).loader(8)
    )
    assert sum(len(labels) for _, labels in batches) == 32
    assert all(batch.shape[1] == len(space) and batch.isfinite().all() for batch, _ in batches)


def test_pictures_of_rows_are_refused(client):
    with pytest.raises(augmint.InvalidRequest, match="form is \"pil\", but generator 'fake' makes table, not images"):
        SyntheticDataset(client, length=3, form="pil")
