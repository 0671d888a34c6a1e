"""docs/access.md and docs/open-inference.md: what they show works as it stands there."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

import augmint
from service import settings
from service.access import quotas
from tests import generators
from tests.processes import Service

DOCS = Path(__file__).parents[2] / "docs"
ACCESS = (DOCS / "access.md").read_text()
COMMAND = ".venv/bin/python -m service "


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands():
    """Arguments of each start that access.md shows."""
    return [shlex.split(line.strip().removeprefix(COMMAND)) for line in ACCESS.splitlines() if COMMAND in line]


def test_every_command_is_understood():
    assert len(commands()) == 5
    for arguments in commands():
        settings.load(arguments, {})


def test_the_quotas_are_a_file_that_is_taken():
    (text,) = blocks(ACCESS, "toml")
    rules = quotas.parse(text, Path("quotas.toml"))
    assert rules.default.open_work_seconds == 2
    assert rules.clients["vision"].generators == ["digits"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    generators.publish(models, "digits")
    return models


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of access.md."""
    folder = tmp_path_factory.mktemp("access")
    authority = trustme.CA()
    for name in ("authority", "clients"):
        authority.cert_pem.write_to_path(folder / f"{name}.crt")
    for name, identity in (("server", "localhost"), ("reader", "reader@example.org")):
        certificate = authority.issue_cert(identity)
        certificate.private_key_pem.write_to_path(folder / f"{name}.key")
        (folder / f"{name}.crt").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    return folder


@pytest.fixture(scope="module")
def token(folder):
    """Made as access.md says; its line is among the files."""
    made = subprocess.run(
        [sys.executable, "-m", "service.access", "vision"], capture_output=True, text=True, timeout=60, check=True
    )
    (folder / "tokens").write_text(made.stdout)
    return made.stderr.split()[-1]


@pytest.mark.parametrize("number", range(3), ids=["TLS", "mutual TLS", "tokens"])
def test_each_client_reaches_the_server_of_its_command(models, folder, token, capsys, number):
    flags = commands()[number]
    assert flags[:2] == ["--models", "demo/models"]
    code = blocks(ACCESS, "python")[number]
    with Service(models, "--max-batch", "8", *(in_folder(folder, flag) for flag in flags[2:])) as service:
        code = code.replace("50051", service.target.rpartition(":")[2])
        for name in re.findall(r'"(\w+\.(?:crt|key))"', code):
            code = code.replace(f'"{name}"', repr(in_folder(folder, name)))
        exec(code, {"augmint": augmint, "TOKEN": token})
        assert service.metric("augmint_certificate_expiry_timestamp_seconds.*tls_certificate.*") > time.time()
        assert service.metric("augmint_reloads_total.*failed.*") == 0
    assert capsys.readouterr().out == "(64, 8, 8, 1)\n"


def in_folder(folder, name):
    return str(folder / name) if (folder / name).exists() else name


def test_the_stock_client_draws(models):
    (code,) = blocks((DOCS / "open-inference.md").read_text(), "python")
    with Service(models, "--max-batch", "8") as service:
        # In a process of its own: the messages of tritonclient have the names of the service's.
        code = code.replace("localhost:50051", service.target)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "['digits']"
    assert "(64, 8, 8, 1)" in done.stdout
