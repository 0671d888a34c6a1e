import time

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service.errors import AnswersUnread
from service.metrics import Metrics
from service.rpc.backpressure import Unread
from tests import generators
from tests.processes import Service, code_of
from tests.stalled import Stalled

LIMIT = 1000
GENERATE = "/augmint.v1.GeneratorService/Generate"


def ask(n):
    return pb.GenerateRequest(label="1", n=n, seed=1).SerializeToString()


def unread():
    return Unread(LIMIT, Metrics(CollectorRegistry()))


def fill(unread, connection, size):
    """Answers of that size until one is refused; what releases each."""
    held = []
    while True:
        try:
            held.append(unread.hold(connection, size))
        except AnswersUnread:
            return held


def test_connections_that_stall_leave_room_for_one_that_reads():
    held = unread()
    for number, most in enumerate((200, 360, 490, 590), start=1):
        assert fill(held, f"stalled {number}", 10)
        assert held.bytes == pytest.approx(most, abs=20)
        held.check("reads")
        held.hold("reads", 300)()


def test_a_connection_with_nothing_unread_may_have_an_answer_above_the_limit_and_then_no_more():
    held = unread()
    release = held.hold("a", 5 * LIMIT)
    for connection in "ab":
        with pytest.raises(
            AnswersUnread, match=r"5,000 bytes of answers wait to be read.*at most 1,000 may: read what"
        ):
            held.check(connection)
    release()
    held.check("a")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, LIMIT), st.booleans())))
def test_the_limit_is_passed_by_one_answer_at_most_and_nothing_stays_behind(steps):
    held = unread()
    waiting = []
    for connection, size, reads in steps:
        if reads and waiting:
            waiting.pop(0)[1]()
        try:
            held.check(connection)
            waiting.append((size, held.hold(connection, size)))
        except AnswersUnread:
            pass
        assert held.bytes == sum(size for size, _ in waiting)
        assert held.bytes < LIMIT + max((size for size, _ in waiting), default=1)
    for _, release in waiting:
        release()
    assert held.bytes == 0
    held.check("a")
    assert not held._waiting


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    generators.publish(models)
    with Service(models, "--unread-bytes", str(2**20)) as running:
        yield running


def wait_until(holds):
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_a_stalled_client_asks_for_stops_at_the_bound_and_harms_nobody(service):
    refused = service.metric("augmint_refused_total")
    with Stalled(service.target) as stalled:
        for _ in range(40):
            stalled.ask(GENERATE, ask(n=1000))
        wait_until(lambda: service.metric("augmint_requests_total") >= 40)
        assert 2**17 < service.metric("augmint_unread_bytes") < 2**18
        assert service.metric("augmint_refused_total") > refused + 20
        with service.channel() as channel:
            answer = GeneratorServiceStub(channel).Generate(pb.GenerateRequest(label="1", n=5000, seed=2), timeout=60)
        assert len(answer.data) == 5000 * 64
    wait_until(lambda: service.metric("augmint_unread_bytes") == 0)


def test_a_refused_client_reads_what_to_do(service):
    with Stalled(service.target) as stalled, service.channel() as channel:
        stub = GeneratorServiceStub(channel)
        stalled.ask(GENERATE, ask(n=16384))
        wait_until(lambda: service.metric("augmint_unread_bytes") >= 2**20)
        code, text = code_of(stub.Generate, pb.GenerateRequest(label="1", n=1))
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "or of samples to be carried, 0 of them on this connection; at most 1,048,576 may" in text
    wait_until(lambda: service.metric("augmint_unread_bytes") == 0)
