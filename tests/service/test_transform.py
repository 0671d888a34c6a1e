"""Transform at the real server: the same bytes in give the same bytes out, and whatever else may come is refused."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service import artifact
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from tests import generators
from tests.processes import Service, code_of
from tests.service.malformed import malformed

SHAPE = (6, 5, 3)
POOL = np.random.default_rng(5).integers(0, 256, (400, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    generators.publish(folder, shape=SHAPE, transforms=True, scored=True)
    generators.publish(folder, "plain")
    return folder


@pytest.fixture(scope="module")
def service(models):
    with Service(models, "--log-format", "json", "--lanes", "2") as running:
        yield running


@pytest.fixture(scope="module")
def replica(models):
    """Another one, whose batches are others, and which holds fewer samples that wait."""
    with Service(models, "--lanes", "1", "--max-batch", "7", "--unread-bytes", str(2**20)) as running:
        yield running


@pytest.fixture(scope="module")
def stub(service):
    with service.channel() as channel:
        yield GeneratorServiceStub(channel)


def ask(chosen, **fields):
    return pb.TransformRequest(**{"generator": "tiny", "data": POOL[chosen].tobytes(), **fields})


def array(answer):
    return np.frombuffer(answer.data, np.uint8).reshape(-1, *SHAPE)


def test_samples_are_carried_as_the_file_does_it(models, stub):
    chosen = np.arange(300)
    answer = stub.Transform(ask(chosen, label="7", strength=0.5), timeout=60)
    wanted, recognised = generators.carried(POOL, 7, strength=0.5)
    assert np.array_equal(array(answer), wanted[:300])
    assert list(answer.source_class_indices) == recognised[:300].tolist()
    assert (list(answer.class_indices), answer.strength) == ([7] * 300, 0.5)
    assert answer.digest == artifact.digest((models / "tiny/1/model.onnx").read_bytes())
    assert (answer.generator, answer.version) == ("tiny", 1)
    each = stub.Transform(
        ask([3, 4], class_indices=[1, 9], source_class_indices=[2, 0], digest=answer.digest), timeout=60
    )
    assert np.array_equal(array(each), generators.carried(POOL[3:5], [1, 9], [2, 0])[0])
    assert list(each.source_class_indices) == [2, 0]
    again = stub.Transform(ask([5], label="0", strength=0.0), timeout=60)
    assert np.array_equal(array(again), POOL[5:6])


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, len(POOL) - 1), min_size=1, max_size=40),
            st.integers(0, 9),
            st.sampled_from([0.0, 0.3, 1.0]),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_bytes_whatever_shares_the_batch_and_whichever_replica(service, replica, calls):
    """Several calls at a time, of several connections, while samples are drawn beside them."""
    answers = []
    for server in (service, replica):
        with server.channel() as channel:
            stub = GeneratorServiceStub(channel)
            drawn = [
                stub.Generate.future(pb.GenerateRequest(generator="tiny", class_indices=[1, 2], seed=3), timeout=60)
                for _ in range(3)
            ]
            sent = [stub.Transform.future(ask(c, label=str(t), strength=s), timeout=60) for c, t, s in calls]
            answers.append([call.result().data for call in sent])
            assert len({call.result().data for call in drawn}) == 1
    assert answers[0] == answers[1]
    for (chosen, target, strength), data in zip(calls, answers[0], strict=True):
        assert data == generators.carried(POOL[chosen], target, strength=strength)[0].tobytes()


def test_another_process_answers_alike(replica, stub):
    before = stub.Transform(ask(range(100), label="4"), timeout=60)
    with replica.channel() as channel:
        assert GeneratorServiceStub(channel).Transform(ask(range(100), label="4"), timeout=60) == before


def test_many_callers_get_what_is_theirs(service):
    def read(number):
        choose = np.random.default_rng(number)
        with service.channel() as channel:
            stub = GeneratorServiceStub(channel)
            for _ in range(6):
                chosen = choose.integers(0, len(POOL), choose.choice([1, 7, 40, 130]))
                target = choose.integers(0, 10, len(chosen))
                answer = stub.Transform(ask(chosen, class_indices=target.tolist()), timeout=60)
                assert np.array_equal(array(answer), generators.carried(POOL[chosen], target)[0])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))


def test_a_large_request_is_carried_and_one_above_the_limit_is_refused(service, stub):
    chosen = np.arange(16384) % len(POOL)
    answer = stub.Transform(ask(chosen, label="2"), timeout=60)
    assert np.array_equal(array(answer)[-400:], generators.carried(POOL[chosen[-400:]], 2)[0])
    code, text = code_of(stub.Transform, ask(np.append(chosen, 0), label="2"))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert text == "data holds 16385 samples; one call carries at most 16384: send them in several"
    assert code_of(stub.Transform, ask([0], data=bytes(66 * 2**20)))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
    code, text = code_of(stub.Generate, pb.GenerateRequest(label="x" * 2**20))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert text.startswith("the request has 1,048,5")
    with service.channel() as channel:
        watch = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert code_of(watch, health_pb2.HealthCheckRequest(service="x" * 2**20).SerializeToString())[0] == (
            grpc.StatusCode.INVALID_ARGUMENT
        )
    assert service.metric("augmint_unread_bytes") == 0


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        (
            {"generator": "plain"},
            "FAILED_PRECONDITION",
            "generator 'plain' version 1 cannot transform: its file has no",
        ),
        ({"generator": "none"}, "NOT_FOUND", "no generator 'none'"),
        ({"digest": "0" * 64}, "FAILED_PRECONDITION", "has the digest"),
        (
            {"data": b""},
            "INVALID_ARGUMENT",
            "data is empty; it must hold 1 to 16384 samples, and a sample is uint8 [6, 5",
        ),
        (
            {"data": bytes(91)},
            "INVALID_ARGUMENT",
            "data has 91 bytes, which are no whole samples; a sample is uint8 [6,",
        ),
        ({"label": "cat"}, "INVALID_ARGUMENT", "unknown label 'cat'"),
        ({"strength": 7.0}, "INVALID_ARGUMENT", "strength is 7; it must be in [0, 1]"),
    ],
)
def test_errors_are_one_sentence(stub, fields, code, text):
    found, said = code_of(stub.Transform, ask([0], **{"label": "1", **fields}))
    assert found.name == code
    assert said.startswith(text) or text in said


def test_a_call_is_logged_and_counted_as_any_other(service, stub):
    stub.Transform(ask(range(11), label="3", source_class_indices=[4] * 11, strength=0.25), timeout=60)
    line = json.loads(service.wait_for_log("4*11"))
    told = {name: line[name] for name in ("method", "code", "generator", "version", "n", "label", "strength")}
    wanted = {"method": "Transform", "code": "OK", "generator": "tiny", "version": 1, "n": 11, "label": "3"}
    wanted["strength"] = 0.25
    assert told == wanted
    assert line["source_class_indices"] == "4*11"
    assert not any("data" in name for name in line)
    assert service.metric('augmint_requests_total{code="OK",method="Transform"}') >= 1


def test_quotas_count_what_is_carried(models, tmp_path):
    quotas = tmp_path / "quotas.toml"
    quotas.write_text("[default]\nsamples_per_second = 0.001\nburst_samples = 50\n")
    with Service(models, "--quotas", str(quotas)) as service, service.channel() as channel:
        stub = GeneratorServiceStub(channel)
        assert len(array(stub.Transform(ask(range(40), label="1"), timeout=60))) == 40
        code, text = code_of(stub.Transform, ask(range(20), label="1"))
    assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "20 more in" in text


def test_samples_that_wait_are_held_within_the_bound(replica):
    """One lane with a long queue: bodies of calls that wait count, and are refused beyond the bound."""
    with replica.channel() as channel:
        stub = GeneratorServiceStub(channel)
        calls = [
            stub.Transform.future(ask(range(400), label="1", data=POOL.tobytes() * 4), timeout=60) for _ in range(60)
        ]
        codes = [call.code() for call in calls]
        assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
        refused = [call.details() for call in calls if call.code() != grpc.StatusCode.OK]
        assert all("bytes of answers wait to be read, or of samples to be carried" in text for text in refused)
        wanted = generators.carried(POOL, 1)[0].tobytes() * 4
        assert all(call.result().data == wanted for call in calls if call.code() == grpc.StatusCode.OK)
        end = time.monotonic() + 60
        while replica.metric("augmint_unread_bytes"):  # until the last answer is read
            assert time.monotonic() < end
            time.sleep(0.05)


def test_1000_malformed_requests_are_the_caller_s_fault(service):
    choose = random.Random(1)
    allowed = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}
    codes = {}
    with service.channel() as channel:
        method = channel.unary_unary("/augmint.v1.GeneratorService/Transform")
        for _ in range(10):
            calls = [method.future(malformed(choose), timeout=60) for _ in range(100)]
            for call in calls:
                name = call.code().name
                codes[name] = codes.get(name, 0) + 1
                assert call.details() or name == "OK"
        good = pb.TransformRequest(generator="tiny", data=bytes(90), label="1")
        assert len(GeneratorServiceStub(channel).Transform(good, timeout=60).data) == 90
    assert set(codes) <= allowed, codes
    assert codes["OK"] >= 1
    assert codes["INVALID_ARGUMENT"] > 500
    assert not any("internal error" in line for line in service.log)


# -- by the Open Inference Protocol ----------------------------------------------------------------------------


def infer(channel, request):
    raw = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(request.SerializeToString(), timeout=60)
    return oip.ModelInferResponse.FromString(raw)


def tensors(chosen, raw=True, target=(7,), **values):
    request = oip.ModelInferRequest(model_name="tiny", id="me")
    content = request.inputs.add(name="content", datatype="UINT8", shape=[len(chosen), *SHAPE])
    labels = request.inputs.add(name="target", datatype="INT64", shape=[len(target)])
    if raw:
        request.raw_input_contents.extend([POOL[chosen].tobytes(), np.array(target, "<i8").tobytes()])
    else:
        content.contents.uint_contents.extend(POOL[chosen].ravel().tolist())
        labels.contents.int64_contents.extend(target)
    for name, value in values.items():
        request.parameters[name].double_param = value
    return request


@pytest.mark.parametrize("raw", [True, False])
def test_the_open_inference_protocol_carries_the_same_bytes(service, raw):
    with service.channel() as channel:
        answer = infer(channel, tensors([1, 2, 3], raw, strength=0.5))
        each = infer(channel, tensors([1, 2, 3], raw, (0, 5, 9)))
    wanted, recognised = generators.carried(POOL[1:4], 7, strength=0.5)
    assert [(output.name, output.datatype, list(output.shape)) for output in answer.outputs] == [
        ("transformed", "UINT8", [3, *SHAPE]),
        ("recognised", "INT64", [3]),
    ]
    assert answer.raw_output_contents[0] == wanted.tobytes()
    assert np.frombuffer(answer.raw_output_contents[1], "<i8").tolist() == recognised.tolist()
    assert (answer.model_name, answer.model_version, answer.id) == ("tiny", "1", "me")
    assert each.raw_output_contents[0] == generators.carried(POOL[1:4], [0, 5, 9])[0].tobytes()


def test_labels_and_outputs_are_chosen_by_name(service):
    request = oip.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="target", datatype="BYTES", shape=[1]).contents.bytes_contents.append(b"7")
    request.inputs.add(name="source", datatype="BYTES", shape=[2]).contents.bytes_contents.extend([b"1", b"9"])
    request.inputs.add(name="strength", datatype="FP32", shape=[1]).contents.fp32_contents.append(0.5)
    content = request.inputs.add(name="content", datatype="UINT8", shape=[2, *SHAPE])
    content.contents.uint_contents.extend(POOL[:2].ravel().tolist())
    request.outputs.add(name="transformed")
    with service.channel() as channel:
        answer = infer(channel, request)
    assert list(answer.raw_output_contents) == [generators.carried(POOL[:2], 7, [1, 9], 0.5)[0].tobytes()]


def changed(change):
    request = tensors([0, 1])
    change(request)
    return request


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda r: r.inputs[0].shape.append(1), "input 'content' has the shape [2, 6, 5, 3, 1]; wanted [n, 6, 5, 3]"),
        (lambda r: r.inputs[0].shape.__setitem__(0, -1), "input 'content' has the shape [-1, 6, 5, 3]; wanted [n, 6"),
        (lambda r: r.inputs[0].shape.__setitem__(0, 3), "input 'content' has 180 bytes; UINT8 [3, 6, 5, 3] has 270"),
        (lambda r: setattr(r.inputs[0], "datatype", "FP32"), "has the datatype 'FP32'; allowed: UINT8"),
        (
            lambda r: setattr(r.inputs[1], "name", "label"),
            "there is no input 'label'; inputs: 'content', 'target', 'so",
        ),
        (lambda r: setattr(r, "model_name", "plain"), "cannot transform"),
        (
            lambda r: r.parameters["seed"].__setattr__("int64_param", 1),
            "there is no parameter 'seed'; parameters: 'dig",
        ),
        (lambda r: r.parameters["strength"].__setattr__("double_param", 2), "strength is 2; it must be in [0, 1]"),
        (lambda r: r.outputs.add(name="sample"), "there is no output 'sample'; outputs: 'transformed', 'recognised'"),
    ],
)
def test_tensors_that_cannot_be_are_refused_by_name(service, change, text):
    with service.channel() as channel:
        method = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        code, said = code_of(method, changed(change).SerializeToString())
    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION)
    assert text in said


def test_metadata_name_what_may_be_left_out(service):
    with service.channel() as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelMetadata")
        raw = call(oip.ModelMetadataRequest(name="tiny").SerializeToString(), timeout=60)
        metadata = oip.ModelMetadataResponse.FromString(raw)
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelConfig")
        raw = call(oip.ModelConfigRequest(name="tiny").SerializeToString(), timeout=60)
        config = oip.ModelConfigResponse.FromString(raw).config
    told = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in metadata.inputs}
    assert told["content"] == ("UINT8", [-1, *SHAPE])
    assert (told["target"], told["source"], told["strength"]) == (("BYTES", [-1]), ("BYTES", [-1]), ("FP32", [1]))
    assert [tensor.name for tensor in metadata.outputs][-2:] == ["transformed", "recognised"]
    assert all(tensor.optional for tensor in config.input)
