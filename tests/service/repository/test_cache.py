import errno
import os
from pathlib import Path

import pytest

from service.repository.cache import Cache


@pytest.fixture
def complaints():
    return []


@pytest.fixture
def cache(tmp_path, complaints):
    return Cache(tmp_path / "cache", 1000, lambda: complaints.append(1))


def files(tmp_path):
    return sorted(path.name.partition("-")[0] for path in (tmp_path / "cache").iterdir())


def test_what_was_kept_comes_back_and_nothing_else_does(cache):
    cache.put("aa", b"first")
    cache.put("ab", b"second")
    assert (cache.get("aa"), cache.get("ab"), cache.get("a"), cache.get("ac")) == (b"first", b"second", None, None)


def test_the_least_recently_used_make_room(tmp_path, cache, complaints):
    for position, key in enumerate(("aa", "bb", "cc")):
        cache.put(key, bytes(300))
        os.utime(next((tmp_path / "cache").glob(f"{key}-*")), (position, position))
    assert cache.get("aa") is not None  # and is now the latest
    cache.put("dd", bytes(600))
    assert files(tmp_path) == ["aa", "dd"]
    cache.put("ee", bytes(1001))
    assert files(tmp_path) == ["aa", "dd"]
    assert complaints == [1]


def test_a_damaged_file_is_forgotten(tmp_path, cache):
    cache.put("aa", b"first")
    next((tmp_path / "cache").iterdir()).write_bytes(b"fir5t")
    assert cache.get("aa") is None
    assert files(tmp_path) == []


def test_a_full_disk_is_a_complaint_and_leaves_no_rest(tmp_path, cache, complaints, monkeypatch):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    cache.put("aa", b"first")
    monkeypatch.setattr(Path, "rename", full)
    cache.put("bb", b"second")
    assert complaints == [1]
    assert files(tmp_path) == ["aa"]
    assert cache.get("aa") == b"first"


def test_a_folder_that_cannot_be_made_is_a_complaint(tmp_path, complaints):
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache", 1000, lambda: complaints.append(1))
    cache.put("aa", b"first")
    assert cache.get("aa") is None
    assert complaints
