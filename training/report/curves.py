"""A run's curves, read from its TensorBoard files and laid out for the report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 320, 150  # of the drawing, in its own units
_POINTS = 160
# What belongs on one scale: title, and names as the run logs them.
_CHARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Loss", ("loss/discriminator", "loss/generator", "loss/penalty", "loss/held_out")),
    (
        "Looks at the samples",
        ("samples/label_fidelity", "samples/label_fidelity_min", "samples/spread_ratio_min"),
    ),
    ("Kernel distance to real samples", ("samples/kernel_distance",)),
    ("Share of pairs in which the discriminator prefers the real one", ("discriminator/real_ahead",)),
    ("Gradient norms", ("gradient/discriminator", "gradient/generator")),
)


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: str  # of an SVG polyline
    last: float


@dataclass(frozen=True, slots=True)
class Chart:
    """low, high: values at the bottom and the top; steps: training steps at the right end."""

    title: str
    lines: tuple[Line, ...]
    low: float
    high: float
    steps: int


def read(folder: Path) -> list[Chart]:
    """The charts of the run in a folder; empty if it left no curves."""
    # Half a second to import, and only the report of a run needs it.
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = folder / "tensorboard"
    if not any(events.glob("events.*")):
        return []
    found = EventAccumulator(str(events), size_guidance={"scalars": 0})
    found.Reload()
    series = {
        name: np.array([(each.step, each.value) for each in found.Scalars(name)]) for name in found.Tags()["scalars"]
    }
    charts = [(title, {name: series[name] for name in names if name in series}) for title, names in _CHARTS]
    return [chart(title, lines) for title, lines in charts if lines]


def chart(title: str, series: dict[str, np.ndarray]) -> Chart:
    """series: name -> float [n, 2] of steps and values, n from 1; values that are not finite are left out."""
    cleaned = {name: _thin(points[np.isfinite(points[:, 1])]) for name, points in series.items()}
    cleaned = {name: points for name, points in cleaned.items() if len(points)}
    values = np.concatenate([points[:, 1] for points in cleaned.values()]) if cleaned else np.zeros(1)
    steps = max((float(points[-1, 0]) for points in cleaned.values()), default=1.0)
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 1.0
    lines = []
    for name, points in cleaned.items():
        x = points[:, 0] / max(steps, 1.0) * WIDTH
        y = HEIGHT - (points[:, 1] - low) / span * HEIGHT
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(Line(name.partition("/")[2].replace("_", " "), path, float(points[-1, 1])))
    return Chart(title, tuple(lines), low, high, int(steps))


def _thin(points: np.ndarray) -> np.ndarray:
    """At most _POINTS points: means of as many neighbours."""
    if len(points) <= _POINTS:
        return points
    return np.stack([part.mean(0) for part in np.array_split(points, _POINTS)])
