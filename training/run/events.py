"""What happened in a run, in words and numbers: events.jsonl, one JSON object a line, never rewritten."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from training.places import cannot_write
from training.quality.findings.finding import Finding

NAME = "events.jsonl"


class Occasion(enum.StrEnum):
    """The closed list of what can happen."""

    STARTED = "started"
    RESUMED = "resumed"  # from a checkpoint; what stands between it and this line was done again
    FOUND = "found"  # something new is wrong
    CLEARED = "cleared"  # nothing is wrong any more
    RESTORED = "restored"  # back to an earlier state, with other settings
    GAVE_UP = "gave-up"  # all attempts are used up
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Event:
    """time: UTC, ISO 8601; step: the step of the run at which it happened; text: one sentence for people."""

    time: str
    step: int
    kind: Occasion
    text: str
    findings: tuple[Finding, ...] = ()


class Events:
    """The file in a run's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def add(self, step: int, kind: Occasion, text: str, findings: Sequence[Finding] = ()) -> None:
        event = {
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "step": step,
            "kind": kind,
            "text": text,
            "findings": [finding.to_json() for finding in findings],
        }
        line = json.dumps(event, allow_nan=False, ensure_ascii=False) + "\n"
        try:
            # Unbuffered: what a full disk has cut short is taken back.
            with open(self._path, "a+b", buffering=0) as file:
                whole = file.tell()
                # A run that was killed while it wrote leaves half a line; it must not swallow this one.
                content = (b"\n" if whole and self._last_byte() != b"\n" else b"") + line.encode()
                try:
                    while content:
                        content = content[file.write(content) :]
                except OSError:
                    with suppress(OSError):
                        file.truncate(whole)
                    raise
        except OSError as error:
            raise cannot_write(self._path, error) or error from error

    def read(self) -> list[Event]:
        """All events in their order; a line that a kill cut short is left out. Empty if there is no file."""
        if not self._path.is_file():
            return []
        events = []
        for line in self._path.read_bytes().splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            findings = tuple(Finding.from_json(finding) for finding in value["findings"])
            events.append(Event(value["time"], value["step"], Occasion(value["kind"]), value["text"], findings))
        return events

    def _last_byte(self) -> bytes:
        with open(self._path, "rb") as file:
            file.seek(-1, 2)
            return file.read(1)
