"""Whatever comes as a request of Transform: an answer, or a sentence about what is wrong with it."""

from __future__ import annotations

import random

import pytest

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from tests import generators
from tests.processes import Service

SHAPE = (6, 5, 3)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    generators.publish(folder, shape=SHAPE, transforms=True, scored=True)
    generators.publish(folder, "plain")
    with Service(folder, "--log-format", "json", "--lanes", "2") as running:
        yield running


def test_1000_malformed_requests_are_the_caller_s_fault(service):
    choose = random.Random(1)

    def malformed():
        if choose.random() < 0.2:
            return choose.randbytes(choose.randrange(200))
        length = choose.choice((0, 1, 90, 89, 180, 90 * 16385 if choose.random() < 0.02 else 900))
        whole = bytearray(
            pb.TransformRequest(
                generator=choose.choice(("tiny", "tiny", "plain", "", "\n")),
                version=choose.choice((0, 0, 1, 2**32 - 1)),
                digest=choose.choice(("", "", "x", "0" * 64)),
                channel=choose.choice(("", "", "", "canary")),
                data=choose.randbytes(length),
                label=choose.choice(("", "3", "x" * 3000, "ä\0")),
                class_indices=choose.choices((0, 9, 10, 2**32 - 1), k=choose.choice((0, 0, 1, 2, 10))),
                source_label=choose.choice(("", "", "4", "nope")),
                source_class_indices=choose.choices((0, 9, 10), k=choose.choice((0, 0, 1, 2, 10))),
                strength=choose.choice((None, 0.0, 1.0, -1.0, float("nan"), float("inf"), 3.4e38)),
            ).SerializeToString()
        )
        if choose.random() < 0.3:
            whole[choose.randrange(len(whole))] = choose.randrange(256)
        return bytes(whole[: choose.randrange(1, len(whole) + 1)] if choose.random() < 0.1 else whole)

    allowed = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}
    codes = {}
    with service.channel() as channel:
        method = channel.unary_unary("/augmint.v1.GeneratorService/Transform")
        for _ in range(10):
            calls = [method.future(malformed(), timeout=60) for _ in range(100)]
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
