"""client/augmint/near.py"""

import pytest

from augmint.near import did_you_mean, did_you_mean_file


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("Sneakers", ["boot", "sneaker"], "sneaker"),
        ("SNEAKER", ["boot", "sneaker"], "sneaker"),
        ("zolta", ["Żółta", "zolte"], "zolte"),
        ("boot", ["Ankle boot", "bag"], "Ankle boot"),
    ],
)
def test_what_is_near_is_asked_about(word, known, meant):
    assert did_you_mean(word, known) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize("word", ["", "x", "w" * 100_000])
def test_what_is_near_nothing_is_not(word):
    assert did_you_mean(word, ["boot", "sneaker"]) == ""


def test_of_a_file_the_part_that_lacks_is_asked_about(tmp_path):
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "ca.pem").touch()
    assert did_you_mean_file(tmp_path / "certificates" / "ca.crt") == "; did you mean 'ca.pem'?"
    assert did_you_mean_file(tmp_path / "certificate" / "ca.pem") == "; did you mean 'certificates'?"
    assert did_you_mean_file(tmp_path / "certificates" / "ca.pem") == ""
    assert did_you_mean_file("\0") == ""
