"""Does the fleet follow its load? Real replicas, a real Prometheus, the chart's own query, the autoscaler's algorithm.

    python -m benchmarks.fleet [--plot docs/images/scaling.svg] [--seconds 165] [--speed 10]

A cluster in small, on loopback: processes of the service are pods, a name server is the headless Service, Prometheus
scrapes them, and once per sync the query of the chart's ScaledObject is asked as KEDA asks it and answered as a
HorizontalPodAutoscaler answers. Readers use augmint.Client and draw pages at a rate that is low, rises, stays high, and
falls. Every time of the chart (window, periods, scrapes) is divided by --speed, the start of a process is what it is.
The target is 0.3 rather than the chart's 0.7, so that four replicas fit onto two cores.

Ends with status 1 and the reason if a page was lost or wrong, if replicas did not follow, or if they flapped. Needs
`make tools`; about three minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import results
from benchmarks.fleet.cluster import FleetError
from benchmarks.fleet.load import PAGE, Readers, Wrong
from benchmarks.fleet.policy import TARGET
from benchmarks.fleet.proof import hill, play
from benchmarks.fleet.story import Moment, Story, draw
from benchmarks.serving.models import cheap

CHECKED_PAGES = 24


def main() -> int:
    parser = results.Parser("benchmarks.fleet", __doc__)
    parser.add_argument("--plot", type=Path, help="write the plot there, as SVG; default: none")
    parser.add_argument("--seconds", type=float, default=165.0, help="length of the load (%(default)s)")
    parser.add_argument("--speed", type=float, default=10.0, help="divisor of the chart's times (%(default)s)")
    options = parser.options()
    try:
        with tempfile.TemporaryDirectory() as scratch, parser.results() as out:
            folder = Path(scratch)
            content = cheap(folder / "models").read_bytes()
            story, readers = play(
                folder / "models", folder, hill(options.seconds), options.seconds, options.speed, settle=60, tell=_tell
            )
            readers.check(content, CHECKED_PAGES)
            if options.plot:
                draw(story, options.plot, options.speed, TARGET)
            counts = [moment.replicas for moment in story.moments]
            out.row("A fleet that follows its load", _row(story, readers))
            if max(counts) < 3 or counts[-1] != 1 or story.turns != 1:
                raise Wrong(
                    f"the fleet should grow to 3 or 4 and shrink to 1 without turning back; changes {story.changes}"
                )
    except (Wrong, FleetError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _row(story: Story, readers: Readers) -> dict[str, results.Value]:
    counts = [moment.replicas for moment in story.moments]
    median, late = np.percentile(readers.waits, [50, 99])
    return {
        "replicas": f"1 to {max(counts)} to {counts[-1]}",
        "turns": story.turns,
        "looks without answer": story.held,
        f"pages of {PAGE}": len(readers.pages),
        "lost": len(readers.errors),
        "made again and equal": min(CHECKED_PAGES, len(readers.pages)),
        "a page, median ms": float(1000 * median),
        "a page, p99 ms": float(1000 * late),
    }


def _tell(moment: Moment) -> None:
    load = "  -  " if moment.load is None else f"{moment.load:5.2f}"
    queue = "-" if moment.queue is None else f"{moment.queue * 1000:.0f}"
    print(
        f"{moment.at:6.1f} s  asked {moment.asked:4.2f}  load {load}  replicas {moment.replicas}"
        f" (ready {moment.ready})  queue {queue} ms",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
