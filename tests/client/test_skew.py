"""Client and service of different releases: the contract as an older release knew it, and as a newer one might."""

from concurrent import futures
from contextlib import contextmanager

import grpc
import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import augmint
from augmint.v1 import generator_pb2 as pb
from tests.client.fakes import FakeService, digest

METHODS = {"Generate": "generate", "GetGenerator": "get_generator", "ListGenerators": "list_generators"}

# What the first release did not have.
ADDED = {
    "GenerateRequest": {"keep", "of", "channel"},
    "GenerateResponse": {"keep", "of"},
    "GetGeneratorRequest": {"channel"},
    "Generator": {"scored"},
    "GeneratorStatus": {"channels"},
    "QualityCard": {"verdict", "reasons", "findings", "memorisation", "gains", "recommendation"},
}


def release(change):
    """Message classes by name, of the contract after `change`."""
    contract = descriptor_pb2.FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb)
    change({message.name: message for message in contract.message_type}, contract)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(contract.SerializeToString())
    return {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"augmint.v1.{message.name}"))
        for message in contract.message_type
    }


def older(messages, contract):
    for name, fields in ADDED.items():
        kept = [field for field in messages[name].field if field.name not in fields]
        assert len(kept) == len(messages[name].field) - len(fields)
        del messages[name].field[:]
        messages[name].field.extend(kept)


def newer(messages, contract):
    for message in messages.values():
        message.field.add(name="novelty", number=1000, type=9, label=1)
    messages["GeneratorStatus"].field.add(name="novelties", number=1001, type=4, label=3)
    spec = messages["SampleSpec"]
    spec.field.add(name="video", number=1001, type=9, label=1, oneof_index=0)


OLDER, NEWER = release(older), release(newer)


@contextmanager
def served_by(messages, fake, change=lambda message: None):
    """A service of another release: what its contract lacks is lost on the way in and out."""

    def handler(name):
        kind = {"Generate": "Generate", "GetGenerator": "GetGenerator", "ListGenerators": "ListGenerators"}[name]

        def answer(request, context):
            known = getattr(pb, f"{kind}Request").FromString(_lean(request).SerializeToString())
            try:
                found = getattr(fake, METHODS[name])(known, context.time_remaining())
            except augmint.AugmintError as error:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            message = _lean(messages[f"{kind}Response"].FromString(found.SerializeToString()))
            change(message)
            return message

        return grpc.unary_unary_rpc_method_handler(
            answer,
            messages[f"{kind}Request"].FromString,
            messages[f"{kind}Response"].SerializeToString,
        )

    server = grpc.server(futures.ThreadPoolExecutor(4))
    service = grpc.method_handlers_generic_handler("augmint.v1.GeneratorService", {n: handler(n) for n in METHODS})
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with augmint.Client(f"127.0.0.1:{port}", connect_timeout=60) as client:
            yield client
    finally:
        server.stop(0).wait()


def _lean(message):
    message.DiscardUnknownFields()
    return message


def test_an_older_service_serves_a_newer_client():
    fake = FakeService()
    with served_by(OLDER, fake) as client:
        samples = client.generate(classes=np.arange(30) % 4, seed=7, truncation=0.5)
        assert np.array_equal(samples.array, fake.expected(7, np.arange(30), np.arange(30) % 4, 0.5))
        assert np.array_equal(client.replay(str(samples.address)).array, samples.array)
        assert client.generators()[0].channels == ()


def test_a_selection_of_which_an_older_service_knows_nothing_is_refused():
    refused = pytest.raises(augmint.InvalidRequest, match="need a generator that scores")
    with served_by(OLDER, FakeService()) as client, refused:
        client.generate("bag", 4, keep=1, of=2)


def test_an_older_replica_among_newer_ones_cannot_slip_unselected_samples_in():
    fake = FakeService()
    with served_by(OLDER, fake) as client:
        description = client.describe()
        description.message.scored = True  # as a newer replica told
        with pytest.raises(augmint.ServiceFault, match="selection"):
            client.generate("bag", 4, keep=1, of=2)


def set_everything_new(message):
    message.novelty = "new"
    if hasattr(message, "status"):
        message.status.novelties.extend([1, 2])
        message.generator.sample.novelty = "new"
    for status in getattr(message, "generators", ()):
        status.novelty = "new"
        status.state = 99


def test_a_newer_service_serves_an_older_client():
    fake = FakeService()
    with served_by(NEWER, fake, set_everything_new) as client:
        samples = client.generate("bag", 30, seed=7)
        assert np.array_equal(samples.array, fake.expected(7, np.arange(30), np.ones(30)))
        assert {status.state for status in client.generators()} == {"unknown"}


def test_a_kind_of_sample_that_is_new_comes_as_an_array():
    def video(message):
        if hasattr(message, "generator") and hasattr(message, "status"):
            message.generator.sample.video = "new"

    fake = FakeService()
    with served_by(NEWER, fake, video) as client:
        samples = client.generate("bag", 3, seed=7)
        assert samples.description.kind == "array"
        assert np.array_equal(samples.array, fake.expected(7, np.arange(3), np.ones(3)))
        with pytest.raises(augmint.InvalidRequest, match="makes array, not images"):
            samples.to_images()


def test_a_type_of_element_that_is_new_asks_for_an_upgrade():
    def wide(message):
        if hasattr(message, "generator") and hasattr(message, "status"):
            message.generator.sample.dtype = 77

    with served_by(NEWER, FakeService(), wide) as client, pytest.raises(augmint.ServiceFault, match="upgrade it"):
        client.describe()


def test_the_file_is_the_same_whichever_release_tells_of_it():
    with served_by(OLDER, FakeService()) as client:
        assert client.describe().digest == digest(1)
