"""The real server in a process of its own, over a real socket."""

import functools
import json
import random
import shutil
import signal
import threading
import time
import urllib.request

import grpc
import numpy as np
import onnxruntime
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

import augmint
from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service import artifact
from tests import generators
from tests.processes import Service, code_of

GENERATE = "/augmint.v1.GeneratorService/Generate"
# About 10,000 samples/s on 2 cores: slow enough to be stopped and cancelled in the middle of an answer.
SLOW = {"shape": (32, 32, 3), "hidden": 2000, "latent_size": 32}
BATCH = ("--max-batch", "16")  # larger ones of the slow one need not be timed


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    generators.publish(folder)
    generators.publish(folder, "slow", **SLOW)
    return folder


@pytest.fixture(scope="module")
def service(models):
    service = Service(models, *BATCH, "--log-format", "json")
    yield service
    assert service.stop() == 0


@pytest.fixture
def stub(service):
    with service.channel() as channel:
        yield GeneratorServiceStub(channel)


@functools.cache
def opened(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def bare(models, name, response):
    """The same addresses from the file, by onnxruntime alone."""
    session = opened(models / name / "1" / "model.onnx")
    n = len(response.class_indices)
    return session.run(
        None,
        {
            "seed": np.full(n, artifact.mix_seed(response.seed)),
            "index": np.arange(response.start_index, response.start_index + n, dtype=np.uint64),
            "label": np.array(response.class_indices, np.int64),
            "truncation": np.full(n, response.truncation, np.float32),
        },
    )[0].tobytes()


def test_samples_are_those_of_the_file_at_the_reported_address(models, stub):
    drawn = stub.Generate(pb.GenerateRequest(generator="tiny", label="3", n=300, truncation=0.7), timeout=60)
    assert drawn.data == bare(models, "tiny", drawn)
    assert (drawn.generator, drawn.version, list(drawn.class_indices)) == ("tiny", 1, [3] * 300)
    assert drawn.digest == artifact.digest((models / "tiny/1/model.onnx").read_bytes())
    again = stub.Generate(
        pb.GenerateRequest(
            generator="tiny", digest=drawn.digest, class_indices=[3], seed=drawn.seed, start_index=299, truncation=0.7
        ),
        timeout=60,
    )
    assert again.data == drawn.data[-64:]


def test_scattered_indices_give_the_samples_of_each_address(stub):
    run = stub.Generate(pb.GenerateRequest(generator="tiny", class_indices=[0, 1, 2, 3] * 50, seed=9), timeout=60)
    samples = np.frombuffer(run.data, np.uint8).reshape(200, 64)
    chosen = np.random.default_rng(0).permutation(200)
    scattered = stub.Generate(
        pb.GenerateRequest(
            generator="tiny", class_indices=(chosen % 4).tolist(), indices=chosen.tolist(), seed=9, digest=run.digest
        ),
        timeout=60,
    )
    assert scattered.data == samples[chosen].tobytes()
    assert list(scattered.indices) == chosen.tolist()


def test_32_concurrent_callers_get_what_one_gets(models, service):
    wrong = []

    def read(number):
        choose = random.Random(number)
        with service.channel() as channel:
            stub = GeneratorServiceStub(channel)
            for _ in range(8):
                classes = [choose.randrange(10) for _ in range(choose.choice((1, 2, 7, 40, 130)))]
                response = stub.Generate(
                    pb.GenerateRequest(
                        generator="tiny",
                        class_indices=classes,
                        seed=choose.randrange(2**64),
                        start_index=choose.randrange(2**47),
                        truncation=choose.uniform(0.1, 2),
                    ),
                    timeout=60,
                )
                if response.data != bare(models, "tiny", response):
                    wrong.append(number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_errors_reach_the_caller_with_their_status_and_what_is_allowed(stub):
    code, text = code_of(stub.Generate, pb.GenerateRequest(generator="tiny", label="ten", n=1))
    assert (code, text) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "unknown label 'ten'; labels: '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'",
    )
    code, text = code_of(stub.GetGenerator, pb.GetGeneratorRequest(generator="digits"))
    assert (code, text) == (grpc.StatusCode.NOT_FOUND, "no generator 'digits'; generators: 'slow', 'tiny'")
    code, text = code_of(stub.Generate, pb.GenerateRequest(generator="tiny", label="1", n=1, digest="ab" * 32))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert "has the digest" in text


def test_generators_describe_themselves(models, stub):
    listed = stub.ListGenerators(pb.ListGeneratorsRequest(), timeout=60).generators
    assert [(g.name, g.version, g.state, g.is_default) for g in listed] == [
        ("slow", 1, pb.GENERATOR_STATE_READY, True),
        ("tiny", 1, pb.GENERATOR_STATE_READY, True),
    ]
    answer = stub.GetGenerator(pb.GetGeneratorRequest(generator="tiny"), timeout=60)
    assert list(answer.generator.labels) == list(answer.status.labels) == [str(digit) for digit in range(10)]
    assert answer.status.capacity_samples_per_second > 0
    assert answer.limits.max_samples == 16384
    assert 1 <= answer.limits.preferred_page_samples <= 16384


def test_a_caller_cancelled_in_the_middle_harms_no_neighbour(models, service, stub):
    before = service.metric("augmint_cancelled_total")
    leaving = [
        stub.Generate.future(pb.GenerateRequest(generator="slow", label="1", n=4000), timeout=60) for _ in range(3)
    ]
    staying = stub.Generate.future(pb.GenerateRequest(generator="slow", label="2", n=200, seed=5), timeout=60)
    while service.metric("augmint_requests_in_flight") < 4 or not service.metric("augmint_queued_samples"):
        time.sleep(0.01)
    for call in leaving:
        call.cancel()
    response = staying.result()
    assert response.data == bare(models, "slow", response)
    while service.metric("augmint_requests_in_flight"):
        time.sleep(0.05)
    assert service.metric("augmint_cancelled_total") == before + 3
    assert service.metric("augmint_queued_samples") == 0


def test_a_deadline_that_cannot_be_met_is_refused(stub):
    details = ""
    while "n 16000 would be ready in" not in details:  # a deadline so short may pass before the call has come
        with pytest.raises(grpc.RpcError) as error:
            stub.Generate(pb.GenerateRequest(generator="slow", label="1", n=16000), timeout=0.1)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        details = error.value.details()


def services(channel):
    """Full names of all services, as reflection tells them."""
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = next(iter(stub.ServerReflectionInfo(iter([question]), timeout=20)))
    return {entry.name for entry in answer.list_services_response.service}


def test_health_knows_the_server_its_services_its_liveness_and_each_generator(service):
    with service.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", "liveness", "tiny", "slow", *services(channel)):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=60)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        told = health.List(health_pb2.HealthListRequest(), timeout=20).statuses
        assert set(told) == {"", "liveness", "tiny", "slow", *services(channel)}
        code, _ = code_of(health.Check, health_pb2.HealthCheckRequest(service="other"))
        assert code == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("name", ["", "augmint.v1.GeneratorService", "inference.GRPCInferenceService", "tiny"])
def test_a_channel_that_checks_the_health_of_a_name_makes_its_calls(service, name):
    config = {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": name}}
    options = [("grpc.service_config", json.dumps(config)), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(service.target, options) as channel:
        request = pb.GenerateRequest(generator="tiny", label="1", n=2)
        assert len(GeneratorServiceStub(channel).Generate(request, timeout=20).data) == 2 * 64


def test_who_watches_a_service_is_told_when_it_ends_and_a_second_signal_ends_it_at_once(tmp_path):
    generators.publish(tmp_path)
    service = Service(tmp_path, "--drain-seconds", "600")
    with service.channel() as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        names = ("", "augmint.v1.GeneratorService", "inference.GRPCInferenceService", "grpc.health.v1.Health")
        calls = [watch(health_pb2.HealthCheckRequest(service=name), timeout=60) for name in names]
        assert {next(call).status for call in calls} == {health_pb2.HealthCheckResponse.SERVING}
        service.process.send_signal(signal.SIGINT)
        assert {next(call).status for call in calls} == {health_pb2.HealthCheckResponse.NOT_SERVING}
        assert service.metric("augmint_ready") == 0
        for call in calls:
            call.cancel()
    assert service.stop(signal.SIGTERM) == 128 + signal.SIGTERM


def test_a_generator_called_liveness_may_go_without_ending_the_process(tmp_path):
    generators.publish(tmp_path)
    generators.publish(tmp_path, "liveness")
    with Service(tmp_path, "--watch-seconds", "0.05") as service, service.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert service.generators == "liveness/1,tiny/1"
        shutil.rmtree(tmp_path / "liveness")
        service.wait_for_log("generator retires")
        generators.publish(tmp_path, "another")  # once that is served, the rest has been told
        while status_of(health, "another") != health_pb2.HealthCheckResponse.SERVING:
            time.sleep(0.05)
        assert status_of(health, "liveness") == health_pb2.HealthCheckResponse.SERVING


def status_of(health, name):
    """A service's status; None: unknown."""
    try:
        return health.Check(health_pb2.HealthCheckRequest(service=name), timeout=20).status
    except grpc.RpcError:
        return None


def test_reflection_lists_the_services(service):
    with service.channel() as channel:
        names = services(channel)
    assert {"augmint.v1.GeneratorService", "inference.GRPCInferenceService", "grpc.health.v1.Health"} <= names


def test_a_log_line_holds_the_address_of_every_answer(service, stub):
    response = stub.Generate(pb.GenerateRequest(generator="tiny", label="7", n=2, start_index=424242), timeout=60)
    line = next(
        line for line in iter(lambda: next((entry for entry in service.log if "424242" in entry), None), 0) if line
    )
    facts = {"digest": response.digest, "seed": str(response.seed), "n": 2, "label": "7", "version": 1, "code": "OK"}
    assert facts.items() <= json.loads(line).items()


def test_a_log_line_is_enough_to_make_the_samples_again(service, stub):
    """By a reader whose numbers are doubles, as jq's and Grafana's are."""
    asked = {"class_indices": [4, 0, 7], "indices": [9, 535353, 2], "truncation": 0.5, "seed": 2**64 - 1}
    drawn = stub.Generate(pb.GenerateRequest(generator="tiny", **asked), timeout=60)
    line = json.loads(service.wait_for_log("535353"), parse_int=float)
    with augmint.Client(service.target) as client:
        again = client.fetch(
            [int(number) for number in line["indices"].split(",")],
            [int(number) for number in line["class_indices"].split(",")],
            seed=line["seed"],
            truncation=line["truncation"],
            generator=line["generator"],
            digest=line["digest"],
        )
    assert again.array.tobytes() == drawn.data


def test_a_seed_that_the_service_draws_fits_every_number_of_a_client(stub):
    seeds = {stub.Generate(pb.GenerateRequest(generator="tiny", label="7", n=1), timeout=60).seed for _ in range(50)}
    assert len(seeds) == 50
    assert max(seeds) < 2**53


def test_nothing_that_a_caller_types_becomes_a_metric_label(service, stub):
    code_of(stub.Generate, pb.GenerateRequest(generator="injected", label="injected", n=1))
    text = urllib.request.urlopen(service.metrics_url, timeout=60).read().decode()
    assert "injected" not in text
    assert 'augmint_requests_total{code="NOT_FOUND",method="Generate"}' in text


def test_sigterm_finishes_what_was_accepted_and_refuses_the_rest(models):
    service = Service(models, *BATCH, "--lanes", "1", "--drain-seconds", "0")
    with service.channel() as channel, service.channel() as other:
        accepted = [
            GeneratorServiceStub(channel).Generate.future(
                pb.GenerateRequest(generator="slow", label="1", n=800, seed=k), timeout=60
            )
            for k in range(4)
        ]
        late = GeneratorServiceStub(other)
        late.ListGenerators(pb.ListGeneratorsRequest(), timeout=60)  # connected before the end
        while service.metric("augmint_requests_in_flight") < 4:
            time.sleep(0.01)
        service.process.send_signal(signal.SIGTERM)
        while service.metric("augmint_ready"):
            time.sleep(0.05)
        refused, done = set(), False
        while not done:
            done = all(call.done() for call in accepted)  # and once after that
            try:
                late.Generate(pb.GenerateRequest(generator="tiny", label="1", n=1), timeout=60)
            except grpc.RpcError as error:
                refused.add(error.code())
            time.sleep(0.05)
        assert refused == {grpc.StatusCode.UNAVAILABLE}
        for call in accepted:
            assert call.result().data == bare(models, "slow", call.result())
    assert service.wait() == 0
