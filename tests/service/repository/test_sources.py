import functools
import http.server
import sys
import threading

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from service import artifact
from service.artifact import ArtifactError
from service.repository.cache import Cache
from service.repository.sources import Folder, Remote, SourceError, open_source


@pytest.fixture
def bucket():
    """A place in fsspec's memory; answers with a function that writes there."""
    MemoryFileSystem.store.clear()
    memory = fsspec.filesystem("memory")
    yield lambda path, content: memory.pipe_file(f"/models/{path}", content)
    MemoryFileSystem.store.clear()


def write(folder, path, content):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)


@pytest.fixture
def served(tmp_path):
    """A folder that a web server shows; answers with both."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_store_is_reached_by_the_proxy_that_the_environment_names(tmp_path, monkeypatch):
    """The proxy of this test has the store's files itself, and the store's name leads nowhere."""
    asked = []

    class Proxy(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def translate_path(self, path):
            asked.append(path)
            assert path.startswith("http://store.invalid/models")
            return super().translate_path(path.removeprefix("http://store.invalid/models"))

    write(tmp_path, "one/1/model.onnx", b"content")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Proxy, directory=tmp_path))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        source = open_source("http://store.invalid/models")
        files = source.scan().files
        assert source.read(("one", 1), files["one", 1]) == b"content"
        assert asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(params=["folder", "memory", "http"])
def place(request, tmp_path):
    """A source of each kind, with a function that writes to it."""
    if request.param == "memory":
        return open_source("memory://models"), request.getfixturevalue("bucket")
    folder, url = request.getfixturevalue("served")
    return open_source(str(folder) if request.param == "folder" else url), functools.partial(write, folder)


def test_a_scan_finds_versions_and_channels_and_no_more(place):
    source, put = place
    for path in ("one/1/model.onnx", "one/12/model.onnx", "two/1/model.onnx"):
        put(path, path.encode())
    for path in ("Upper/1/model.onnx", "one/01/model.onnx", "one/1/notes.txt", "one/1/deep/model.onnx", "readme.md"):
        put(path, b"x")
    put("one/channels.json", b'{"stable": 1}')
    scan = source.scan()
    assert set(scan.files) == {("one", 1), ("one", 12), ("two", 1)}
    assert scan.channels == {"one": '{"stable": 1}'}
    for name, version in scan.files:
        assert source.read((name, version), scan.files[name, version]) == f"{name}/{version}/model.onnx".encode()


def test_a_stamp_changes_with_the_content_and_only_then(place):
    source, put = place
    put("one/1/model.onnx", b"first")
    before = source.scan().files
    assert source.scan().files == before
    put("one/1/model.onnx", b"the second")
    after = source.scan().files
    assert after != before
    put("one/1/model.onnx.sha256", artifact.digest(b"the second").encode())
    assert source.scan().files != after


def test_bytes_are_checked_against_the_digest_beside_them(place):
    source, put = place
    put("one/1/model.onnx", b"content")
    put("one/1/model.onnx.sha256", f"{artifact.digest(b'content')}  model.onnx\n".encode())
    stamp = source.scan().files["one", 1]
    assert source.read(("one", 1), stamp) == b"content"
    put("one/1/model.onnx", b"c0ntent")
    with pytest.raises(ArtifactError, match=r"SHA-256 is [0-9a-f]{64}, and model.onnx.sha256 says [0-9a-f]{64}"):
        source.read(("one", 1), source.scan().files["one", 1])
    put("one/1/model.onnx.sha256", b"nonsense")
    with pytest.raises(ArtifactError, match="does not begin with 64 hexadecimal digits"):
        source.read(("one", 1), source.scan().files["one", 1])


def test_what_is_gone_between_scan_and_read_can_be_tried_again(place):
    source, _ = place
    with pytest.raises(SourceError, match=r"model.onnx"):
        source.read(("gone", 1), "stamp")


def test_fetched_files_are_kept_until_their_stamp_changes(bucket, tmp_path):
    bucket("one/1/model.onnx", b"first")
    source = open_source("memory://models", Cache(tmp_path, 1000))
    stamp = source.scan().files["one", 1]
    assert source.read(("one", 1), stamp) == b"first"
    MemoryFileSystem.cat_file, cat_file = None, MemoryFileSystem.cat_file
    try:
        again = open_source("memory://models", Cache(tmp_path, 1000))
        assert again.read(("one", 1), stamp) == b"first"  # without asking the store
    finally:
        MemoryFileSystem.cat_file = cat_file
    bucket("one/1/model.onnx", b"second")
    assert source.read(("one", 1), source.scan().files["one", 1]) == b"second"


def test_a_source_out_of_reach_says_so(tmp_path):
    with pytest.raises(SourceError, match="no such folder; publish a generator"):
        Folder(tmp_path / "missing").scan()
    with pytest.raises(SourceError, match=r"http://127.0.0.1:1 cannot be listed"):
        Remote("http://127.0.0.1:1").scan()
    with pytest.raises(SourceError, match=r"http://\*\*\*@127.0.0.1:1 cannot be listed") as error:
        Remote("http://me:secret@127.0.0.1:1").scan()
    assert "secret" not in str(error.value)
    with pytest.raises(SourceError, match=r"odd://x cannot be opened: .*s3.* and a path are usual"):
        open_source("odd://x")


def test_a_file_system_whose_package_is_missing_names_it(monkeypatch):
    registry = sys.modules["fsspec.registry"]  # the package has a function of the same name
    monkeypatch.setitem(registry.known_implementations, "s3", {"class": "nowhere.S3", "err": "Install s3fs"})
    monkeypatch.delitem(registry._registry, "s3", raising=False)
    with pytest.raises(SourceError, match=r"s3://bucket/models needs `pip install s3fs`: Install s3fs"):
        open_source("s3://bucket/models")
