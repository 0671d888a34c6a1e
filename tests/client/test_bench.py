"""client/augmint/bench.py: what it counts; how fast this machine is, is not asserted."""

import pytest

import augmint
from augmint.bench import Load, _local, bench
from augmint.wire.channel import Channel

pytestmark = pytest.mark.usefixtures("light")


def test_a_report_adds_up(target):
    report = bench(Channel(target), Load(readers=2, rows=8, seconds=1))
    assert report.generator == "fake/1"
    assert report.calls > 0
    assert report.samples_per_second == pytest.approx(report.calls * 8 / report.seconds)
    assert report.megabytes_per_second == pytest.approx(report.samples_per_second * 60 / 1e6)
    assert 0 < report.p50_ms <= report.p90_ms <= report.p99_ms <= report.longest_ms
    assert report.errors == {}
    assert report.stall_share is None
    assert report.replicas == {target: 12345}
    assert report.capacity_share == pytest.approx(report.samples_per_second / 12345)


def test_readers_that_want_little_wait_little_and_those_that_want_all_wait_always(fake, target):
    # Steps much shorter than what is measured: one as long would end in it or not, by chance.
    calm = bench(Channel(target), Load(readers=1, rows=8, seconds=1, rate=80))
    greedy = bench(Channel(target), Load(readers=1, rows=8, seconds=1, rate=1e9))
    assert calm.stall_share < greedy.stall_share <= 1
    assert calm.samples_per_second < greedy.samples_per_second


def test_what_fails_under_load_is_counted_by_kind(fake, target):
    fake.faults = [augmint.ServiceFault("broken")] * 10_000
    report = bench(Channel(target), Load(readers=2, rows=8, seconds=1))
    assert report.calls == 0
    assert report.errors["ServiceFault"] > 0
    assert report.p50_ms is None
    assert report.samples_per_second == 0


def test_every_replica_behind_a_name_is_asked_for_its_capacity(fake, target):
    port = target.rpartition(":")[2]
    report = bench(Channel(f"dns:///127.0.0.1:{port}"), Load(readers=1, rows=8, seconds=0.1))
    assert report.replicas == {f"127.0.0.1:{port}": 12345}


def test_nobody_there_is_said_before_any_load():
    with pytest.raises(augmint.Unavailable, match="no service at"):
        bench(Channel("127.0.0.1:1"), Load(seconds=0.1))


@pytest.mark.parametrize("wrong", [{"readers": 0}, {"rows": 0}, {"seconds": 0}, {"rate": -1.0}])
def test_a_wrong_load_is_refused_and_named(wrong):
    with pytest.raises(augmint.InvalidRequest, match=next(iter(wrong))):
        Load(**wrong)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1:5", True),
        ("localhost:5", True),
        ("unix:/tmp/socket", True),
        ("192.0.2.1:5", False),  # reserved for documents
    ],
)
def test_it_is_known_whether_a_service_shares_the_readers_cores(address, here):
    assert _local(address) is here
