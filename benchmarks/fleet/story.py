"""What was seen of a fleet that follows its load, and a plot of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Moment:
    """What was seen at one time."""

    at: float
    asked: float  # in parts of one replica
    load: float | None  # the query's answer, in parts of one replica
    replicas: int
    ready: int
    queue: float | None  # mean wait for the first batch, seconds


@dataclass
class Story:
    """All that was seen."""

    moments: list[Moment] = field(default_factory=list)
    held: int = 0  # looks without an answer

    @property
    def changes(self) -> list[int]:
        counts = [moment.replicas for moment in self.moments]
        return [later - before for before, later in itertools.pairwise(counts) if later != before]

    @property
    def turns(self) -> int:
        """How often the direction changed; 1 for up and then down."""
        ways = [change > 0 for change in self.changes]
        return sum(way != before for before, way in itertools.pairwise(ways))


def draw(story: Story, path: Path, speed: float, target: float) -> None:
    """Three charts, one above the other: load and what the fleet is sized for, replicas, queue time."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "augmint"  # the same plot is the same file
    from matplotlib import pyplot as plt

    at = [moment.at for moment in story.moments]
    figure, (load, replicas, queue) = plt.subplots(3, 1, sharex=True, figsize=(8, 6), height_ratios=[3, 2, 2])
    load.plot(at, [moment.asked for moment in story.moments], color="0.6", label="asked for by readers")
    load.plot(at, [moment.load for moment in story.moments], color="tab:blue", label="the chart's query")
    load.step(
        at,
        [target * moment.ready for moment in story.moments],
        where="post",
        color="tab:orange",
        label=f"ready replicas x target {target}",
    )
    load.set_ylabel("seconds of work\nper second")
    load.legend(loc="upper right", fontsize="small")
    replicas.step(at, [moment.replicas for moment in story.moments], where="post", color="tab:green", label="wanted")
    replicas.step(at, [moment.ready for moment in story.moments], where="post", color="black", lw=1, label="ready")
    replicas.set_ylabel("replicas")
    replicas.set_yticks(range(max(moment.replicas for moment in story.moments) + 2))
    replicas.legend(loc="upper right", fontsize="small")
    queue.plot(at, [1000 * (moment.queue or 0) for moment in story.moments], color="tab:red")
    queue.set_ylabel("wait for the\nfirst batch, ms")
    queue.set_xlabel(f"seconds (the chart's times are divided by {speed:g})")
    queue.set_ylim(bottom=0)
    figure.align_ylabels()
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
