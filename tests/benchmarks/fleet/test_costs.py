"""The arithmetic of a fleet at internet scale, against cases that can be worked out by hand."""

import pytest

from benchmarks.fleet.cluster import replica
from benchmarks.fleet.costs import (
    DEVICES,
    JOBS,
    MIB,
    Device,
    Jobs,
    first_come,
    following,
    fullest,
    least_recently_used,
    limits,
    lost,
    million,
    world,
)
from benchmarks.fleet.readers import cost_of_calls, cost_of_connections, split
from tests.generators import publish

PAGES, EPOCHS, COUNT = 50, 4, 3


def jobs(name: str) -> Jobs:
    (found,) = [each for each in JOBS if each.name.startswith(name)]
    return found


def test_a_device_a_network_and_an_event_loop_each_have_their_limit():
    device = Device("d", tflops=1.0, dollars=3.6, gbit=8.0)
    found = limits(device, mflop=10, size=1000, page=100, share=0.5)
    assert found["device"] == 50_000  # half of 1 TFLOP/s in parts of 10 MFLOP
    assert found["network"] == 1_000_000  # 1 GB/s in parts of 1000 bytes
    assert found["interpreter"] > limits(device, mflop=10, size=1000, page=10, share=0.5)["interpreter"]
    assert million(device, rate=50_000, target=0.5) == pytest.approx(0.04)  # 40 s of $0.001


def test_a_measured_device_is_not_discounted():
    cpu = DEVICES[0]
    assert limits(cpu, 11, 784, 256, share=0.25)["device"] == pytest.approx(16_300, rel=0.01)


@pytest.mark.parametrize("cache", [least_recently_used, first_come])
def test_fresh_addresses_are_never_found_again(cache):
    assert cache(jobs("a fresh seed").asked(COUNT, PAGES, EPOCHS), 10 * PAGES) == 0


def test_what_several_jobs_read_together_is_made_once():
    asked = jobs("fresh each epoch, one seed").asked(COUNT, PAGES, EPOCHS)
    assert least_recently_used(asked, 2) == pytest.approx((COUNT - 1) / COUNT)


def test_a_cache_a_little_smaller_than_what_is_read_in_circles_finds_nothing():
    one = jobs("the same addresses each epoch, in order")
    assert least_recently_used(one.asked(1, PAGES, EPOCHS), PAGES - 1) == 0
    assert least_recently_used(one.asked(1, PAGES, EPOCHS), PAGES) == (EPOCHS - 1) / EPOCHS
    # One that keeps what came first finds that part of it in every epoch but the first.
    assert first_come(one.asked(1, PAGES, EPOCHS), PAGES // 2) == (EPOCHS - 1) / EPOCHS / 2


@pytest.mark.parametrize("each", JOBS, ids=lambda each: each.name)
def test_every_job_reads_all_its_epochs(each):
    asked = list(each.asked(COUNT, PAGES, EPOCHS))
    assert len(asked) == COUNT * PAGES * EPOCHS
    assert len(set(asked)) == PAGES * (EPOCHS if each.fresh else 1) * (1 if each.shared else COUNT)


def test_a_reader_of_all_replicas_loads_them_evenly_and_one_of_few_does_not():
    assert fullest(100, 10, 10) == 1
    assert 1 < fullest(1000, 10, 5) < fullest(1000, 10, 1) < 2


def test_regions_round_the_clock():
    assert world(0, 3)[0] == 1
    assert min(world(12, 2)) == pytest.approx(0.3)
    # The mean of a day against its peak, whatever the number of regions.
    assert following(3) == pytest.approx(0.65)
    # Of two regions one may be lost by day while it is night at the other one; both together ask for 1.3 at any hour.
    assert lost(2) == (pytest.approx(1 / 0.3), pytest.approx(1.3))
    assert lost(6) < lost(3) < lost(2)


def test_what_pages_cost_is_split_into_calls_and_bytes():
    call, mib = split({size: 1e-3 + 2e-3 * size / MIB for size in (784, 50_000, MIB, 4 * MIB)})
    assert (call, mib) == (pytest.approx(1e-3), pytest.approx(2e-3))
    assert split({784: 1e-3, MIB: 1e-3}) == (pytest.approx(1e-3), pytest.approx(0, abs=1e-9))


def test_calls_and_connections_of_a_real_replica_have_a_cost(tmp_path):
    publish(tmp_path)
    with replica(tmp_path, lanes=1) as running:
        assert 0 < cost_of_calls(running, 16, 0.5) < 1
        assert cost_of_connections(running, 20) < 10e6
