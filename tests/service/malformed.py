"""Bytes that come as a request of Transform: noise, messages with odd values, and damaged ones."""

from __future__ import annotations

import random

from augmint.v1 import generator_pb2 as pb


def malformed(choose: random.Random) -> bytes:
    """For a generator "tiny" of 90 bytes a sample."""
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
