"""Without a terminal a run says from time to time where it is; with one it draws a bar."""

from __future__ import annotations

import io

from rich.console import Console

from training.run.progress import EVERY, Stages


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def stages() -> tuple[Stages, Clock, io.StringIO]:
    clock, text = Clock(), io.StringIO()
    return Stages(Console(file=text, width=80), clock), clock, text


def test_a_long_stage_says_a_line_every_half_minute() -> None:
    progress, clock, text = stages()
    with progress:
        task = progress.add_task("training [rpgan]", total=1.0)
        for second in range(1, 121):
            clock.now = 100.0 + second
            line = f"step {second * 10:,}, D 1.4 fidelity 0.91"
            progress.update(task, completed=second / 1000, detail="in the bar", line=line)
    lines = text.getvalue().splitlines()
    assert lines[0] == "  0% training [rpgan]"
    assert len(lines) == 1 + 120 // EVERY
    assert lines[1] == "  3% training [rpgan], step 300, D 1.4 fidelity 0.91, 16 min 10 s left"


def test_a_quick_stage_says_its_milestones_and_its_end() -> None:
    progress, clock, text = stages()
    task = progress.add_task("measuring", total=1.0)
    for step in range(1, 101):
        clock.now += 0.1
        progress.update(task, completed=step / 100, detail="drawing")
    progress.update(task, completed=1.0, detail="")
    assert [line[:4] for line in text.getvalue().splitlines()] == ["  0%", " 25%", " 50%", " 75%", "100%"]
    assert text.getvalue().splitlines()[-1] == "100% measuring, drawing, took 10 s"


def test_a_run_that_goes_on_judges_the_time_left_by_what_it_has_seen() -> None:
    progress, clock, text = stages()
    task = progress.add_task("training", total=1.0, completed=0.5)  # type: ignore[arg-type]
    clock.now += 60
    progress.update(task, completed=0.6)
    assert text.getvalue().splitlines() == [" 50% training", " 60% training, 4 min 0 s left"]


def test_a_terminal_gets_no_lines() -> None:
    text = io.StringIO()
    with Stages(Console(file=text, width=80, force_terminal=True)) as progress:
        task = progress.add_task("training", total=1.0)
        progress.update(task, completed=1.0, detail="step [/] 5", line="a line")
    assert "a line" not in text.getvalue()
    assert "step [/] 5" in text.getvalue()
