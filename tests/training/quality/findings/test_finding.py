from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augmint.v1 import generator_pb2 as pb
from training.quality.findings.finding import Finding, FindingKind, Severity, worst_first

FINDINGS = st.builds(
    Finding,
    kind=st.sampled_from(FindingKind),
    severity=st.sampled_from(Severity),
    value=st.floats(allow_nan=False),
    threshold=st.floats(allow_nan=False),
    text=st.text(),
    advice=st.text(),
    label=st.text(),
)


@given(FINDINGS)
def test_a_finding_survives_the_message_and_json(finding: Finding) -> None:
    assert Finding.from_message(pb.Finding.FromString(finding.to_message().SerializeToString())) == finding
    assert Finding.from_json(json.loads(json.dumps(finding.to_json(), allow_nan=False))) == finding


def test_a_loss_that_is_not_a_number_can_be_written_down() -> None:
    finding = Finding(FindingKind.DIVERGENCE, Severity.FAILURE, math.nan, math.inf, "lost")
    line = json.dumps(finding.to_json(), allow_nan=False)
    assert math.isnan(Finding.from_json(json.loads(line)).value)


@pytest.mark.parametrize("change", [{"kind": "gremlins"}, {"severity": "SEVERITY_UNSPECIFIED"}, {"colour": "red"}])
def test_what_is_not_on_the_list_is_refused(change: dict[str, str]) -> None:
    known = Finding(FindingKind.COLLAPSE, Severity.WARNING, 0.1, 0.5, "text").to_json()
    with pytest.raises(ValueError, match=next(iter(change.values())) + r"|colour|0 is not"):
        Finding.from_json({**known, **change})


def test_kinds_are_lower_case_with_dashes() -> None:
    assert all(kind.replace("-", "a").islower() and kind.value == str(kind) for kind in FindingKind)


def test_the_worst_come_first_and_equals_keep_their_order() -> None:
    found = [Finding(FindingKind.COLLAPSE, severity, 0, 0, text) for severity, text in ((1, "a"), (3, "b"), (1, "c"))]
    assert [finding.text for finding in worst_first(found)] == ["b", "a", "c"]
