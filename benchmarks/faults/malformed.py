"""Callers send what no client would."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import grpc
from google.protobuf.message import Message

from augmint.v1 import generator_pb2 as pb
from benchmarks.faults.replica import GENERATE, SERVICE, Replica
from benchmarks.faults.table import Row
from tests import generators

TRANSFORM = SERVICE + "Transform"
SAMPLE_BYTES = 64  # of the generator that is served

# What a call may end with that made no sense; some happen to make sense.
CALLERS_FAULT = {
    "OK",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED",
    "UNIMPLEMENTED",  # a method that this release does not have
}


def run(scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Malformed calls of every method of every protocol, in waves of 100."""
    generators.publish(scratch, transforms=True)
    codes: Counter[str] = Counter()
    choose = random.Random(0)
    with Replica(str(scratch)) as replica, replica.channel() as channel:
        methods = [GENERATE, TRANSFORM] * 3 + [SERVICE + "ListGenerators", SERVICE + "GetGenerator"]
        methods += [f"/inference.GRPCInferenceService/{name}" for name in _inference_methods(replica)] * 2
        for _ in range(0, options.requests, 100):
            # Above 1,000 calls that nobody has looked at, grpc itself refuses some as UNAVAILABLE.
            chosen = [choose.choice(methods) for _ in range(100)]
            calls = [
                channel.unary_unary(method).future(
                    malformed(choose, samples if method == TRANSFORM else addresses), timeout=60
                )
                for method in chosen
            ]
            codes.update(call.code().name for call in calls)
        good = pb.GenerateRequest(class_indices=[1], seed=1).SerializeToString()
        alive = bool(channel.unary_unary(GENERATE)(good, timeout=60))
        good = pb.TransformRequest(data=bytes(SAMPLE_BYTES), label="3").SerializeToString()
        alive &= bool(channel.unary_unary(TRANSFORM)(good, timeout=60))
    bad = sum(count for name, count in codes.items() if name not in CALLERS_FAULT) + (not alive)
    notes = ", ".join(f"{count:,} {code}" for code, count in codes.most_common())
    return [
        Row(f"malformed calls of {len(set(methods))} methods: not the caller's fault", sum(codes.values()), bad, notes)
    ]


def _inference_methods(replica: Replica) -> list[str]:
    """Methods of the Open Inference Protocol, if this release speaks it."""
    with replica.channel() as channel:
        try:
            channel.unary_unary("/inference.GRPCInferenceService/ServerLive")(b"", timeout=60)
        except grpc.RpcError:
            return []
    return [
        "ServerLive",
        "ServerReady",
        "ModelReady",
        "ServerMetadata",
        "ModelMetadata",
        "ModelInfer",
        "RepositoryIndex",
    ]


def malformed(choose: random.Random, message: Callable[[random.Random], Message]) -> bytes:
    """A call's bytes: noise, or a message with odd values, or one that was damaged."""
    if choose.random() < 0.3:
        return choose.randbytes(choose.randrange(80))
    raw = bytearray(message(choose).SerializeToString())
    if raw and choose.random() < 0.3:
        raw[choose.randrange(len(raw))] = choose.randrange(256)
    return bytes(raw)


def addresses(choose: random.Random) -> pb.GenerateRequest:
    """Odd samples to draw."""
    return pb.GenerateRequest(
        generator=choose.choice(("tiny", "", "nope", "\n")),
        version=choose.choice((0, 1, _number(choose, 32))),
        digest=choose.choice(("", "", _text(choose), "0" * 64)),
        channel=choose.choice(("", "", "", _text(choose))),
        label=_text(choose),
        class_indices=[_number(choose, 32) for _ in range(choose.choice((0, 0, 1, 5)))],
        n=choose.choice((1, _number(choose, 32))),
        seed=_number(choose, 64),
        start_index=_number(choose, 64),
        truncation=choose.choice((1.0, 0.0, -1.0, float("nan"), float("inf"), 3.4e38)),
        indices=[_number(choose, 64) for _ in range(choose.choice((0, 0, 1, 5)))],
        keep=choose.choice((0, 0, _number(choose, 32))),
        of=choose.choice((0, 0, _number(choose, 32))),
    )


def samples(choose: random.Random) -> pb.TransformRequest:
    """Odd samples to carry into odd classes."""
    lengths = (0, 1, SAMPLE_BYTES - 1, SAMPLE_BYTES, SAMPLE_BYTES, 5 * SAMPLE_BYTES, 70_000 * SAMPLE_BYTES)
    return pb.TransformRequest(
        generator=choose.choice(("tiny", "", "nope", "\n")),
        version=choose.choice((0, 0, 1, _number(choose, 32))),
        digest=choose.choice(("", "", "", _text(choose), "0" * 64)),
        channel=choose.choice(("", "", "", _text(choose))),
        data=choose.randbytes(choose.choices(lengths, (10, 10, 10, 30, 30, 30, 0.1))[0]),
        label=_text(choose),
        class_indices=[_number(choose, 32) for _ in range(choose.choice((0, 0, 1, 5)))],
        source_label=choose.choice(("", "", _text(choose))),
        source_class_indices=[_number(choose, 4) for _ in range(choose.choice((0, 0, 1, 5)))],
        strength=choose.choice((None, 1.0, 0.0, -1.0, 1.5, float("nan"), float("inf"), 3.4e38)),
    )


def _number(choose: random.Random, bits: int) -> int:
    return choose.choice((0, 1, 3, 2**bits - 1, choose.randrange(2**bits)))


def _text(choose: random.Random) -> str:
    return choose.choice(("", "tiny", "3", "x" * 3000, "../../etc", "\x00\n\x1b", "ä" * 20, "canary"))
