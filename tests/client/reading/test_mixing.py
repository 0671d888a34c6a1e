"""client/augmint/reading/mixing.py"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import augmint
from augmint.reading import dealing, mixing
from augmint.reading.dealing import Epoch
from augmint.reading.mixing import Advice, Amounts
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import LABELS, FakeService

DRAW = Advice("", 1.0, 0, 0, None)
SKIP = Advice("withheld", 1.0, 0, 0, None)
NAMES = ["a", "b", "c"]


def plan(real, epoch=0, advice=(DRAW,) * 3, **how):
    return Amounts(**how).plan(epoch, np.array(real), NAMES, advice)


def amounts(real, epoch=0, advice=(DRAW,) * 3, **how):
    return [portion.synthetic for portion in plan(real, epoch, advice, **how)]


def repeats(real, epoch=0, advice=(DRAW,) * 3, **how):
    return [portion.repeated for portion in plan(real, epoch, advice, **how)]


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


HOW = st.one_of(
    st.builds(lambda value: {"ratio": value}, st.floats(0, 0.9)),
    st.builds(lambda value: {"top_up": value}, st.integers(0, 3000)),
    st.just({"top_up": "balance"}),
    st.builds(lambda value: {"top_up": {"b": value}}, st.integers(0, 3000)),
    st.builds(lambda value: {"per_real": value}, st.floats(0, 20)),
    st.builds(lambda value: {"per_real": {"c": value}}, st.floats(0, 20)),
)
COUNTS = st.lists(st.integers(0, 1000), min_size=3, max_size=3)


@given(COUNTS, HOW, st.lists(st.sampled_from([DRAW, SKIP]), min_size=3, max_size=3))
def test_what_is_asked_for_holds_for_every_class_whatever_may_be_drawn(real, how, advice):
    """As without any advice against it: real samples fill in, and where there are none either, that is said."""
    asked = [portion.total for portion in plan(real, **how)]
    for portion, want, entry in zip(plan(real, advice=advice, **how), asked, advice, strict=True):
        assert portion.total + portion.missing == want
        assert not (entry is SKIP and portion.synthetic)
        assert not (entry is DRAW and portion.lacks)
        assert not (portion.real and portion.missing)
        assert portion.note == entry.skip


def test_a_class_that_must_not_be_drawn_is_repeated_to_what_was_asked_for():
    advice = [DRAW, DRAW, SKIP]
    assert repeats([500, 50, 8], advice=advice, top_up="balance") == [0, 0, 492]
    assert amounts([500, 50, 8], advice=advice, top_up="balance") == [0, 450, 0]
    assert (amounts([10, 50, 40], advice=advice, ratio=0.2), repeats([10, 50, 40], advice=advice, ratio=0.2)) == (
        [3, 12, 0],
        [0, 0, 10],
    )
    assert repeats([10, 50, 40], advice=advice, per_real=2) == [0, 0, 80]
    assert [portion.missing for portion in plan([10, 50, 0], advice=advice, top_up=60)] == [0, 0, 60]


@given(COUNTS, st.lists(st.integers(0, 3000), min_size=3, max_size=3), st.integers(0, 2**64 - 1), st.integers(0, 99))
def test_real_samples_of_a_class_come_again_as_often_as_each_other_or_once_more(real, times, seed, epoch):
    times = np.where(np.array(real) > 0, times, 0)
    members = np.split(np.random.default_rng(0).permutation(sum(real)), np.cumsum(real)[:-1])
    got = dealing.again(members, times, seed, epoch)
    assert np.array_equal(got, dealing.again(members, times, seed, epoch))
    often = np.bincount(got, minlength=sum(real))
    for own, count in zip(members, times.tolist(), strict=True):
        assert often[own].sum() == count
        assert len(own) == 0 or np.ptp(often[own]) <= 1


def test_every_real_sample_has_its_turn_to_come_once_more():
    often = sum(np.bincount(dealing.again([np.arange(8)], np.array([11]), 7, epoch), minlength=8) for epoch in range(8))
    assert often.tolist() == [11] * 8


@given(COUNTS.filter(any), HOW, st.lists(st.sampled_from([DRAW, SKIP]), min_size=3, max_size=3), st.integers(0, 99))
def test_an_epoch_holds_each_of_its_samples_once_in_an_order_of_its_own(real, how, advice, number):
    members = np.split(np.arange(sum(real)), np.cumsum(real)[:-1])
    epoch, again = (Epoch.of(number, 7, Amounts(**how), members, NAMES, advice) for _ in range(2))
    assert np.array_equal(epoch.order, again.order)
    assert len(epoch) == sum(portion.total for portion in epoch.portions) == len(epoch.real) + len(epoch.classes)
    is_real, positions, synthetic = epoch.at(range(len(epoch)))
    assert np.array_equal(~is_real, epoch.synthetic)
    assert set(positions.tolist()) == set(range(sum(real)))
    assert sorted(synthetic.tolist()) == list(range(len(epoch.classes)))
    kinds = np.repeat(np.arange(3), real)[positions]
    totals = np.bincount(kinds, minlength=3) + np.bincount(epoch.classes[synthetic], minlength=3)
    assert totals.tolist() == [portion.total for portion in epoch.portions]


def test_one_sentence_says_what_comes_instead_of_synthetic_samples():
    absent = Advice("the generator does not have it", 1.0, 0, 0, None)
    assert mixing.instead(plan([20, 8, 3], advice=[SKIP, absent, SKIP], top_up=20)[1:]) == (
        "no synthetic samples of b (the generator does not have it), no synthetic samples of c (withheld): "
        "real ones are drawn more often instead, each so many times an epoch: b 2 or 3, c 6 or 7"
    )
    assert mixing.instead(plan([20, 20, 0], advice=[DRAW, DRAW, SKIP], top_up=20)[2:]) == (
        "no synthetic samples of c (withheld): there are no real ones of c either, which the epoch lacks"
    )


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
    # What it recommends in general, the mean if it does not say, is what classes of which it recommends less have, too.
    assert repeats([12, 48, 24], advice=advice) == [0, 16, 20]
    usual = [replace(entry, usual=1.0) for entry in advice]
    assert (amounts([10, 50, 20], advice=usual), repeats([10, 50, 20], advice=usual)) == ([20, 25, 0], [0, 25, 20])
    assert plan([10, 50, 20], advice=usual)[1].note == "its quality card recommends fewer than of others"
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
        ({"top_up": 2**30}, "samples to add in epoch 1"),
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
        Advice("", 0.75, 1, 2, 3.0, 3.0),
        Advice("withheld by its quality card", 0.75, 1, 2, 3.0, 3.0),
        Advice("its quality card recommends none", 0.5, 0, 0, 0.0, 3.0),
        Advice("", 1.5, 0, 0, 9.0, 3.0),
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
    assert np.array_equal(dealing.shuffled(7, 3, 100), dealing.shuffled(7, 3, 100))
    assert sorted(dealing.shuffled(7, 3, 100).tolist()) == list(range(100))
    assert not np.array_equal(dealing.shuffled(7, 3, 100), dealing.shuffled(7, 4, 100))
    assert not np.array_equal(dealing.shuffled(7, 3, 100), dealing.shuffled(2**64 - 1, 3, 100))
