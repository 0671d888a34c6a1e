import pytest
from prometheus_client import CollectorRegistry

from service.access.reload import FileError, Watched, read_text
from service.metrics import Metrics


@pytest.fixture
def metrics():
    return Metrics(CollectorRegistry())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "number"
    path.write_text("1")
    return path


def number(path):
    text = read_text(path)
    if not text.isdigit():
        raise FileError(f"{path} holds no number")
    return int(text)


def watched(path, metrics):
    return Watched("number", [path], lambda: number(path), metrics)


def counted(metrics, result):
    return metrics.registry.get_sample_value("augmint_reloads_total", {"setting": "number", "result": result})


def test_a_change_is_taken_once_it_has_come_to_rest(file, metrics):
    found = watched(file, metrics)
    file.write_text("22")
    found.check()
    assert found.value == 1  # seen for the first time: it may be half of what is being written
    found.check()
    assert found.value == 22
    for _ in range(3):
        found.check()
    assert counted(metrics, "ok") == 1


def test_a_bad_change_keeps_the_old_value_and_the_next_good_one_is_taken(file, metrics):
    found = watched(file, metrics)
    file.write_text("two")
    for _ in range(4):
        found.check()
    assert (found.value, counted(metrics, "failed")) == (1, 1)
    file.write_text("333")
    found.check()
    found.check()
    assert (found.value, counted(metrics, "failed"), counted(metrics, "ok")) == (333, 1, 1)


def test_a_file_that_vanishes_keeps_the_old_value_and_may_come_back(file, metrics):
    found = watched(file, metrics)
    file.unlink()
    for _ in range(3):
        found.check()
    assert (found.value, counted(metrics, "failed")) == (1, 1)
    file.write_text("4444")
    found.check()
    found.check()
    assert found.value == 4444


def test_a_link_that_is_swapped_counts_as_a_change_as_kubernetes_does_it(tmp_path, metrics):
    for name, text in (("old", "1"), ("new", "2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "number").write_text(text)
    (tmp_path / "data").symlink_to("old")
    found = watched(tmp_path / "data" / "number", metrics)
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").rename(tmp_path / "data")
    found.check()
    found.check()
    assert found.value == 2


def test_the_first_reading_must_succeed(tmp_path, metrics):
    (tmp_path / "link").symlink_to("..data/tokens")
    with pytest.raises(FileError, match=r"/link, a link to \.\.data/tokens \(/.*\), cannot be read: No such file"):
        watched(tmp_path / "link", metrics)
    with pytest.raises(FileError, match="cannot be read: No such file"):
        watched(tmp_path / "none", metrics)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="no UTF-8 text: invalid start byte at byte 0"):
        watched(tmp_path / "binary", metrics)
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        watched(tmp_path, metrics)
