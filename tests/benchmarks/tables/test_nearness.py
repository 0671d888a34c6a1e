import numpy as np
import pytest
from sklearn.metrics import pairwise_distances, roc_auc_score

from benchmarks.tables import nearness
from benchmarks.tables.nearness import Space
from tests.benchmarks.tables import made


@pytest.fixture(scope="module")
def data():
    return made.of(train=1500, test=1500)


def test_copies_are_nearer_to_what_they_are_of_and_give_it_away(data):
    found = nearness.nearness(Space(data), data.train, data.train, data.test)
    assert found.nearer == 1
    assert found.exact == 1
    assert found.held_exact == 0
    assert found.auc == 1
    assert found.nearer_high == found.auc_high == 1


def test_independent_rows_are_near_to_either_by_chance(data):
    found = nearness.nearness(Space(data), made.independent(data, 1500), data.train, data.test)
    assert found.nearer == pytest.approx(0.5, abs=0.05)
    assert found.nearer_low < 0.5 < found.nearer_high
    assert found.auc == pytest.approx(0.5, abs=0.04)
    assert found.auc_low < 0.5 < found.auc_high
    assert found.exact == 0


def test_rows_beside_training_rows_are_seen_though_none_is_equal(data):
    shifted = data.train.assign(pay=data.train["pay"] + 0.5)
    found = nearness.nearness(Space(data), shifted, data.train, data.test)
    assert found.exact == 0
    assert found.nearer > 0.9
    assert found.auc > 0.9


def test_the_shares_of_copies_are_counted(data):
    mixed = made.independent(data, 1500)
    mixed.iloc[:300] = data.train.iloc[:300]
    held = data.test.copy()
    held.iloc[:150] = data.train.iloc[:150]
    found = nearness.nearness(Space(data), mixed, data.train, held)
    assert found.exact == pytest.approx(0.2)
    assert found.held_exact == pytest.approx(0.1)


def test_as_many_rows_of_both_are_demanded(data):
    with pytest.raises(ValueError, match="1500 training rows and 1499 held-out ones"):
        nearness.nearness(Space(data), data.train, data.train, data.test.iloc[1:])


def test_the_nearest_is_the_nearest_both_ways():
    random = np.random.default_rng(0)
    few, many = random.normal(size=(30, 4)), random.normal(size=(2500, 4))
    wanted = pairwise_distances(many, few, metric="sqeuclidean")
    found = nearness.nearest(many, few)
    assert found.made == pytest.approx(wanted.min(1), abs=1e-8)
    assert (found.owner == wanted.argmin(1)).all()
    assert found.real == pytest.approx(wanted.min(0), abs=1e-8)


def test_neither_a_unit_nor_an_outlier_decides(data):
    space = Space(data).points(data.test)
    other = made.of(train=1500, test=1500)
    for part in (other.train, other.test):
        part["pay"] = np.float32(np.exp(part["pay"] / 100))
    assert Space(other).points(other.test) == pytest.approx(space)


def test_categories_and_missing_values_are_one_apart(data):
    row = data.train[data.train["town"].notna()].iloc[[0]]
    others = [row.assign(town=np.nan), row.assign(town="nowhere"), row.assign(job="king"), row.assign(age=np.nan)]
    space = Space(data)
    apart = [((space.points(other) - space.points(row)) ** 2).sum() for other in others]
    assert apart[:3] == pytest.approx([1, 1, 1])
    assert 1 <= apart[3] <= 1.25


def test_the_area_is_scikit_learns():
    random = np.random.default_rng(1)
    first, second = random.normal(0.3, 1, 90).round(1), random.normal(size=70).round(1)
    wanted = roc_auc_score(np.repeat([1, 0], [90, 70]), np.concatenate([first, second]))
    assert nearness.area(first, second) == pytest.approx(wanted)
