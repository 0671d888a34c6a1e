"""The lines on the page make the very samples of the page."""

import ast
import base64
import io
import json
import re
import shlex
import shutil
import subprocess
from html import unescape

import numpy as np
import pytest
from google.protobuf import json_format

import augmint
from augmint.__main__ import main
from augmint.browse import snippets
from augmint.browse.snippets import Reach, Wanted
from augmint.v1 import generator_pb2 as pb
from augmint.wire.channel import Channel, Tls
from tests.client.browse.serving import browsed, get
from tests.client.browse.test_guard import HOSTILE
from tests.client.fakes import FakeService, served

QUERIES = [
    "/g/tiny/1?label=7&n=3&seed=18446744073709551615&start=5&truncation=0.7&keep=1&of=2",
    "/g/tiny/2?n=2&seed=4",
    "/g/people/1?label=%3E50K&n=4&seed=4",
    "/g/tones/1?label=no&n=1&seed=4",
    "/g/tunes/1?n=2&seed=4",
    "/g/names/1?label=Greek&n=4&seed=4",
]


def blocks(page):
    """Python, augmint, grpcurl, as the page has them."""
    return [unescape(one) for one in re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)]


def typed(line):
    """Words as a shell has them."""
    return shlex.split(line.replace("\\\n", ""))


def drawn(site, path):
    """The samples that a page shows, by its own file of them."""
    place, _, query = path.partition("?")
    with open_npz(get(f"{site}{place}/download/npz?{query}").content) as file:
        return file["array"]


def open_npz(content):
    return np.load(io.BytesIO(content))


@pytest.mark.parametrize("path", QUERIES)
def test_the_python_lines_make_the_samples_of_the_page(site, path):
    names = {}
    exec(blocks(get(site + path).text)[0], names)
    assert names["samples"].array.tobytes() == drawn(site, path).tobytes()


@pytest.mark.parametrize("path", QUERIES)
def test_the_command_makes_the_samples_of_the_page(site, path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = typed(blocks(get(site + path).text)[1])
    assert words[0] == "augmint"
    assert main(words[1:]) == 0
    told = "".join(capsys.readouterr())
    if "--out" in words:
        assert words[words.index("--out") + 1] in told
        assert list(tmp_path.iterdir())
        words[words.index("--out") + 1] = "again.npz"
    else:
        assert re.search("4 samples of (people|names)/1, seed 4", told)
        words += ["--out", "again.npz"]
    assert main(words[1:]) == 0
    with np.load("again.npz") as file:
        assert file["array"].tobytes() == drawn(site, path).tobytes()


@pytest.mark.parametrize("path", QUERIES)
def test_the_call_of_grpcurl_makes_the_samples_of_the_page(site, service, path):
    words = typed(blocks(get(site + path).text)[2])
    assert words[:2] == ["grpcurl", "-plaintext"]
    assert words[-2:] == [service.target, "augmint.v1.GeneratorService/Generate"]
    request = json_format.Parse(words[words.index("-d") + 1], pb.GenerateRequest())
    with service.channel() as channel:
        call = channel.unary_unary(
            f"/{words[-1]}", pb.GenerateRequest.SerializeToString, pb.GenerateResponse.FromString
        )
        assert call(request, timeout=60).data == drawn(site, path).tobytes()


def test_the_lines_of_one_sample_make_it(site):
    page = get(f"{site}/g/tiny/1?label=7&n=2&seed=4").text
    one = get(site + unescape(re.findall(r'href="(/sample\?[^"]*)"', page)[1])).text
    names = {}
    exec(blocks(one)[0], names)
    shown = base64.b64decode(re.search(r'data:image/png;base64,([^"]*)"', one)[1])
    picture = names["samples"].to_images()[0]
    assert np.array_equal(np.asarray(picture), drawn(site, "/g/tiny/1?label=7&n=2&seed=4")[1, ..., 0])
    assert shown[:4] == b"\x89PNG"
    request = json.loads(typed(blocks(one)[2])[typed(blocks(one)[2]).index("-d") + 1])
    assert (request["startIndex"], request["n"], request["label"]) == ("1", 1, "7")


def wanted(label):
    with augmint.Client(transport=FakeService(labels=HOSTILE)) as client:
        return Wanted(client.describe(), [label], 2, 7, 0, 1.0, 0, 0)


PLAIN = Reach.of(Channel("localhost:50051"))


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_label_is_one_argument_of_the_lines(label):
    asked = wanted(label)
    tree = ast.parse(snippets.python(PLAIN, asked))
    assert label in [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    bash = shutil.which("bash")
    if bash and "\0" not in label:  # which no argument of any program can have
        for line in (snippets.command(PLAIN, asked), snippets.grpcurl(PLAIN, asked)):
            told = subprocess.run(
                [bash, "-c", f'show() {{ printf "%s\\0" "$@"; }}; show {line}'],
                stdout=subprocess.PIPE,
                check=True,
                env={"LC_ALL": "C.UTF-8", "PATH": "/nowhere"},
            ).stdout.decode()
            words = told.split("\0")
            named = [json.loads(word)["label"] for word in words if word.startswith('{"generator"')]
            assert label in [*words, *(word.partition("=")[2] for word in words), *named]


@pytest.mark.parametrize("label", HOSTILE)
def test_what_cannot_be_seen_is_escaped_in_the_lines(label):
    asked = wanted(label)
    for text in (snippets.python(PLAIN, asked), snippets.command(PLAIN, asked), snippets.grpcurl(PLAIN, asked)):
        assert all(one.isprintable() or one == "\n" for one in text)


def test_the_lines_reach_the_service_as_the_page_does(tmp_path):
    reach = Reach.of(
        Channel(
            "h.example:443",
            tls=Tls(ca="a", certificate="b", key="c", server_name="s.example"),
            token="very-secret",
        )
    )
    asked = wanted(HOSTILE[5])
    python, command, call = (make(reach, asked) for make in (snippets.python, snippets.command, snippets.grpcurl))
    assert 'Client("h.example:443", tls=augmint.Tls(ca="ca.pem", certificate="me.pem", key="me.key", ' in python
    assert 'server_name="s.example"), token=Path("token"))' in python
    words = " ".join(command.replace("\\\n", "").split())
    assert "--tls --ca ca.pem --certificate me.pem --key me.key --server-name s.example --token-file token" in words
    words = " ".join(call.replace("\\\n", "").split())
    assert "-cacert ca.pem -cert me.pem -key me.key -authority s.example" in words
    assert '-H "authorization: Bearer $(cat token)"' in words
    assert "very-secret" not in python + command + call


def test_a_token_without_tls_is_sent_where_the_page_sends_it(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("word")
    with served(FakeService(), token="word") as target, browsed(target, tls=False, token=tmp_path / "token") as site:
        python, command, _ = blocks(get(f"{site}/g/fake/1?n=1").text)
        names = {}
        exec(python, names)
        assert len(names["samples"]) == len(FakeService().labels)
        assert main(typed(command)[1:]) == 0
