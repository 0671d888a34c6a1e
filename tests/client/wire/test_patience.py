"""client/augmint/wire/patience.py"""

import itertools
import pickle

import pytest

from augmint.v1 import generator_pb2 as pb
from augmint.wire.patience import MOST_FILES, RECENT, SHORTEST_S, TIMES, UNMET_S, Patience, moments


def page(n=64, digest="a", of=0):
    return pb.GenerateRequest(n=n, digest=digest, keep=1 if of else 0, of=of)


def described(speed, shape=(28, 28, 1), digest="a"):
    answer = pb.GetGeneratorResponse()
    answer.status.digest, answer.status.capacity_samples_per_second = digest, speed
    answer.generator.sample.shape.extend(shape)
    answer.generator.sample.dtype = pb.DATA_TYPE_UINT8
    return answer


@pytest.fixture
def patience():
    patience = Patience()
    patience.met = True
    return patience


def test_of_a_service_that_never_answered_grpc_tells_more_than_a_clock():
    assert Patience().late(page()) >= UNMET_S
    assert Patience().late(pb.ListGeneratorsRequest()) == UNMET_S


def test_a_fast_service_is_late_soon(patience):
    for _ in range(100):
        patience.took(page(), 0.02)
    assert patience.late(page()) == SHORTEST_S
    assert patience.late(pb.GetGeneratorRequest()) == SHORTEST_S


def test_a_slow_service_is_waited_for_as_long_as_it_takes(patience):
    patience.took(page(), 5.0)
    assert patience.late(page()) == TIMES * 5.0


def test_a_page_before_the_first_is_given_what_the_service_promises(patience):
    patience.learn(described(speed=10_000))
    fast = patience.late(page(1000))
    patience.learn(described(speed=10, digest="b"))
    slow = patience.late(page(1000, "b"))
    assert SHORTEST_S < fast < 5
    assert slow > 8 * 1000 / 10
    patience.learn(described(speed=10_000, shape=(1024, 1024, 3), digest="c"))
    assert patience.late(page(64, "c")) > 64 * 3 * 2**20 / 2**20  # a line of a MiB/s takes so long


def test_more_samples_and_more_candidates_are_given_more_time(patience):
    patience.took(page(64), 1.0)
    assert patience.late(page(640)) == TIMES * 10
    assert patience.late(page(64, of=8)) == TIMES * 8
    assert patience.late(page(1)) == TIMES  # it may wait in the same queue


def test_one_answer_in_many_that_was_slow_changes_nothing(patience):
    for _ in range(RECENT - 1):
        patience.took(page(), 0.1)
    patience.took(page(), 50.0)
    assert patience.late(page()) == SHORTEST_S


def test_what_is_slow_from_now_on_is_believed(patience):
    for _ in range(RECENT):
        patience.took(page(), 0.1)
    for _ in range(RECENT // 8):
        patience.took(page(), 3.0)
    assert patience.late(page()) == TIMES * 3.0


def test_generators_are_not_mistaken_for_each_other_and_old_ones_forgotten(patience):
    patience.took(page(digest="slow"), 9.0)
    patience.took(page(), 0.1)
    assert patience.late(page()) == SHORTEST_S
    for number in range(2 * MOST_FILES):
        patience.took(page(digest=str(number)), 0.1)
    assert len(patience._took) == MOST_FILES


def test_a_workers_copy_knows_what_was_known(patience):
    patience.took(page(), 5.0)
    assert pickle.loads(pickle.dumps(patience)).late(page()) == TIMES * 5.0


def test_the_moments_to_ask_again_grow_apart():
    assert list(itertools.islice(moments(None, 1.5), 4)) == [(1.5, True), (4.5, True), (10.5, True), (22.5, True)]


def test_a_hedge_comes_before_that_and_over_the_same_connection():
    assert list(itertools.islice(moments(0.5, 1.5), 2)) == [(0.5, False), (1.5, True)]
    assert list(itertools.islice(moments(5.0, 1.5), 2)) == [(1.5, True), (4.5, True)]


def test_to_carry_samples_is_another_matter_than_to_make_them(patience):
    """Slower, and the samples go both ways; what one takes says nothing of the other."""
    patience.learn(described(1000))
    sent = pb.TransformRequest(digest="a", data=bytes(64 * 784))
    assert patience.late(sent) > 2 * patience.late(page())
    for _ in range(RECENT):
        patience.took(page(), 0.01)
    assert patience.late(sent) > 2 * SHORTEST_S
    for _ in range(RECENT):
        patience.took(sent, 1.0)
    assert patience.late(sent) == pytest.approx(TIMES)
    assert patience.late(pb.TransformRequest(digest="a", data=bytes(128 * 784))) == pytest.approx(2 * TIMES)
    assert patience.late(page()) == SHORTEST_S
