import pytest

from service.runtime import device


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", 8),
        ("800000 100000", 8),
        ("6400000 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("50000 100000", 1),
        ("", 8),
        ("nonsense", 8),
        ("100000 0", 8),
    ],
)
def test_lanes_follow_the_quota_of_a_container(tmp_path, monkeypatch, quota, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    (tmp_path / "cpu.max").write_text(quota)
    assert device.cores(tmp_path / "cpu.max") == expected
    assert device.cores(tmp_path / "none") == 8
