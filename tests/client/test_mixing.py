"""client/augmint/mixing.py"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import augmint
from augmint import mixing
from augmint.mixing import Advice, Amounts
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import LABELS, FakeService

DRAW = Advice("", 1.0, 0, 0, None)
SKIP = Advice("withheld", 1.0, 0, 0, None)
NAMES = ["a", "b", "c"]


def amounts(real, epoch=0, advice=(DRAW,) * 3, **how):
    return Amounts(**how).synthetic(epoch, np.array(real), NAMES, advice).tolist()


def test_topping_up_fills_scarce_classes_only():
    assert amounts([10, 50, 0], top_up=40) == [30, 0, 40]
    assert amounts([10, 50, 0], top_up="balance") == [40, 0, 50]
    assert amounts([10, 50, 0], top_up={"a": 100}) == [90, 0, 0]


def test_a_ratio_is_held_and_dealt_like_the_real_ones():
    assert amounts([10, 50, 0], ratio=0.5) == [10, 50, 0]
    assert amounts([10, 50, 40], ratio=0.2) == [3, 12, 10]


def test_an_amount_per_real_sample():
    assert amounts([10, 50, 3], per_real=2) == [20, 100, 6]
    assert amounts([10, 50, 3], per_real={"b": 0.5}) == [0, 25, 0]


@pytest.mark.parametrize("how", [{"ratio": 0.5}, {"top_up": "balance"}, {"per_real": 1}])
def test_a_class_that_is_not_to_be_drawn_gets_none(how):
    wanted = amounts([10, 50, 20], advice=[SKIP, DRAW, DRAW], **how)
    assert wanted[0] == 0
    assert sum(wanted) > 0


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3), st.floats(0, 0.9))
def test_the_share_of_synthetic_samples_is_the_ratio(real, ratio):
    total = sum(amounts(real, ratio=ratio))
    assert total == (round(ratio / (1 - ratio) * sum(real)) if sum(real) else 0)


def test_a_list_or_a_function_gives_each_epoch_its_own():
    assert [sum(amounts([50, 50, 0], epoch, ratio=[0.5, 0.2, 0])) for epoch in range(5)] == [100, 25, 0, 0, 0]
    assert [sum(amounts([5, 5, 5], epoch, top_up=lambda epoch: 10 * epoch)) for epoch in range(3)] == [0, 15, 45]
    assert [sum(amounts([5, 5, 5], epoch, top_up=["balance", {"a": 6}])) for epoch in range(2)] == [0, 1]


def test_without_an_amount_the_cards_recommendation_holds():
    advice = [Advice("", 1.0, 0, 0, 2.0), Advice("", 1.0, 0, 0, 0.5), Advice("recommends none", 1.0, 0, 0, 0.0)]
    assert amounts([10, 50, 20], advice=advice) == [20, 25, 0]
    with pytest.raises(augmint.InvalidRequest, match="recommends no amount"):
        amounts([10, 50, 20])


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"ratio": 1}, "ratio is 1;"),
        ({"ratio": "half"}, "ratio is 'half'"),
        ({"ratio": []}, "ratio is an empty list"),
        ({"ratio": [0.1, -1]}, "ratio is -1"),
        ({"ratio": 0.5, "top_up": 3}, "one of ratio, top_up and per_real, not ratio and top_up"),
        ({"top_up": 3.5}, "top_up is 3.5; it must be a whole number"),
        ({"top_up": "most"}, "top_up is 'most'"),
        ({"top_up": {"z": 5}}, "top_up names 'z', which is no class; they are a, b, c"),
        ({"per_real": -1}, "per_real is -1"),
        ({"per_real": True}, "per_real is True"),
        ({"per_real": float("nan")}, "per_real is nan"),
        ({"top_up": 2**30}, "synthetic samples in epoch 1"),
    ],
)
def test_a_wrong_amount_is_refused_and_named(how, named):
    with pytest.raises(augmint.InvalidRequest, match=named):
        amounts([1, 2, 3], epoch=1, **how)


def description(**quality):
    fake = FakeService()
    fake.quality = pb.QualityCard(**quality)
    with augmint.Client(transport=fake) as client:
        return client.describe()


def test_the_card_says_how_to_draw_each_class():
    card = description(
        verdict=pb.VERDICT_PASS,
        recommendation=pb.Recommendation(truncation=0.75, keep=1, of=2, synthetic_per_real=3),
        classes=[
            pb.ClassQuality(label="bag", verdict=pb.VERDICT_WITHHELD),
            pb.ClassQuality(label="coat", recommendation=pb.Recommendation(truncation=0.5, synthetic_per_real=0)),
            pb.ClassQuality(label="3", recommendation=pb.Recommendation(truncation=1.5, synthetic_per_real=9)),
        ],
    )
    assert mixing.advise(card, True, None, None, None) == [
        Advice("", 0.75, 1, 2, 3.0),
        Advice("withheld by its quality card", 0.75, 1, 2, 3.0),
        Advice("its quality card recommends none", 0.5, 0, 0, 0.0),
        Advice("", 1.5, 0, 0, 9.0),
    ]
    assert mixing.advise(card, False, None, None, None) == [Advice("", 1.0, 0, 0, None)] * 4
    assert {(one.truncation, one.keep, one.of) for one in mixing.advise(card, True, 0.9, 2, 3)} == {(0.9, 2, 3)}


def test_a_withheld_generator_is_withheld_in_every_class_that_is_not_judged_by_itself():
    card = description(
        verdict=pb.VERDICT_WITHHELD, classes=[pb.ClassQuality(label="bag", verdict=pb.VERDICT_PASS_WITH_WARNINGS)]
    )
    skipped = [bool(one.skip) for one in mixing.advise(card, True, None, None, None)]
    assert dict(zip(LABELS, skipped, strict=True)) == {"ankle boot": True, "bag": False, "coat": True, "3": True}


def test_an_epochs_order_depends_on_seed_and_epoch_alone():
    assert np.array_equal(mixing.shuffled(7, 3, 100), mixing.shuffled(7, 3, 100))
    assert sorted(mixing.shuffled(7, 3, 100).tolist()) == list(range(100))
    assert not np.array_equal(mixing.shuffled(7, 3, 100), mixing.shuffled(7, 4, 100))
    assert not np.array_equal(mixing.shuffled(7, 3, 100), mixing.shuffled(2**64 - 1, 3, 100))
