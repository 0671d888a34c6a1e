"""Tokens, names and quotas, alone and at the real server."""

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from augmint.v1 import generator_pb2 as pb
from augmint.v1.generator_pb2_grpc import GeneratorServiceStub
from service.access import __main__, access
from service.access.reload import FileError
from service.access.tokens import Tokens
from tests import generators
from tests.processes import Service, code_of, fail, throw_garbage

FILE = Path("tokens")
ONE = pb.GenerateRequest(label="1", n=1)


def line(name, token):
    return f"{name} {hashlib.sha256(token.encode()).hexdigest()}\n"


def bearer(token):
    return (("authorization", f"Bearer {token}"),)


# -- alone ---------------------------------------------------------------------------------------------------


def test_a_token_has_the_name_of_its_line_and_a_name_may_have_several():
    tokens = Tokens(f"# old\n{line('vision', 'a')}\n  \n{line('vision', 'b')}{line('sound', 'c')}", FILE)
    assert [tokens.name(token) for token in ("a", "b", "c", "d", "", " a", "A")] == [
        *("vision", "vision", "sound"),
        *(None,) * 4,
    ]


@pytest.mark.parametrize(
    "text",
    ["vision", "vision abc", f"vision {'a' * 63}", f"vision {'A' * 64}", f"a b {'a' * 64}", f"../x {'a' * 64}", "\x00"],
)
def test_a_bad_line_is_named_by_its_number_and_never_quoted(text):
    with pytest.raises(FileError, match=r"tokens, line 2: wanted `name sha256hex`") as error:
        Tokens(f"{line('good', 'x')}{text}\n", FILE)
    assert "vision" not in str(error.value)


def test_a_file_without_tokens_is_refused_rather_than_shutting_everybody_out():
    with pytest.raises(FileError, match=r"tokens holds no token; `python -m service.access NAME` makes one"):
        Tokens("# soon\n", FILE)


def test_a_token_is_made_by_one_command_and_works():
    made = subprocess.run(
        [sys.executable, "-m", "service.access", "vision"], capture_output=True, text=True, timeout=60, check=True
    )
    token = made.stderr.split()[-1]
    assert len(token) >= 43
    assert Tokens(made.stdout, FILE).name(token) == "vision"
    assert token not in made.stdout


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["-x"], ["../a"], ["a" * 64], ["a\n"]])
def test_a_name_that_no_file_could_hold_is_refused(arguments, capsys):
    assert __main__.main(arguments) == 2
    out, complaint = capsys.readouterr()
    assert out == ""
    assert "usage: python -m service.access NAME" in complaint


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.3.2.1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("[::]", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_what_cannot_be_reached_from_elsewhere_is_known(host, expected):
    assert access.loopback(host) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("ipv4:10.0.0.7:41234", "ipv4:10.0.0.7"),
        ("ipv6:%5B2001:db8::1%5D:41234", "ipv6:%5B2001:db8::1%5D"),
        ("unix:/run/a:1", "unix:/run/a:1"),
        ("", ""),
    ],
)
def test_an_address_is_a_peer_without_its_port(peer, expected):
    assert access.address(peer) == expected


def test_a_certificate_is_called_by_its_common_name_else_by_its_first_alternative():
    assert access.certificate_name({"x509_common_name": [b"a"], "x509_subject_alternative_name": [b"b"]}) == "a"
    assert access.certificate_name({"x509_subject_alternative_name": [b"spiffe://b", b"c"]}) == "spiffe://b"
    assert access.certificate_name({}) == ""
    assert len(access.certificate_name({"x509_common_name": [b"\xff" * 1000]})) == 128


# -- at the server -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    generators.publish(folder)
    generators.publish(folder, "other")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    (folder / "tokens").write_text(line("vision", "v1") + line("sound", "s1") + line("slow", "w1"))
    (folder / "quotas.toml").write_text(
        '[clients.sound]\ngenerators = ["tiny"]\n[clients.slow]\nsamples_per_second = 0.001\nburst_samples = 10\n'
    )
    return folder


@pytest.fixture(scope="module")
def service(models, files):
    flags = ("--tokens", str(files / "tokens"), "--quotas", str(files / "quotas.toml"), "--log-format", "json")
    with Service(models, "--max-batch", "8", *flags) as service:
        yield service


@pytest.fixture
def stub(service):
    with service.channel() as channel:
        yield GeneratorServiceStub(channel)


def test_a_call_without_a_known_token_is_refused_and_told_how(service, stub):
    before = service.metric("augmint_refused_total")
    ask = pb.ListGeneratorsRequest()
    for metadata, message in [
        ((), "this server wants a token; send the metadata `authorization: Bearer TOKEN`"),
        ((("authorization", "Basic djE="),), "holds no bearer token"),
        ((("authorization", ""),), "holds no bearer token"),
        (bearer("v2"), "the token is unknown here"),
        (bearer(""), "the token is unknown here"),
    ]:
        code, text = code_of(stub.ListGenerators, ask, metadata=metadata)
        assert code == grpc.StatusCode.UNAUTHENTICATED
        assert message in text
    assert service.metric("augmint_refused_total") == before + 5


def test_a_token_opens_every_method_and_its_name_is_in_the_log(service, stub):
    drawn = stub.Generate(
        pb.GenerateRequest(generator="tiny", label="1", n=3, seed=31337), timeout=60, metadata=bearer("v1")
    )
    assert len(drawn.data) == 3 * 64
    assert stub.ListGenerators(
        pb.ListGeneratorsRequest(), timeout=60, metadata=(("authorization", "bearer  v1 "),)
    ).generators
    assert json.loads(service.wait_for_log("31337"))["caller"] == "vision"
    assert "v1" not in "".join(entry for entry in service.log if "31337" in entry).replace("augmint.v1", "")


def test_a_client_that_may_not_is_told_what_it_may(stub):
    request = pb.GenerateRequest(generator="other", label="1", n=1)
    code, text = code_of(stub.Generate, request, metadata=bearer("s1"))
    assert code == grpc.StatusCode.PERMISSION_DENIED
    assert text == "client 'sound' may not draw from 'other'; allowed: 'tiny'"


def test_a_spent_quota_is_refused_with_the_time_to_wait(stub):
    request = pb.GenerateRequest(generator="tiny", label="1", n=10)
    stub.Generate(request, timeout=60, metadata=bearer("w1"))
    with pytest.raises(grpc.RpcError) as error:
        stub.Generate(request, timeout=60, metadata=bearer("w1"))
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "client 'slow' may draw 0.001 samples/s" in error.value.details()
    pushback = dict(error.value.trailing_metadata())["grpc-retry-pushback-ms"]
    assert 9_000_000 < int(pushback) <= 10_000_000
    stub.Generate(request, timeout=60, metadata=bearer("v1"))


def test_health_needs_no_token(service):
    with service.channel() as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=60).status == 1
        assert health.Check(health_pb2.HealthCheckRequest(service="tiny"), timeout=60).status == 1
        # Nobody learns from it which generators there are.
        listed = set(health.List(health_pb2.HealthListRequest(), timeout=60).statuses)
        assert {"", "liveness", "augmint.v1.GeneratorService"} <= listed
        assert not {"tiny", "other"} & listed


def test_tokens_change_while_the_server_runs_and_a_bad_file_changes_nothing(service, stub, files):
    tokens, ask = files / "tokens", pb.ListGeneratorsRequest()
    good = tokens.read_text()
    assert code_of(stub.ListGenerators, ask, metadata=bearer("n1"))[0] == grpc.StatusCode.UNAUTHENTICATED
    tokens.write_text(good + line("new", "n1"))
    service.wait_for_log("change taken")
    assert stub.ListGenerators(ask, timeout=60, metadata=bearer("n1")).generators
    failed = 0
    for spoil, reason in [
        (lambda: tokens.unlink(), "cannot be read: No such file"),
        (lambda: tokens.write_text("v1\n"), "line 1: wanted `name sha256hex`"),
        (lambda: tokens.write_text(""), "holds no token"),
        (lambda: tokens.write_bytes(b"\xff"), "no UTF-8 text"),
    ]:
        spoil()
        assert "change refused, the old one stays" in service.wait_for_log(reason)
        failed += 1
        assert stub.ListGenerators(ask, timeout=60, metadata=bearer("n1")).generators
    assert service.metric('augmint_reloads_total.*"failed".*') == failed
    tokens.write_text(line("last", "z1"))
    while service.metric('augmint_reloads_total.*"ok".*') < 2:
        time.sleep(0.1)
    assert code_of(stub.ListGenerators, ask, metadata=bearer("n1"))[0] == grpc.StatusCode.UNAUTHENTICATED
    assert stub.ListGenerators(ask, timeout=60, metadata=bearer("z1")).generators
    tokens.write_text(good)
    while service.metric('augmint_reloads_total.*"ok".*') < 3:
        time.sleep(0.1)


def test_metadata_that_is_too_large_is_refused_and_the_connection_goes_on(service, stub):
    ask = pb.ListGeneratorsRequest()
    code, text = code_of(stub.ListGenerators, ask, metadata=(*bearer("v1"), ("x-large", "x" * 9000)))
    assert code in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
    assert "metadata" in text
    assert stub.ListGenerators(ask, timeout=60, metadata=bearer("v1")).generators


def test_garbage_on_the_port_harms_nobody(service, stub):
    throw_garbage(service.target)
    assert stub.ListGenerators(pb.ListGeneratorsRequest(), timeout=60, metadata=bearer("v1")).generators
    assert not any("internal error" in line for line in service.log)


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]"])
def test_listening_beyond_the_machine_needs_a_word(models, host):
    status, text = fail("--models", str(models), "--host", host, "--port", "0", "--metrics-port", "0")
    assert status == 2
    assert f"--host {host} can be reached from other machines" in text
    for flag in ("--tls-certificate", "--tls-key", "--tokens", "--insecure"):
        assert flag in text


def test_files_that_cannot_be_used_end_the_start_with_the_reason(models, tmp_path):
    start = ("--models", str(models), "--port", "0", "--metrics-port", "0")
    (tmp_path / "bad").write_text("hello")
    status, text = fail(*start, "--tokens", str(tmp_path / "bad"))
    assert (status, "bad, line 1: wanted `name sha256hex`" in text) == (2, True)
    status, text = fail(*start, "--quotas", str(tmp_path / "none"))
    assert (status, "none cannot be read: No such file" in text) == (2, True)
