"""The client against the real service, in a process of its own, over a real socket."""

import hashlib
import threading

import numpy as np
import onnxruntime
import pytest
import trustme

import augmint
from service import artifact
from tests import generators
from tests.processes import Service


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    generators.publish(folder, "tiny", scored=True)
    return folder


@pytest.fixture
def client(service):
    with augmint.Client(service.target) as client:
        yield client


def test_samples_equal_those_of_the_file_run_by_bare_onnxruntime(client, models):
    samples = client.generate(classes=np.arange(50) % 10, seed=7, start_index=2**40, truncation=0.7)
    session = onnxruntime.InferenceSession(
        str(models / "tiny" / "1" / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    feed = {
        "seed": np.full(50, artifact.mix_seed(7)),
        "index": np.arange(2**40, 2**40 + 50, dtype=np.uint64),
        "label": np.arange(50) % 10,
        "truncation": np.full(50, 0.7, np.float32),
    }
    assert np.array_equal(samples.array, session.run(None, feed)[0])
    assert samples.address.digest == artifact.digest((models / "tiny" / "1" / "model.onnx").read_bytes())


def test_pages_equal_one_call(client):
    description = client.describe()
    n = min(2 * description.page + 3, description.max_samples)
    whole = client.generate("3", n, seed=7)
    parts = [client.generate("3", min(1000, n - start), seed=7, start_index=start) for start in range(0, n, 1000)]
    assert np.array_equal(whole.array, np.concatenate([part.array for part in parts]))
    assert len({sample.tobytes() for sample in whole.array}) > 0.99 * n


def test_more_than_one_call_may_carry_is_paged(client):
    n = client.describe().max_samples + 1
    samples = client.generate("3", n, seed=7)
    assert len(samples) == n
    assert np.array_equal(samples.array[-1], client.generate("3", seed=7, start_index=n - 1).array[0])


def test_scattered_samples_equal_those_read_in_order(client):
    order = np.random.default_rng(0).permutation(400)[:60]
    in_order = client.generate(classes=np.arange(400) % 10, seed=7)
    assert np.array_equal(client.fetch(order, order % 10, seed=7).array, in_order.array[order])


def test_many_readers_get_what_one_gets(service):
    with augmint.Client(service.target) as client:
        want = client.generate("3", 300, seed=7).array
        results = [None] * 16

        def read(number):
            results[number] = client.generate("3", 300, seed=7).array

        readers = [threading.Thread(target=read, args=(number,)) for number in range(16)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(60)
    assert all(np.array_equal(result, want) for result in results)


def test_what_the_service_refuses_is_a_typed_error(client):
    with pytest.raises(augmint.GeneratorNotFound, match="other"):
        client.generate("3", generator="other")
    with pytest.raises(augmint.GeneratorNotFound):
        client.generate("3", version=9)
    with pytest.raises(augmint.DigestMismatch):
        client.generate("3", digest="0" * 64)


def test_the_service_itself_refuses_another_digest(client):
    description = client.describe()
    # As a client would that learned of the file from another replica.
    object.__setattr__(description, "digest", "0" * 64)
    with pytest.raises(augmint.DigestMismatch):
        client.generate("3", digest="0" * 64)


def test_generators_and_description_agree(client):
    (status,) = client.generators()
    description = client.describe("tiny")
    assert (status.name, status.version, status.digest) == ("tiny", 1, description.digest)
    assert status.state == "ready"
    assert status.is_default
    assert status.labels == description.labels == generators.DIGITS
    assert 1 <= description.page <= description.max_samples


def test_a_reader_sits_out_a_killed_service(models, forked):
    service = Service(models, start=forked)
    with augmint.Client(service.target) as client:
        want = client.generate("3", 2000, seed=7).array
        read, stop = [], threading.Event()

        def loop():
            while not stop.is_set():
                read.append(client.generate("3", 2000, seed=7).array)

        reader = threading.Thread(target=loop)
        reader.start()
        while not read:
            reader.join(0.001)
        service.kill()  # in the middle of its answers
        before = len(read)
        again = Service(models, "--port", service.target.rpartition(":")[2], start=forked)
        try:
            while len(read) < before + 3 and reader.is_alive():
                reader.join(0.01)
        finally:
            stop.set()
            reader.join(60)
            again.kill()
    assert len(read) >= before + 3
    assert all(np.array_equal(array, want) for array in read)


def test_tls_and_a_token_let_in_and_nothing_else_does(models, tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca")
    own = authority.issue_cert("127.0.0.1")
    own.cert_chain_pems[0].write_to_path(tmp_path / "certificate")
    own.private_key_pem.write_to_path(tmp_path / "key")
    (tmp_path / "tokens").write_text(f"team {hashlib.sha256(b'right').hexdigest()}\n")
    (tmp_path / "token").write_text("right\n")
    files = ("--tls-certificate", tmp_path / "certificate", "--tls-key", tmp_path / "key")
    service = Service(models, *map(str, files), "--tokens", str(tmp_path / "tokens"))
    tls = augmint.Tls(ca=tmp_path / "ca")
    try:
        with augmint.Client(service.target, tls=tls, token=tmp_path / "token") as client:
            assert len(client.generate("3", 2000, seed=7)) == 2000
        for settings, error in (
            ({"tls": tls}, augmint.AccessDenied),
            ({"tls": tls, "token": "wrong"}, augmint.AccessDenied),
            ({"tls": True}, augmint.TlsError),
            ({}, augmint.TlsError),
        ):
            with augmint.Client(service.target, connect_timeout=3, **settings) as client, pytest.raises(error):
                client.generate("3")
    finally:
        service.kill()


def test_a_selection_is_what_the_file_and_a_sort_give_in_pages_or_alone(client, models):
    keep, of, n = 2, 5, 1500
    samples = client.generate("3", n, seed=9, start_index=7, keep=keep, of=of)
    again = client.replay(str(samples.address)).array
    scattered = client.fetch([1506, 7, 100], ["3"] * 3, seed=9, keep=keep, of=of).array
    file = models / "tiny" / "1" / "model.onnx"
    bare = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    blocks = (7 + n - 1) // keep + 1
    index = np.arange(blocks * of, dtype=np.uint64)
    feed = {
        "seed": np.full(len(index), artifact.mix_seed(9)),
        "index": index,
        "label": np.full(len(index), 3, np.int64),
        "truncation": np.ones(len(index), np.float32),
    }
    candidates, scores = bare.run(["sample", "score"], feed)
    best = np.sort(np.argsort(-scores.reshape(-1, of), axis=1, kind="stable")[:, :keep], axis=1)
    kept = (np.arange(blocks)[:, None] * of + best).reshape(-1)
    assert np.array_equal(samples.array, candidates[kept[7 : 7 + n]])
    assert np.array_equal(again, samples.array)
    assert np.array_equal(scattered, samples.array[[1499, 0, 93]])
