"""One method per call: decode, submit, encode."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.call import Call, Later
from service.repository.repository import Loaded, Repository
from service.repository.versions import Identity
from service.rpc import carrying, codec
from service.scheduling.order import Carry, Order
from service.scheduling.scheduler import Scheduler
from service.scheduling.selection import Selection

# Runs of classes and of scattered indices of a call that are logged; a line must not cost more than the call.
LOGGED_RUNS = 64

# Methods whose requests may be as large as their answers.
BODIES = frozenset({"Transform"})

SERVICE = pb.DESCRIPTOR.services_by_name["GeneratorService"]


def in_runs(values: np.ndarray) -> str:
    """Whole numbers in order as a line of the log has room for them: "3*64,7,10-20" is 64 threes, a 7, and 10 to 20.

    values: [n], each in [0, 2^48). Beyond LOGGED_RUNS the rest is counted: "..., 90 more".
    """
    if len(values) == 1:
        return str(int(values[0]))
    numbers = values.astype(np.int64)
    steps = np.diff(numbers)
    count = len(numbers)
    # Where a run of equal steps ends; a part passes two of them at most. Lists: their elements are read one by one.
    turns = [*(np.flatnonzero(np.diff(steps))[: 2 * LOGGED_RUNS] + 1).tolist(), len(steps)]
    parts: list[str] = []
    at = turn = 0
    while at < count:
        if len(parts) == LOGGED_RUNS:
            parts.append(f" {count - at} more")
            break
        first, last, step = numbers.item(at), at, -1
        if at < len(steps):
            while turns[turn] <= at:
                turn += 1
            last, step = turns[turn], steps.item(at)
        if step == 0:
            parts.append(f"{first}*{last - at + 1}")
        elif step == 1 and last - at > 1:
            parts.append(f"{first}-{numbers.item(last)}")
        else:
            parts.append(str(first))
            last = at
        at = last + 1
    return ",".join(parts)


def answer(
    scheduler: Scheduler,
    generator: Loaded,
    request: pb.GenerateRequest,
    call: Call,
    encode: Callable[[np.ndarray, Order], bytes],
) -> Later:
    """What a request asks of a generator; the address goes to the call's facts.

    encode: the response, from samples in the generator's dtype [n, *sample shape] and their order.
    """
    order = codec.decode(request, generator.classes, generator.max_samples, generator.message.scored)
    identity = generator.identity
    call.facts.update(
        generator=identity.name,
        version=identity.version,
        digest=identity.digest,
        seed=str(order.seed),  # most readers of JSON would round a number of 64 bits
        start_index=order.start_index,
        n=order.n,
        truncation=order.truncation,
    )
    if order.indices is not None:
        call.facts["indices"] = in_runs(order.indices)
    if request.label:
        # Safe to log: the codec has found it among the generator's labels.
        call.facts["label"] = request.label
    else:
        call.facts["class_indices"] = in_runs(order.labels)
    selection = None
    rows = order.n
    if order.keep:
        call.facts.update(keep=order.keep, of=order.of)
        selection = Selection.plan(order, generator.max_samples)
        rows = selection.candidates.n

    def submit() -> Future[Any]:
        if selection is None:
            return scheduler.submit(generator.queue, order, call.caller, call.seconds_left)
        return scheduler.submit_scored(generator.queue, selection.candidates, call.caller, call.seconds_left)

    def respond(result: Any) -> bytes:
        return encode(result if selection is None else selection.pick(*result), order)

    if call.account is None:
        return Later(submit(), respond)
    return Later(call.account.during(identity.name, rows, generator.queue.work(rows), submit), respond)


def carry(
    scheduler: Scheduler,
    generator: Loaded,
    sent: carrying.Sent,
    call: Call,
    encoder: Callable[[Carry, Identity], Callable[[tuple[np.ndarray, np.ndarray]], bytes]],
) -> Later:
    """As `answer`, of samples to be carried into other classes.

    encoder: makes what writes the response, from carried samples and the classes that they were of.
    """
    order = carrying.decode(sent, generator)
    identity, originals, request = generator.identity, order.originals, sent.request
    call.facts.update(
        generator=identity.name,
        version=identity.version,
        digest=identity.digest,
        n=order.n,
        strength=round(float(originals.strength[0]), 6),
    )
    # Safe to log: the codec has found labels among the generator's.
    for name, label, classes in (
        ("", request.label, originals.target),
        ("source_", request.source_label, originals.source),
    ):
        if label:
            call.facts[f"{name}label"] = label
        elif classes[0] != artifact.UNKNOWN:
            call.facts[f"{name}class_indices"] = in_runs(classes)

    def submit() -> Future[Any]:
        return scheduler.submit_transform(generator.queue, order, call.caller, call.seconds_left)

    respond = encoder(order, identity)
    if call.account is None:
        return Later(submit(), respond)
    work = generator.queue.work(order.n * generator.queue.engine.transform_cost)
    return Later(call.account.during(identity.name, order.n, work, submit), respond)


class GeneratorServicer:
    """augmint.v1.GeneratorService, from bytes to bytes."""

    def __init__(self, repository: Repository, scheduler: Scheduler) -> None:
        self._repository = repository
        self._scheduler = scheduler

    def Generate(self, raw: bytes, call: Call) -> Later:
        request = codec.read(raw, pb.GenerateRequest)
        generator = self._repository.get(request.generator, request.version, request.digest, request.channel)
        identity = generator.identity
        return answer(
            self._scheduler, generator, request, call, lambda samples, order: codec.encode(samples, order, identity)
        )

    def Transform(self, raw: bytes, call: Call) -> Later:
        sent = carrying.read(raw)
        request = sent.request
        generator = self._repository.get(request.generator, request.version, request.digest, request.channel)
        return carry(self._scheduler, generator, sent, call, carrying.encoder)

    def ListGenerators(self, raw: bytes, call: Call) -> bytes:
        codec.read(raw, pb.ListGeneratorsRequest)
        return pb.ListGeneratorsResponse(generators=self._repository.statuses()).SerializeToString()

    def GetGenerator(self, raw: bytes, call: Call) -> bytes:
        request = codec.read(raw, pb.GetGeneratorRequest)
        generator = self._repository.get(request.generator, request.version, channel=request.channel)
        identity = generator.identity
        # The caller is about to pin the digest of the answer: noted as a reader.
        self._repository.get(identity.name, identity.version, identity.digest)
        return pb.GetGeneratorResponse(
            generator=generator.message,
            status=self._repository.status(identity.name, identity.version, identity.digest),
            limits=pb.Limits(
                max_samples=generator.max_samples, preferred_page_samples=generator.preferred_page_samples
            ),
        ).SerializeToString()
