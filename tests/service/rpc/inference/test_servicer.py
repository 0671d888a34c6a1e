"""The Open Inference Protocol at the real server: a stock tritonclient, and whatever else may come."""

import json
import random
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf import descriptor_pb2

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.rpc.inference.servicer import OPEN, SERVICE
from tests import generators
from tests.processes import Service, code_of
from tests.service.rpc.inference.malformed import Malformed

ROOT = Path(__file__).parents[4]


def stock_client(argument):
    done = subprocess.run(
        [sys.executable, "-m", "tests.stock_client", argument],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    generators.publish(models)
    generators.publish(models, shape=(4, 6, 3))
    generators.publish(models, "other", transforms=True)
    bad = models / "other" / "2"
    bad.mkdir()
    (bad / "model.onnx").write_bytes(b"hello")
    with Service(models, "--max-batch", "8", "--log-format", "json") as service:
        yield service


@pytest.fixture
def ask(service):
    """Call one method of the protocol with a message, bytes or nothing."""
    with service.channel() as channel:

        def call(method, request=b"", **options):
            kinds = SERVICE.methods_by_name[method]
            raw = request if isinstance(request, bytes) else request.SerializeToString()
            answer = channel.unary_unary(f"/{SERVICE.full_name}/{method}")(raw, **{"timeout": 30, **options})
            return getattr(oip, kinds.output_type.name).FromString(answer)

        yield call


@pytest.fixture
def generate(service):
    with service.channel() as channel:
        yield lambda **fields: GeneratorServiceStub(channel).Generate(pb.GenerateRequest(**fields), timeout=60)


def test_a_stock_triton_client_lists_describes_and_draws(service, generate):
    got = json.loads(stock_client(service.target))
    assert (got["live"], got["ready"], got["model_ready"]) == (True, True, [True, False])
    assert got["server"]["name"] == "augmint"
    assert [(model["name"], model["version"], model["state"]) for model in got["index"]] == [
        ("other", "1", "READY"),
        ("other", "2", "UNAVAILABLE"),
        ("tiny", "1", "READY"),
        ("tiny", "2", "READY"),
    ]
    assert "ONNX Runtime cannot load the file" in got["index"][1]["reason"]
    assert got["metadata"]["versions"] == ["1", "2"]
    assert got["labels"] == list(generators.DIGITS)

    same = generate(generator="tiny", class_indices=[3, 1, 4], seed=2**64 - 7, indices=[9, 2, 5])
    samples = np.frombuffer(same.data, np.uint8).reshape(3, 4, 6, 3)
    assert got["scattered"] == {
        "sample": samples.tolist(),
        "index": [9, 2, 5],
        "class_index": [3, 1, 4],
        "seed": [2**64 - 7],
    }
    assert (got["scattered_id"], got["digest"]) == ("mine", same.digest)

    same = generate(generator="tiny", version=1, label="7", n=5, seed=7, start_index=100, truncation=0.5)
    assert got["run"] == np.frombuffer(same.data, np.uint8).reshape(5, 8, 8, 1).tolist()
    assert got["run_outputs"] == ["sample"]
    assert got["refused"] == f"StatusCode.INVALID_ARGUMENT: unknown label 'no'; labels: {labels_text()}"


def labels_text():
    return ", ".join(f"'{label}'" for label in generators.DIGITS)


def test_the_metadata_describe_what_comes(ask):
    described = ask("ModelMetadata", oip.ModelMetadataRequest(name="tiny", version="2"))
    assert (described.name, list(described.versions), described.platform) == ("tiny", ["1", "2"], "augmint")
    assert [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in described.inputs] == [
        ("label", "BYTES", [-1]),
        ("seed", "UINT64", [1]),
        ("index", "UINT64", [-1]),
        ("truncation", "FP32", [1]),
    ]
    request = oip.ModelInferRequest(model_name="tiny", model_version="2")
    request.inputs.add(name="label", datatype="BYTES", shape=[2]).contents.bytes_contents.extend([b"1", b"2"])
    answer = ask("ModelInfer", request)
    assert [tensor.name for tensor in described.outputs] == [tensor.name for tensor in answer.outputs]
    for wanted, tensor, raw in zip(described.outputs, answer.outputs, answer.raw_output_contents, strict=True):
        assert tensor.datatype == wanted.datatype
        assert len(tensor.shape) == len(wanted.shape)
        assert all(extent in (-1, found) for extent, found in zip(wanted.shape, tensor.shape, strict=True))
        size = {"UINT8": 1, "UINT64": 8, "INT64": 8}[tensor.datatype]
        assert len(raw) == size * np.prod(tensor.shape)

    config = ask("ModelConfig", oip.ModelConfigRequest(name="tiny")).config
    assert [(each.name, oip.DataType.Name(each.data_type), each.optional) for each in config.input] == [
        ("label", "TYPE_STRING", False),
        ("seed", "TYPE_UINT64", True),
        ("index", "TYPE_UINT64", True),
        ("truncation", "TYPE_FP32", True),
    ]
    sample = config.output[0]
    assert (sample.name, oip.DataType.Name(sample.data_type), list(sample.dims)) == (
        "sample",
        "TYPE_UINT8",
        [-1, 4, 6, 3],
    )
    assert config.parameters["max_samples"].string_value == "16384"


def test_a_seed_that_was_not_given_is_reported(ask, generate):
    request = oip.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="label", datatype="INT64", shape=[1]).contents.int64_contents.append(5)
    answer = ask("ModelInfer", request)
    seed = int(np.frombuffer(answer.raw_output_contents[3], np.uint64)[0])
    assert answer.raw_output_contents[0] == generate(generator="tiny", label="5", n=1, seed=seed).data


@pytest.mark.parametrize("kind", ["uint64_param", "string_param"])
def test_every_seed_can_be_a_parameter(ask, generate, kind):
    seed = 2**64 - 1
    request = oip.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="label", datatype="INT64", shape=[1]).contents.int64_contents.append(5)
    setattr(request.parameters["seed"], kind, seed if kind == "uint64_param" else str(seed))
    answer = ask("ModelInfer", request)
    assert answer.raw_output_contents[0] == generate(generator="tiny", label="5", n=1, seed=seed).data


def test_it_is_served_logged_and_counted_as_any_other_call(service, ask):
    before = service.metric("augmint_samples_total")
    request = oip.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="label", datatype="INT64", shape=[1]).contents.int64_contents.append(5)
    request.parameters["seed"].int64_param = 987654
    request.parameters["n"].int64_param = 11
    ask("ModelInfer", request)
    line = json.loads(service.wait_for_log("987654"))
    assert (line["method"], line["code"], line["generator"], line["version"]) == ("ModelInfer", "OK", "tiny", 2)
    assert (line["seed"], line["n"], line["label"]) == ("987654", 11, "5")
    service.wait_for_metric("augmint_samples_total", before + 11)


def test_errors_have_their_status(ask):
    for method, request, code, message in [
        ("ModelMetadata", oip.ModelMetadataRequest(name="none"), "NOT_FOUND", "no generator 'none'"),
        ("ModelMetadata", oip.ModelMetadataRequest(name="tiny", version="9"), "NOT_FOUND", "has no version 9"),
        (
            "ModelMetadata",
            oip.ModelMetadataRequest(name="tiny", version="v1"),
            "INVALID_ARGUMENT",
            "version 'v1' is none",
        ),
        ("ModelConfig", oip.ModelConfigRequest(name="other", version="2"), "NOT_FOUND", "was refused"),
        ("ModelReady", oip.ModelReadyRequest(name="tiny", version="-1"), "INVALID_ARGUMENT", "version '-1' is none"),
        ("RepositoryIndex", oip.RepositoryIndexRequest(repository_name="x"), "INVALID_ARGUMENT", "leave it empty"),
        ("ServerLive", b"\xff", "INVALID_ARGUMENT", "no inference.ServerLiveRequest message"),
        ("ModelInfer", oip.ModelInferRequest(model_name="none"), "NOT_FOUND", "no generator 'none'"),
    ]:
        found, text = code_of(lambda *a, **o: ask(*a, **o), method, request)
        assert (found.name, message in text) == (code, True), (method, text)
    request = oip.ModelInferRequest(model_name="tiny")
    request.parameters["digest"].string_param = "ab" * 32
    assert code_of(ask, "ModelInfer", request)[0] == grpc.StatusCode.FAILED_PRECONDITION
    assert len(ask("RepositoryIndex", oip.RepositoryIndexRequest(ready=True)).models) == 3


def test_probes_are_answered_and_nothing_else_is_open():
    assert set(SERVICE.methods_by_name) > OPEN
    assert not OPEN & {"ModelInfer", "ModelMetadata", "ModelConfig", "RepositoryIndex", "ServerMetadata"}


def test_2000_malformed_requests_are_refused_as_the_callers_fault(service, ask):
    choose = random.Random(0)
    malformed = Malformed(choose)
    allowed = {
        grpc.StatusCode.OK,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
    codes = {}
    methods = ["ModelInfer"] * 9 + [name for name in SERVICE.methods_by_name if name != "ModelInfer"]
    with service.channel() as channel:
        for _ in range(20):
            calls = [
                channel.unary_unary(f"/{SERVICE.full_name}/{choose.choice(methods)}").future(
                    malformed.request(), timeout=60
                )
                for _ in range(100)
            ]
            for call in calls:
                codes[call.code()] = codes.get(call.code(), 0) + 1
                if call.code() == grpc.StatusCode.INVALID_ARGUMENT:
                    assert call.details()
    assert set(codes) <= allowed, codes
    assert codes[grpc.StatusCode.INVALID_ARGUMENT] > 1000
    assert not any("internal error" in line for line in service.log)
    assert ask("ServerReady").ready


# -- the contract --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def public():
    """Messages and enums of the public contract, as tritonclient holds it."""
    found = {}
    for line in stock_client("descriptors").split():
        file = descriptor_pb2.FileDescriptorProto.FromString(bytes.fromhex(line))
        found.update({each.name: each for each in (*file.message_type, *file.enum_type, *file.service)})
    return found


def test_names_numbers_and_types_are_those_of_the_public_contract(public):
    ours = descriptor_pb2.FileDescriptorProto.FromString(oip.DESCRIPTOR.serialized_pb)
    checked = 0

    def compare(mine, theirs):
        nonlocal checked
        fields = {field.name: (field.number, field.type, field.label, field.type_name) for field in theirs.field}
        for field in mine.field:
            assert (field.number, field.type, field.label, field.type_name) == fields[field.name], mine.name
            checked += 1
        nested = {message.name: message for message in theirs.nested_type}
        for message in mine.nested_type:
            compare(message, nested[message.name])

    assert ours.package == "inference"
    for message in ours.message_type:
        compare(message, public[message.name])
    assert checked > 80
    (enum,) = ours.enum_type
    assert {(value.name, value.number) for value in enum.value} <= {
        (value.name, value.number) for value in public[enum.name].value
    }
    (service,) = ours.service
    methods = {method.name: (method.input_type, method.output_type) for method in public[service.name].method}
    for method in service.method:
        assert methods[method.name] == (method.input_type, method.output_type)


def test_committed_stubs_are_those_of_the_contract(tmp_path):
    proto = "inference/grpc_predict_v2.proto"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", f"--python_out={tmp_path}"]
    subprocess.run([*command, f"--pyi_out={tmp_path}", proto], cwd=ROOT, check=True, timeout=60)
    for name in ("grpc_predict_v2_pb2.py", "grpc_predict_v2_pb2.pyi"):
        committed = (ROOT / "service" / "rpc" / "inference" / name).read_text()
        assert committed == (tmp_path / "inference" / name).read_text(), "stale stubs: run `make protos` and commit"
    makefile = (ROOT / "Makefile").read_text()
    assert f"-I protos --python_out=service/rpc --pyi_out=service/rpc {proto}" in makefile
