"""Which generator of tables is best to learn from, and which copies? One table, one split, one judge.

    python -m benchmarks.tables DATA/adult.csv.gz [--generator models/adult/1/model.onnx ...] [--out FILE]
    python -m benchmarks.tables DATA/adult.csv.gz --train-file adult-train.csv    # what a generator may learn from

The first rows (--train-rows) are there to learn from, the others to judge by. Every generator draws as many rows as it
learned from, with their class frequencies, several times (--draws). Judged are:

  - what is learned from them alone, on real held-out rows: gradient boosting (GB) and logistic regression (LR) of
    scikit-learn; macro-F1 and balanced accuracy of the most probable class, and AUC; means over draws;
  - the distance of each column from the training rows: total variation for categories, Kolmogorov-Smirnov for numbers;
  - how far the association of two columns is off (Pearson's correlation, Cramer's V, correlation ratio), in the mean;
  - how many rows are nearer to training than to held-out rows (of as many of both; 0.5 by chance), how many equal a
    training row, and how well training rows are told from held-out ones by the nearest made row (AUC; 0.5 by chance).

Rows "real" are the training rows for what is learned, the held-out ones for distances and associations, and one half of
these against the other for what is near: what a perfect generator would get, of so many rows. A --generator is a
published file, or module:function, which takes the training rows (pandas) and the label's name and returns a function
(rows, seed) -> rows. A file must have been fitted to what --train-file writes, or hold the same rows out as its test
split. Peers are installed into .peers/ when they are first asked for (SMOTE-NC 0.5 GB, TabularARGN 1.7 GB with a
PyTorch for the CPU); what they drew is kept in --folder. About 10 minutes on two cores, most of them TabularARGN's.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks import results
from benchmarks.peers.environment import PeerError
from benchmarks.tables import columns, generators, table, utility
from benchmarks.tables.nearness import Nearness, Space, nearness
from benchmarks.tables.peers.program import Told

Row = dict[str, results.Value]


def main() -> int:
    parser = results.Parser("benchmarks.tables", __doc__)
    parser.add_argument("data", type=Path, help="CSV with a header, gzipped or not")
    parser.add_argument("--label", default="income", help="column of the classes (default income)")
    parser.add_argument("--train-rows", type=int, default=32_561, help="rows to learn from (default 32,561)")
    parser.add_argument("--missing", default="?", help="what stands for a missing value (default ?)")
    parser.add_argument("--peers", nargs="*", default=list(generators.PEERS), choices=list(generators.PEERS))
    parser.add_argument("--generator", nargs="+", action="extend", default=[], metavar="FILE.onnx|MODULE:FUNCTION")
    parser.add_argument("--draws", type=int, default=3, help="of each generator (default 3)")
    parser.add_argument("--threads", type=int, default=2, help="to train and to draw with (default 2)")
    parser.add_argument("--folder", type=Path, default=Path("demo/tables"), help="where peers' rows are kept")
    parser.add_argument("--train-file", type=Path, metavar="FILE.csv", help="write the rows to learn from, and stop")
    options = parser.options()
    if min(options.draws, options.threads) < 1:
        parser.error("--draws and --threads are at least 1")
    try:
        data = table.read(options.data, options.label, options.train_rows, options.missing)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if options.train_file is not None:
        generators.as_read(data).to_csv(options.train_file, index=False)
        return 0
    failed = False
    intervals: list[tuple[str, Row]] = []
    with parser.results() as out:
        for name in ("real", *options.peers, *options.generator):
            try:
                drawn = _drawn(name, data, options.draws, options.threads, options.folder)
            except (PeerError, ValueError) as error:
                failed = True
                print(f"error: {error}", file=sys.stderr)
                out.row(_title(data), {"rows": generators.PEERS.get(name, name), "note": str(error)})
                continue
            values, ends = judged(data, drawn)
            out.row(_title(data), values)
            intervals.append((_title(data) + ", 95 % intervals", ends))
        for title, ends in intervals:
            out.row(title, ends)
    return int(failed)


def _title(data: table.Table) -> str:
    return f"{data.name}, {len(data.train):,} rows to learn from, {len(data.test):,} to judge by"


def _drawn(name: str, data: table.Table, draws: int, threads: int, folder: Path) -> generators.Drawn:
    if name == "real":
        return generators.real(data, draws)
    if name in generators.PEERS:
        return generators.peer(name, data, draws, threads, folder)
    return generators.ours(name, data, draws, threads)


def judged(data: table.Table, drawn: generators.Drawn) -> tuple[Row, Row]:
    """Two rows: the values, and their intervals in words. Columns, pairs and copies are those of the first draw."""
    values: Row = {"rows": drawn.name}
    ends: Row = {"rows": drawn.name}
    for classifier, scores in utility.judge(data, drawn.draws).items():
        for measure, score in scores.items():
            values[f"{classifier}: {measure}"] = score.value
            ends[f"{classifier}: {measure}"] = f"{score.low:.3f} to {score.high:.3f}"
    features, half = list(data.columns), len(data.test) // 2
    made, held = drawn.draws[0], data.test
    shown = data.test if drawn.told is None else made
    if drawn.told is None:
        made, held = data.test.iloc[half:].reset_index(drop=True), data.test.iloc[:half]
    off = columns.distances(data.train[features], shown[features], data.numbers)
    worst = max(off, key=lambda name: off[name])
    values |= {"column: median": statistics.median(off.values()), "column: worst": off[worst], "worst column": worst}
    pairs = columns.association_differences(data.train, shown, data.numbers)
    values["association: mean"] = statistics.mean(pairs.values())
    furthest, _ = max(pairs.items(), key=lambda entry: entry[1])
    values["worst pair"] = " and ".join(furthest)
    near = nearness(Space(data), made, data.train.sample(len(held), random_state=0), held)
    values |= _of_nearness(near)
    ends |= {
        "nearer to training rows": f"{near.nearer_low:.3f} to {near.nearer_high:.3f}",
        "membership AUC": f"{near.auc_low:.3f} to {near.auc_high:.3f}",
    }
    return values | _of_time(drawn.told), ends


def _of_nearness(near: Nearness) -> Row:
    return {
        "nearer to training rows": near.nearer,
        "copies, %": 100 * near.exact,
        "copies among held-out rows, %": 100 * near.held_exact,
        "membership AUC": near.auc,
    }


def _of_time(told: Told | None) -> Row:
    if told is None:
        return dict.fromkeys(("training, s", "drawing, s", "threads", "note"))
    return {
        "training, s": told["training_seconds"],
        "drawing, s": statistics.median(told["drawing_seconds"]),
        "threads": told["threads"],
        "note": told["note"],
    }


if __name__ == "__main__":
    sys.exit(main())
