from __future__ import annotations

from pathlib import Path

from training.quality.findings.finding import Finding, FindingKind, Severity
from training.run.events import Events, Occasion


def test_events_come_back_in_order_with_their_findings(tmp_path: Path) -> None:
    events = Events(tmp_path)
    assert events.read() == []
    finding = Finding(FindingKind.COLLAPSE, Severity.WARNING, 0.25, 0.5, "Klasse 'ä' hat\nverloren", "advice", "ä")
    events.add(0, Occasion.STARTED, "begins")
    events.add(7, Occasion.FOUND, "something", [finding])
    first, second = events.read()
    assert (first.step, first.kind, first.text, first.findings) == (0, Occasion.STARTED, "begins", ())
    assert (second.step, second.kind, second.findings) == (7, Occasion.FOUND, (finding,))
    assert first.time <= second.time


def test_a_line_cut_short_by_a_kill_swallows_nothing(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.add(1, Occasion.STARTED, "first")
    with open(tmp_path / "events.jsonl", "a") as file:
        file.write('{"time": "2026-01-01T00:0')
    events.add(2, Occasion.RESUMED, "third")
    assert [event.text for event in events.read()] == ["first", "third"]
