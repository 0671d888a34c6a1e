"""The scaling proof in small: two replicas at most, a few seconds, and what must hold at any speed."""

import math

import numpy as np
import pytest

from benchmarks.fleet import proof
from benchmarks.fleet.cluster import NoAnswer, Prometheus
from benchmarks.fleet.policy import MILLI, TARGET, policy
from benchmarks.fleet.proof import cluster, hill, play
from benchmarks.fleet.story import Moment, Story, draw
from benchmarks.serving.models import cheap
from tests.generators import publish
from tests.k8s.tools import tool


def test_replicas_follow_the_load_up_and_down_and_no_page_is_lost(tmp_path):
    tool("prometheus")
    content, seen = cheap(tmp_path / "models").read_bytes(), []

    def load(now):
        """All that one replica can do until two are wanted, what both do with ease until both serve, then little."""
        if not 1 < now < 6 or any(moment.ready == 2 for moment in seen):
            return 0.05
        return 0.3 if any(moment.replicas == 2 for moment in seen) else 0.8

    story, readers = play(tmp_path / "models", tmp_path, load, 6, speed=60, most=2, settle=100, tell=seen.append)
    counts = [moment.replicas for moment in story.moments]
    assert max(counts) == 2
    assert counts[-1] == 1
    assert readers.errors == []
    assert len(readers.pages) > 10
    readers.check(content, 5)


def test_without_prometheus_the_fleet_keeps_its_size_and_goes_on_when_it_is_back(tmp_path):
    tool("prometheus")
    publish(tmp_path / "models")
    chart = policy(60, 4)
    autoscaler = chart.autoscaler()
    with cluster(tmp_path / "models", tmp_path, 60, 4) as (fleet, prometheus, _):
        fleet.resize(3)  # more than the fallback's two: as many are to stay
        for each in fleet.replicas:
            each.wait_ready()
        fleet.announce()
        proof._patiently(prometheus, chart.query)

        prometheus.stop()
        with pytest.raises(NoAnswer, match="does not answer"):
            prometheus.number(chart.query)
        looks = range(1, 2 * chart.fallback["failureThreshold"] + 5)  # errors first, then KEDA's fallback
        for now in looks:
            fleet.resize(autoscaler.look(now, proof._ask(prometheus, chart.query), len(fleet.replicas)))
            assert len(fleet.replicas) == 3
        assert autoscaler.held == len(looks)
        assert all(each.running for each in fleet.replicas)

        # Back, and nobody asks for anything: the fleet shrinks, once it has seen that for long enough.
        prometheus.start()
        idle = proof._patiently(prometheus, chart.query)
        assert idle < chart.target
        assert autoscaler.look(len(looks) + 1, idle, 3) == 3
        assert autoscaler.look(len(looks) + 100, idle, 3) < 3


def test_what_is_not_one_finite_number_is_no_answer(tmp_path):
    tool("prometheus")
    prometheus = Prometheus(tmp_path)
    prometheus.start()
    try:
        assert prometheus.number("vector(1.5)") == 1.5
        for query, reason in (
            ("nothing", "has 0 elements"),
            ('vector(1) or label_replace(vector(2), "a", "b", "", "")', "has 2 elements"),
            ("vector(1) / 0", "is inf"),
            ("vector(0) / 0", "is nan"),
            ("sum(", "refuses"),
        ):
            with pytest.raises(NoAnswer, match=reason):
                prometheus.number(query)
    finally:
        prometheus.stop()


def test_the_policy_is_the_charts_only_faster():
    slow, fast = policy(1, 4), policy(10, 4)
    assert slow.target == fast.target == TARGET * MILLI
    assert "[60s]" in slow.query
    assert "[6s]" in fast.query
    assert fast.query.endswith("/ 1.5)")
    assert slow.behavior["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert fast.behavior["scaleDown"]["stabilizationWindowSeconds"] == 30
    assert [each["periodSeconds"] for each in fast.behavior["scaleUp"]["policies"]] == [3, 3]


def test_a_story_counts_changes_and_turns():
    story = Story([Moment(number, 0, 0, count, count, 0) for number, count in enumerate([1, 1, 3, 4, 4, 2, 1, 2])])
    assert story.changes == [2, 1, -2, -1, 1]
    assert story.turns == 2


def test_the_load_is_a_hill():
    load = hill(100)
    assert np.allclose([load(0), load(15), load(30), load(54), load(60)], [0.1, 0.1, 1, 1, 0.1])
    assert math.isclose(load(22.5), 0.55)


def test_the_plot_shows_the_story(tmp_path):
    story = Story([Moment(number, 0.5, None if number == 1 else 0.4, 2, 1, None) for number in range(5)])
    draw(story, tmp_path / "a.svg", 10, 0.3)
    draw(story, tmp_path / "b.svg", 10, 0.3)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "<svg" in (tmp_path / "a.svg").read_text()
