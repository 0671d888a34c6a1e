"""client/augmint/client.py, through a fake transport."""

import itertools
import pickle
import threading

import numpy as np
import pytest

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import LABELS, FakeService, digest


def indices(start, n):
    return np.arange(start, start + n, dtype=np.uint64)


def test_samples_come_with_labels_and_address(client, fake):
    samples = client.generate("bag", 5, seed=7, start_index=3, truncation=0.7)
    assert samples.array.dtype == np.uint8
    assert samples.array.shape == (5, 4, 5, 3)
    assert samples.array.flags.writeable
    assert np.array_equal(samples.array, fake.expected(7, indices(3, 5), np.ones(5), 0.7))
    assert samples.labels == ["bag"] * 5
    assert samples.class_indices.tolist() == [1] * 5
    assert samples.address == augmint.Address("fake", 1, digest(1), 7, 3, (1,) * 5, 0.7)


def test_pages_equal_one_call(client, fake):
    whole = client.generate("bag", 64, seed=7)
    pages = len(fake.requests)
    parts = [client.generate("bag", 1, seed=7, start_index=index).array[0] for index in range(64)]
    assert pages == 8
    assert np.array_equal(whole.array, np.stack(parts))


def test_pages_never_exceed_what_the_service_accepts():
    fake = FakeService(max_samples=5, preferred=100)
    with augmint.Client(transport=fake) as client:
        assert len(client.generate("bag", 12)) == 12
    assert [request.n for request in fake.requests] == [5, 5, 2]


def test_several_pages_are_in_flight_but_no_more_than_allowed(fake):
    fake.gate.clear()
    with augmint.Client(transport=fake, pages_in_flight=3) as client:
        thread = threading.Thread(target=client.generate, args=("bag", 80))
        thread.start()
        while fake.in_flight < 3:
            thread.join(0.001)
        fake.gate.set()
        thread.join(60)
    assert not thread.is_alive()
    assert fake.most_in_flight == 3


def test_classes_may_be_names_or_indices_one_per_sample(client, fake):
    by_name = client.generate(classes=["coat", "3", "bag"], seed=1)
    by_index = client.generate(classes=np.array([2, 3, 1]), n=3, seed=1)
    assert by_name.labels == by_index.labels == ["coat", "3", "bag"]
    assert np.array_equal(by_name.array, by_index.array)
    assert np.array_equal(by_name.array, fake.expected(1, indices(0, 3), np.array([2, 3, 1])))


def test_a_text_label_is_a_name_and_a_number_a_class_index(client):
    assert client.generate("3").labels == ["3"]
    assert client.generate(2).labels == ["coat"]
    assert client.generate(np.int64(0)).labels == ["ankle boot"]


def test_without_a_seed_the_client_draws_one_for_all_pages(client, fake):
    first, second = client.generate("bag", 20), client.generate("bag", 20)
    assert first.seed != second.seed
    assert {request.seed for request in fake.requests[:3]} == {first.seed}
    assert all(request.HasField("seed") for request in fake.requests)


def test_a_retried_page_has_the_same_address(client, fake):
    fake.faults = [None, augmint.Unavailable("killed"), augmint.Overloaded("full", 0.01)]
    samples = client.generate("bag", 30)
    assert np.array_equal(samples.array, fake.expected(samples.seed, indices(0, 30), np.ones(30)))
    assert len(fake.requests) == 4 + 2
    assert len({(request.seed, request.start_index, request.n) for request in fake.requests}) == 4


def test_every_page_is_pinned_to_one_file(client, fake):
    client.generate("bag", 30)
    assert {(request.version, request.digest) for request in fake.requests} == {(1, digest(1))}


def test_a_new_default_version_is_taken_up_by_the_next_call(client, fake):
    client.generate("bag", 30, seed=7)
    fake.version = 2
    samples = client.generate("bag", 30, seed=7)
    assert samples.address.version == 2
    assert np.array_equal(samples.array, fake.expected(7, indices(0, 30), np.ones(30), version=2))


def test_a_version_change_between_pages_never_mixes_two_files(client, fake):
    answer, calls = fake.generate, itertools.count(1)

    def generate(request, timeout):
        if next(calls) == 6:  # atomic, unlike counting by hand: pages are asked for on several threads
            fake.version = 2
        return answer(request, timeout)

    client.describe()
    fake.generate = generate
    samples = client.generate("bag", 80, seed=7)
    assert np.array_equal(samples.array, fake.expected(7, indices(0, 80), np.ones(80), version=2))


def test_a_pinned_digest_fails_when_the_file_is_gone(client, fake):
    samples = client.generate("bag", 3, digest=digest(1))
    fake.version = 2
    with pytest.raises(augmint.DigestMismatch, match=digest(1)):
        client.generate("bag", 3, digest=digest(1))
    with pytest.raises(augmint.GeneratorNotFound, match="no version 1"):
        client.replay(samples.address)


def test_replay_gives_the_same_bytes_from_an_address_or_its_text(client):
    samples = client.generate(
        classes=["coat", "coat", "bag", "3"], seed=2**64 - 1, start_index=2**48 - 4, truncation=0.3
    )
    for address in (samples.address, str(samples.address)):
        again = client.replay(address)
        assert np.array_equal(again.array, samples.array)
        assert again.address == samples.address
    assert np.array_equal(client.replay(samples[1:3].address).array, samples.array[1:3])


def test_fetch_gives_any_positions_in_the_order_asked(client, fake):
    positions = np.array([9, 3, 4, 4, 100, 8, 2**48 - 1, 5])
    classes = np.array([0, 1, 2, 3, 0, 1, 2, 3])
    samples = client.fetch(positions, classes, seed=9)
    assert np.array_equal(samples.array, fake.expected(9, positions, classes))
    assert np.array_equal(samples.indices, positions)


def test_selected_samples_are_the_best_of_their_blocks_and_tell_so(client, fake):
    positions, classes = np.array([5, 0, 1, 2]), np.array([1, 0, 0, 3])
    samples = client.fetch(positions, classes, seed=7, keep=2, of=4)
    candidates = fake.candidate(7, positions, classes, 2, 4)
    assert (candidates // 4).tolist() == [2, 0, 0, 1]
    assert np.array_equal(samples.array, fake.expected(7, candidates, classes))
    assert [(address.keep, address.of) for address in samples.addresses] == [(2, 4)] * 2
    assert np.array_equal(client.replay(str(samples[1:].address)).array, samples.array[1:])


def test_a_service_that_ignores_the_selection_is_found_out(client, fake):
    answer = fake._answer

    def older(request):
        request.ClearField("keep")
        request.ClearField("of")
        return answer(request)

    fake._answer = older
    with pytest.raises(augmint.ServiceFault, match=r"selection \(0, 0\); wanted \(2, 4\)"):
        client.generate("3", 4, keep=2, of=4)


def test_fetch_of_scattered_samples_costs_one_call_a_page(client, fake):
    client.fetch([5, 3, 400, 6, 2**40], [0, 1, 0, 2, 0], seed=9)
    assert len(fake.requests) == 1
    assert list(fake.requests[0].indices) == [5, 3, 400, 6, 2**40]


def test_fetch_of_neighbours_names_only_the_first(client, fake):
    client.fetch([5, 6, 7], [0, 1, 0], seed=9)
    assert (fake.requests[0].start_index, list(fake.requests[0].indices)) == (5, [])


def test_description_is_asked_once(client, fake):
    for _ in range(3):
        client.generate("bag", 3)
    assert fake.described == 1


def test_generators_lists_states_and_reasons(client):
    fine, failed = client.generators()
    assert (fine.name, fine.state, fine.is_default, fine.labels) == ("fake", "ready", True, LABELS)
    assert (failed.name, failed.version, failed.state, failed.reason) == ("worse", 3, "failed", "not ONNX")


def test_describe_tells_shape_kind_limits_and_quality(client, fake):
    fake.quality = pb.QualityCard(label_fidelity=0.9)
    description = client.describe("fake", 1)
    assert (description.shape, description.dtype, description.kind) == ((4, 5, 3), np.uint8, "image")
    assert (description.max_samples, description.page) == (64, 8)
    assert description.measured
    assert description.message.quality.label_fidelity == 0.9


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda answer: answer.ClearField("data"),
        lambda answer: answer.class_indices.pop(),
        lambda answer: setattr(answer, "digest", digest(9)),
        lambda answer: setattr(answer, "seed", 1 - answer.seed),
        lambda answer: setattr(answer, "start_index", 5),
    ],
)
def test_an_answer_that_is_not_what_was_asked_is_a_fault_of_the_service(client, fake, corrupt):
    answer = fake.generate

    def generate(request, timeout):
        response = answer(request, timeout)
        corrupt(response)
        return response

    fake.generate = generate
    with pytest.raises(augmint.ServiceFault, match="the service answered with"):
        client.generate("bag", 3, seed=1)


def test_samples_of_an_unknown_type_ask_for_an_upgrade(client, fake):
    fake.sample.dtype = 99
    with pytest.raises(augmint.ServiceFault, match="upgrade"):
        client.generate("bag")


def test_each_page_gets_the_clients_timeout_and_the_whole_call_its_own(fake):
    with augmint.Client(transport=fake, timeout=11) as client:
        client.generate("bag", 30)
        assert all(10 < timeout <= 11 for timeout in fake.timeouts)
        fake.timeouts.clear()
        client.generate("bag", 30, timeout=5)
        assert all(timeout <= 5 for timeout in fake.timeouts)


def test_many_threads_share_a_client(client, fake):
    results = {}

    def draw(seed):
        results[seed] = client.generate("bag", 20, seed=seed).array

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for seed in range(12):
        assert np.array_equal(results[seed], fake.expected(seed, indices(0, 20), np.ones(20)))


def test_a_closed_client_says_so(client, fake):
    client.close()
    with pytest.raises(augmint.ClientClosed):
        client.generate("bag")
    assert fake.closed


def test_a_pickled_client_keeps_its_settings_and_leaves_the_connection_behind():
    client = augmint.Client("localhost:50051", timeout=9, connect_timeout=2, pages_in_flight=3)
    again = pickle.loads(pickle.dumps(client))
    assert again.__getstate__() | {"transport": None} == client.__getstate__() | {"transport": None}
    assert repr(again) == "Client('localhost:50051')"


@pytest.mark.parametrize("target", ["localhost", "localhost:", "local host:50051", ""])
def test_a_target_without_a_port_is_refused(target):
    with pytest.raises(augmint.InvalidRequest, match="HOST:PORT"):
        augmint.Client(target)


@pytest.mark.parametrize("settings", [{"timeout": 0}, {"connect_timeout": -1}, {"pages_in_flight": 0}])
def test_a_wrong_setting_is_refused_and_named(settings):
    with pytest.raises(augmint.InvalidRequest, match=next(iter(settings))):
        augmint.Client("localhost:50051", **settings)


def test_a_seed_may_be_given_by_its_digits_as_json_has_it(client, fake):
    number, digits = client.generate("bag", 3, seed=2**64 - 1), client.generate("bag", 3, seed=str(2**64 - 1))
    assert digits.seed == number.seed == 2**64 - 1
    assert np.array_equal(digits.array, number.array)


def test_a_drawn_seed_survives_readers_whose_numbers_are_doubles(client):
    seeds = [client.generate("bag").seed for _ in range(200)]
    assert all(int(float(seed)) == seed and 0 <= seed < 2**53 for seed in seeds)
    assert len(set(seeds)) == len(seeds)
