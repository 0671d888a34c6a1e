import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data.splits import split
from training.kinds import load
from training.study import Scenario, ScenarioError


@pytest.fixture(scope="module")
def digits():
    data = load("digits")
    return data, split(data)


def test_all_is_the_training_split(digits):
    data, splits = digits
    assert np.array_equal(Scenario.parse("all").choose(data, splits, 3), splits.train)


def test_per_class_draws_as_many_of_each_and_others_for_another_seed(digits):
    data, splits = digits
    scenario = Scenario.parse(" 20  per class")
    first, again, other = (scenario.choose(data, splits, seed) for seed in (0, 0, 1))
    assert data.counts(first).tolist() == [20] * 10
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.isin(first, splits.train).all()


def test_imbalance_is_a_long_tail_of_that_factor(digits):
    data, splits = digits
    counts = data.counts(Scenario.parse("imbalance 10").choose(data, splits, 0))
    assert counts[0] / counts[-1] == pytest.approx(10, rel=0.1)
    assert all(counts[:-1] > counts[1:])


def test_a_long_tail_may_begin_lower(digits):
    data, splits = digits
    counts = data.counts(Scenario.parse("imbalance 10 from 50").choose(data, splits, 0))
    assert counts[0] == 50
    assert counts[-1] == 5


def test_samples_come_in_the_parts_of_the_training_split():
    scenario = Scenario.parse("50 samples")
    assert scenario._wanted(np.array([300, 100, 1])).tolist() == [37, 12, 2]
    assert Scenario.parse("10 samples")._wanted(np.array([50, 30, 20])).tolist() == [5, 3, 2]


@given(st.lists(st.integers(2, 2000), min_size=1, max_size=12), st.data())
def test_so_many_samples_are_drawn_and_no_class_is_left_out(available, data):
    total = data.draw(st.integers(2, sum(available)))
    wanted = Scenario.parse(f"{total} samples")._wanted(np.array(available))
    assert wanted.min() >= 2
    assert wanted.sum() >= total
    assert wanted.sum() <= total + 2 * len(available)


def test_rare_classes_have_a_share_of_the_largest_wherever_it_stands():
    available = np.array([40, 900, 60])
    assert Scenario.parse("1:50")._wanted(available).tolist() == [18, 900, 18]
    assert Scenario.parse("1:50 from 500")._wanted(available).tolist() == [10, 500, 10]
    assert Scenario.parse("1:500 from 500")._wanted(available).tolist() == [2, 500, 2]


def test_more_than_there_is_cannot_be_had(digits):
    with pytest.raises(ScenarioError, match=r"'5000 per class' needs 5000 training samples of class '.'; there are 1"):
        Scenario.parse("5000 per class").choose(*digits, 0)


@given(
    st.text(max_size=30)
    | st.from_regex(r"(imbalance|per class|all|1:)? ?-?\d* ?(per class|samples|from)? ?\d*", fullmatch=True)
)
def test_any_text_is_a_scenario_or_refused_in_one_sentence(text):
    try:
        scenario = Scenario.parse(text)
    except ScenarioError as error:
        scenario, refusal = None, str(error)
    if scenario is None:
        assert "there are: all, N per class" in refusal
    else:
        assert Scenario.parse(scenario.name) == scenario
