"""What it changes to keep the best k of m: how often a classifier that did not select recognises the class, and spread.

    python -m benchmarks.quality.selection FILE DATA [--of 1 2 4] [--judges 3] [--per-class 500]

FILE is a published model.onnx with scores (`python -m training fit DATA --score`), DATA what it was made from. The
judges learn from the same training split as the classifier in the file, with other seeds; the kernel distance is to
validation samples, in the first judge's features.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from benchmarks import results
from service import artifact
from service.scheduling.order import Order
from service.scheduling.selection import Selection
from training import quality
from training.export.sampling import MEASURED_SEED
from training.judge import fitting
from training.publishing.published import Published

PAGE = 256


def draw_best(published: Published, of: int) -> quality.Draw:
    """Samples of the selected stream that keeps 1 of `of`, as the service would answer."""

    def draw(labels: np.ndarray, start: int) -> np.ndarray:
        order = Order(labels, MEASURED_SEED, start, 1.0, keep=1, of=of)
        plan = Selection.plan(order, most=len(labels) * of)
        indices, count = plan.candidates.indices, plan.candidates.n
        assert indices is not None
        rows = artifact.Rows(
            np.full(count, artifact.mix_seed(MEASURED_SEED), np.uint64),
            indices,
            plan.candidates.labels,
            np.ones(count, np.float32),
        )
        pages = []
        for first in range(0, count, PAGE):
            page = (getattr(rows, name)[first : first + PAGE] for name in artifact.INPUTS)
            pages.append(published.session.run_scored(artifact.Rows(*page)))
        samples, scores = (np.concatenate(arrays) for arrays in zip(*pages, strict=True))
        return plan.pick(samples, scores)

    return draw


def main() -> None:
    parser = results.Parser("benchmarks.quality.selection", __doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("data")
    parser.add_argument("--of", type=int, nargs="+", default=[1, 2, 4], help="candidates a sample; 1: no selection")
    parser.add_argument("--judges", type=int, default=3, help="classifiers of other seeds (default 3)")
    parser.add_argument("--per-class", type=int, default=500, help="samples of each class (default 500)")
    arguments = parser.options()

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    published = Published.open(arguments.file, arguments.data)
    if not published.session.scored:
        parser.error(f"{arguments.file} has no scores; `python -m training fit DATA --score` makes a file that has")
    dataset, splits = published.dataset, published.splits
    own = published.message.provenance.seed
    judges = [
        fitting.fit(
            dataset.kind,
            dataset.samples[splits.train],
            dataset.labels[splits.train],
            dataset.classes,
            seed=own + number,
        )
        for number in range(1, arguments.judges + 1)
    ]
    with parser.results() as out:
        for of in arguments.of:
            draw = published.draw if of == 1 else draw_best(published, of)
            began = time.process_time()
            draw(np.arange(arguments.per_class * dataset.classes) % dataset.classes, 0)
            seconds = time.process_time() - began
            checks = [quality.quick(draw, judge, dataset, splits, per_class=arguments.per_class) for judge in judges]
            row: dict[str, results.Value] = {"kept": f"1 of {of}"}
            row |= {"label fidelity of each judge, %": [100 * check.label_fidelity for check in checks]}
            row |= {"least spread": float(checks[0].spread_ratio.min())}
            row |= {"kernel distance": float(checks[0].kernel_distance), "processor s": seconds}
            out.row("Samples that a classifier selects", row)


if __name__ == "__main__":
    main()
