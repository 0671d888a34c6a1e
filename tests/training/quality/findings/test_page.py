"""docs/findings.md is what the code says."""

from training.quality.findings import page
from training.quality.findings.finding import FindingKind


def test_the_page_is_up_to_date_and_knows_every_finding():
    assert page.PAGE.read_text() == page.text(), "run `python -m training.quality.findings.page` and commit"
    assert {kind for kind, _ in page.kinds()} == set(FindingKind)


def test_limits_are_read_with_what_is_said_of_them():
    found = {name: (value, said) for name, value, said in page.limits(page.HERE / "training.py")}
    assert found["OVERFITTED"][0] == "0.15"
    assert found["LABEL_SHARE"][1] == "of the way from guessing to the judge's own recall"
