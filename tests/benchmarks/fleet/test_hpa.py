"""The autoscaler's arithmetic, against situations worked out by hand from Kubernetes' description of it."""

import pytest

from benchmarks.fleet.hpa import Autoscaler, Behavior, Fallback, external_replicas, pods_replicas


@pytest.mark.parametrize(
    ("total", "replicas", "wanted"),
    [
        (2.1, 3, 3),  # exactly the target of 0.7 each
        (2.3, 3, 3),  # 9.5 % above: tolerated
        (2.32, 3, 4),  # 10.5 % above
        (1.9, 3, 3),  # 9.5 % below
        (1.4, 3, 2),
        (0.0, 3, 0),
        (7.0, 1, 10),  # straight to what is wanted, however few there are
        (0.7, 0, 1),
    ],
)
def test_a_fleets_total_is_divided_by_the_target_unless_it_is_near_enough(total, replicas, wanted):
    assert external_replicas(total, 0.7, replicas) == wanted


PODS = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("values", "pending", "wanted"),
    [
        ({"a": 1, "b": 1, "c": 1, "d": 1}, [], 4),
        ({"a": 1.05, "b": 1.05, "c": 1.05, "d": 1.05}, [], 4),  # tolerated
        ({"a": 2, "b": 2, "c": 2, "d": 2}, [], 8),
        ({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}, [], 2),
        # c and d have no value: taken as 0 when the others want more ...
        ({"a": 3, "b": 3}, [], 6),
        # ... which may turn the decision round: then nothing changes;
        ({"a": 1.5, "b": 1.5}, [], 4),
        # and as the target when the others want fewer.
        ({"a": 0.2, "b": 0.2}, [], 3),
        # Pods that do not run yet count as 0 against more, and do not count at all against fewer.
        ({"a": 2, "b": 2}, ["c", "d"], 4),
        ({"a": 5, "b": 5}, ["c", "d"], 10),
        ({"a": 0.25, "b": 0.25}, ["c", "d"], 1),
    ],
)
def test_pods_without_a_value_speak_against_the_change(values, pending, wanted):
    assert pods_replicas(values, 1.0, PODS, pending) == wanted


def test_without_any_value_nothing_is_decided():
    with pytest.raises(ValueError, match="no running pod"):
        pods_replicas({"d": 1}, 1.0, PODS, pending=["d"])


def rules(window, *policies, select="Max"):
    named = [{"type": kind, "value": value, "periodSeconds": seconds} for kind, value, seconds in policies]
    return {"stabilizationWindowSeconds": window, "selectPolicy": select, "policies": named}


FREE = rules(0, ("Percent", 1000, 15))


def play(behavior, wanted, start=1, step=15.0):
    """Pods after each look."""
    found = []
    replicas = start
    for number, each in enumerate(wanted):
        replicas = behavior.step(number * step, replicas, each)
        found.append(replicas)
    return found


def test_pods_stay_between_the_least_and_the_most():
    assert play(Behavior(2, 5, {"scaleUp": FREE, "scaleDown": FREE}), [0, 9, 0], start=3) == [2, 5, 2]


def test_down_waits_until_nothing_more_was_wanted_for_the_whole_window():
    behavior = Behavior(1, 10, {"scaleUp": FREE, "scaleDown": rules(60, ("Percent", 100, 15))})
    # 6 is wanted at 0 s and 30 s; it is forgotten at 90 s.
    assert play(behavior, [6, 2, 6, 2, 2, 2, 2, 2]) == [6, 6, 6, 6, 6, 6, 2, 2]


def test_up_waits_until_nothing_less_was_wanted_for_the_whole_window():
    behavior = Behavior(1, 10, {"scaleUp": rules(30, ("Percent", 1000, 15)), "scaleDown": FREE})
    assert play(behavior, [1, 8, 8, 8]) == [1, 1, 8, 8]


def test_policies_limit_the_change_within_their_period_and_the_larger_counts():
    up = rules(0, ("Percent", 100, 30), ("Pods", 4, 30))
    # At most 4 more, or twice as many, as 30 s ago.
    assert play(Behavior(1, 100, {"scaleUp": up, "scaleDown": FREE}), [100] * 5) == [5, 5, 10, 10, 20]
    up = rules(0, ("Percent", 100, 30), ("Pods", 4, 30), select="Min")
    assert play(Behavior(1, 100, {"scaleUp": up, "scaleDown": FREE}), [100] * 5) == [2, 2, 4, 4, 8]


def test_down_policies_limit_too_and_a_part_of_a_pod_is_a_pod():
    down = rules(0, ("Percent", 25, 60), ("Pods", 1, 60))
    behavior = Behavior(1, 100, {"scaleUp": FREE, "scaleDown": down})
    # A quarter of 10 is 2.5: to 7; a minute later a quarter of 7: to 5; then 3, 2, 1.
    assert play(behavior, [1] * 6, start=10, step=60.0) == [7, 5, 3, 2, 1, 1]


def test_a_way_can_be_closed():
    shut = rules(0, ("Pods", 1, 15), select="Disabled")
    assert play(Behavior(1, 9, {"scaleUp": FREE, "scaleDown": shut}), [5, 1, 1]) == [5, 5, 5]


RULES = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [{"type": "Pods", "value": 9, "periodSeconds": 1}],
}
FALLBACK = {"failureThreshold": 3, "replicas": 2}


def without_answer(target: float, replicas: int, looks: int = 8) -> list[int]:
    """Pods after each look without an answer, of a fleet of 1 to 9."""
    behavior = Behavior(1, 9, {"scaleUp": RULES, "scaleDown": RULES})
    autoscaler = Autoscaler(target, Fallback(FALLBACK, target), behavior)
    counts = []
    for now in range(looks):
        replicas = autoscaler.look(now, None, replicas)
        counts.append(replicas)
    return counts


def test_without_an_answer_a_fleet_stays_and_one_below_the_fallback_grows_to_it_after_three_failures():
    assert without_answer(700, 5) == [5] * 8
    assert without_answer(700, 2) == [2] * 8
    assert without_answer(700, 1) == [1, 1, 1, 2, 2, 2, 2, 2]


def test_a_fallback_with_a_target_below_one_would_shrink_the_fleet():
    # Why the chart counts in thousandths: KEDA 2.17 makes 0 of 0.7.
    assert without_answer(0.7, 5) == [5, 5, 5, 1, 1, 1, 1, 1]


def test_an_answer_ends_the_failures():
    fallback = Fallback(FALLBACK, 700)
    assert [fallback.total(answer, 4) for answer in (None, None, None, 10.0, None, None, None, None)] == [
        *(None, None, None, 10.0, None, None, None, 2800.0)
    ]
