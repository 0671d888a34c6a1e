"""A long tail: few samples, some classes with hardly any. What is a classifier worth that evens it out, and how?

    python -m benchmarks.quality.scarce --out scarce.jsonl                     # scikit-learn's digits, 100 to 8 a class
    python -m benchmarks.quality.scarce FASHION --team models --most 500 --imbalance 62.5 --out scarce.jsonl

FASHION is a folder with the four IDX files. You have --most samples of the first class, --imbalance times fewer of the
last (8 at least) and a geometric progression between. The same classifier learns from them in four ways:

    natural    as they come, with standard augmentation
    balanced   the same, every class drawn equally often: what one does without new samples, and what counts here
    same       mix(real, top_up="balance") by default, with a generator trained on these very samples, its card honoured
    team       the same, with the generator of a team that has all of the training data: the one in --team, or one that
               is trained first

All see the same augmentation and as many steps, and are measured on the test split, which nothing has learned from; the
score is balanced accuracy, the mean recall of the classes. --draws times over with other samples of yours (and another
generator of them), --seeds classifiers each. A gain is over `balanced`, paired, with its 95 % interval over all pairs.
Where `mix` refuses, as it does if no class may be drawn, or the service refuses a generator that is withheld,
`balanced` stands for it, as it would for you.

What is finished is kept in --folder: a run that was stopped goes on. The exit status is 1 if `same` or `team` is below
`balanced` beyond noise. Default: 20 to 25 minutes of two cores; --quick: a third of that.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, RandomSampler, WeightedRandomSampler

import augmint
from augmint.torch import mix
from benchmarks import results
from benchmarks.demo import serving, step
from service import artifact
from training import kinds
from training.data.splits import Splits, split

BATCH = 64
ARMS = ("natural", "balanced", "same", "team")
BASELINE = "balanced"
TEAM = -1  # in place of a draw's number
FEWEST = 8  # of a class, for a generator to be trained on


class Scarce(Dataset):
    """Your samples: (float32 [channels, side, side] in [0, 1], class index), as any data set of images."""

    def __init__(self, samples: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> None:
        self._images = torch.from_numpy(samples.transpose(0, 3, 1, 2) / np.float32(255))
        self.targets, self.classes = labels, classes
        self.transform: Any = None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = self._images[index]
        return image if self.transform is None else self.transform(image), int(self.targets[index])


def shift(image: torch.Tensor) -> torch.Tensor:
    """Standard augmentation of glyphs and clothes: moved by up to a fourteenth of the side; edges repeat."""
    reach = max(1, image.shape[-1] // 14)
    down, right = torch.randint(0, 2 * reach + 1, (2,)).tolist()
    padded = functional.pad(image[None], (reach,) * 4, mode="replicate")[0]
    return padded[:, down : down + image.shape[1], right : right + image.shape[2]]


class Benchmark:
    """What is measured, and what is measured already."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._dataset = kinds.load(options.data)
        self._splits: Splits = split(self._dataset)
        self._classes = self._dataset.classes
        self._tests = self._dataset.part(self._splits.test)[:], self._dataset.labels[self._splits.test]
        self._models = options.folder / "models"
        self._cells = options.folder / "cells.jsonl"
        options.folder.mkdir(parents=True, exist_ok=True)
        self.cells = read(self._cells)

    def draw(self, number: int) -> np.ndarray:
        """Positions of your samples."""
        options = self._options
        return long_tail(self._dataset.labels, self._splits.train, options.most, options.imbalance, number)

    def name(self, number: int) -> str:
        """Of the generator of a draw, or of the team's; another one for other settings, which share the folder."""
        options = self._options
        of_draw = [] if number == TEAM else [options.most, options.imbalance]
        settings = json.dumps([options.data, options.generator_steps, *of_draw])
        return f"{'team' if number == TEAM else f'draw-{number}'}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"

    def generators(self) -> None:
        """Train what is missing, each by the command that a team would use; published whatever its verdict is."""
        options = self._options
        wanted = [(self.name(number), number) for number in range(options.draws)] if "same" in options.arms else []
        if "team" in options.arms and options.team is None:
            wanted.append((self.name(TEAM), TEAM))
        for name, number in wanted:
            if artifact.published_versions(self._models, name):
                continue
            source = options.data
            if number != TEAM:
                source = str(options.folder / f"{name}.npz")
                chosen = self.draw(number)
                np.savez(
                    source,
                    images=self._dataset.samples[chosen],
                    labels=self._dataset.labels[chosen],
                    class_names=np.array(self._dataset.class_names),
                )
            step(f"train the generator {name}")
            where = ["--name", name, "--out", self._models, "--runs", options.folder / "runs", "--force"]
            fit = ["fit", source, "--steps", options.generator_steps, *where]
            if subprocess.run([sys.executable, "-m", "training", *map(str, fit)], check=False).returncode:
                raise SystemExit(f"the generator {name} was not trained")

    def measure(self, number: int, seed: int, arm: str, targets: dict[str, str]) -> dict[str, Any]:
        """One classifier; from the folder if it was trained before."""
        options = self._options
        setting = [options.data, options.most, options.imbalance, options.steps, options.generator_steps, number, seed]
        key = json.dumps([*setting, arm, str(options.team) if arm == "team" else ""])
        if key in self.cells:
            return self.cells[key]
        began = time.monotonic()
        chosen = self.draw(number)
        real = Scarce(self._dataset.samples[chosen], self._dataset.labels[chosen], self._dataset.class_names)
        torch.manual_seed(seed)
        found: dict[str, Any] = {"draw": number, "seed": seed, "arm": arm, "refused": ""}
        mixed = None
        batches: Iterable[Any] = loader(real, balanced=arm != "natural")  # of the arms with mix only if it refuses
        if arm in ("same", "team"):
            generator = None if arm == "team" and options.team else self.name(TEAM if arm == "team" else number)
            try:
                real.transform = None  # mix applies the one that it is handed to both kinds of samples
                mixed = mix(real, targets[arm], generator=generator, top_up="balance", transform=shift, seed=seed)
            except (
                augmint.InvalidRequest,
                augmint.GeneratorNotFound,
            ) as error:  # no class, or the service refused it all
                found["refused"], real.transform = str(error), shift
            else:
                batches = mixed.loader(BATCH)
                quality = mixed.description.message.quality
                found["verdict"] = quality.verdict
                found["portions"] = [
                    [one.label, one.real, one.repeated, one.synthetic, one.note] for one in mixed.portions
                ]
                found["reasons"] = list(quality.reasons)
                if not seed:
                    print(mixed)
        try:
            network = train(self._dataset.kind.judge(self._classes), batches, options.steps)
        finally:
            if mixed is not None:
                mixed.close()
        found["recalls"] = recall(network, *self._tests, self._classes).round(5).tolist()
        found["seconds"] = round(time.monotonic() - began, 1)
        self.cells[key] = found
        with self._cells.open("a") as file:
            # A line of its own, even after one that was cut off.
            file.write("\n" * bool(file.tell()) + json.dumps({"key": key, **found}))
        return found

    def run(self) -> list[dict[str, Any]]:
        """Every cell, told one by one; of draws of which all arms are done first."""
        options = self._options
        self.generators()
        with ExitStack() as stack:
            targets = {}
            if {"same", "team"} & set(options.arms) and self._models.is_dir():
                targets = dict.fromkeys(("same", "team"), stack.enter_context(serving(self._models)))
            if "team" in options.arms and options.team is not None:
                targets["team"] = stack.enter_context(serving(options.team))
            wanted = list(itertools.product(range(options.draws), range(options.seeds), options.arms))
            done = []
            for count, (number, seed, arm) in enumerate(wanted, start=1):
                cell = self.measure(number, seed, arm, targets)
                done.append(cell)
                refused = f"   mix refused: {cell['refused']}" if cell["refused"] else ""
                score = statistics.mean(cell["recalls"])
                print(
                    f"{count:>3} of {len(wanted)}  draw {number}  seed {seed}  {arm:9} {score:7.2%}  "
                    f"{cell['seconds']:6.1f} s{refused}",
                    flush=True,
                )
        return done


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Finished cells by their settings; a line that was cut short is none."""
    found = {}
    for line in path.read_text().splitlines() if path.is_file() else []:
        try:
            value = json.loads(line)
            found[value.pop("key")] = value
        except (ValueError, KeyError):
            continue
    return found


def summarise(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Per arm: scores of all classes and of the rarer half, and the paired gain over the baseline, with intervals."""
    rare = slice(len(cells[0]["recalls"]) // 2, None)
    summary: dict[str, Any] = {}
    pairs = {(cell["draw"], cell["seed"], cell["arm"]): cell["recalls"] for cell in cells}
    for arm in dict.fromkeys(cell["arm"] for cell in cells):
        own = {key[:2]: recalls for key, recalls in pairs.items() if key[2] == arm}
        line: dict[str, Any] = {}
        for name, part in (("all", slice(None)), ("rarer half", rare)):
            scores = [statistics.mean(recalls[part]) for recalls in own.values()]
            line[name] = dict(zip(("score", "low", "high"), interval(scores), strict=True))
            shared = [key for key in own if (*key, BASELINE) in pairs]
            if arm != BASELINE and shared:
                gains = [
                    statistics.mean(own[key][part]) - statistics.mean(pairs[(*key, BASELINE)][part]) for key in shared
                ]
                line[name] |= dict(zip(("gain", "gain_low", "gain_high"), interval(gains), strict=True))
                line[name]["verdict"] = in_words(gains)
        summary[arm] = line
    return summary


def long_tail(labels: np.ndarray, train: np.ndarray, most: int, imbalance: float, seed: int) -> np.ndarray:
    """Positions of your samples: `most` of class 0, imbalance times fewer of the last, at least FEWEST of each."""
    random, classes = np.random.default_rng(seed), int(labels.max()) + 1
    chosen = []
    for label in range(classes):
        wanted = max(FEWEST, round(most * imbalance ** (-label / (classes - 1))))
        chosen.append(random.permutation(train[labels[train] == label])[:wanted])
    return np.concatenate(chosen)


def loader(real: Scarce, balanced: bool) -> DataLoader:
    """Your samples, augmented; balanced: every class equally often, the best that one does without new samples."""
    real.transform = shift
    length = max(len(real), 20 * BATCH)
    if not balanced:
        return DataLoader(real, BATCH, sampler=RandomSampler(real, replacement=True, num_samples=length))
    weights = 1 / np.bincount(real.targets)[real.targets]
    return DataLoader(real, BATCH, sampler=WeightedRandomSampler(weights.tolist(), length))


def train(network: torch.nn.Module, batches: Iterable[Any], steps: int) -> torch.nn.Module:
    """So many steps, over as many epochs as that takes."""
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps, pct_start=0.2)
    endless = itertools.chain.from_iterable(itertools.repeat(batches))
    network.train()
    for images, labels in itertools.islice((batch for batch in endless if len(batch[1]) > 1), steps):
        loss = functional.cross_entropy(network(images * 2 - 1)[1], labels, label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return network


@torch.inference_mode()
def recall(network: torch.nn.Module, samples: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """float64 [classes]: share of each class's test samples that are recognised."""
    network.eval()
    images = torch.from_numpy(samples.transpose(0, 3, 1, 2) / np.float32(255)) * 2 - 1
    found = torch.cat([network(part)[1].argmax(1) for part in images.split(1024)]).numpy()
    return np.array([(found[labels == label] == label).mean() for label in range(classes)])


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high): 95 % by Student's t; of a single value nothing is known, and the ends are infinite."""
    mean, count = statistics.mean(values), len(values)
    if count < 2:
        return mean, float("-inf"), float("inf")
    reach = float(stats.t.ppf(0.975, count - 1)) * statistics.stdev(values) / count**0.5
    return mean, mean - reach, mean + reach


def in_words(gains: Sequence[float]) -> str:
    mean, low, high = interval(gains)
    verdict = "a gain" if low > 0 else "a loss" if high < 0 else "no measurable difference"
    return f"{100 * mean:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]: {verdict}"


def main() -> int:
    parser = results.Parser("benchmarks.quality.scarce", __doc__)
    parser.add_argument("data", nargs="?", default="digits", help="as for `python -m training fit` (default digits)")
    parser.add_argument(
        "--team", type=Path, help="folder with one generator of all of the data, instead of training it"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("demo/scarce"), help="where generators and results are kept"
    )
    parser.add_argument("--most", type=int, default=100, help="samples of the most frequent class (default 100)")
    parser.add_argument("--imbalance", type=float, default=12.5, help="times fewer of the rarest (default 12.5)")
    parser.add_argument("--steps", type=int, default=400, help="of the optimiser, for each classifier (default 400)")
    parser.add_argument("--generator-steps", type=int, default=1200, help="for each generator (default 1,200)")
    parser.add_argument("--draws", type=int, default=3, help="of your samples (default 3)")
    parser.add_argument("--seeds", type=int, default=3, help="classifiers for each draw and way (default 3)")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="which ways (default all)")
    parser.add_argument("--quick", action="store_true", help="2 draws, 2 seeds, generators of 600 steps")
    options = parser.options()
    if options.quick:
        options.draws, options.seeds, options.generator_steps = 2, 2, 600
    options.arms = [arm for arm in ARMS if arm in (*options.arms, BASELINE)]
    torch.set_num_threads(1)

    summary = summarise(Benchmark(options).run())
    with parser.results() as out:
        for arm, line in summary.items():
            row: dict[str, results.Value] = {"samples": arm}
            for part in ("all", "rarer half"):
                row[f"{part}, %"] = 100 * line[part]["score"]
                row[f"{part}, against {BASELINE}"] = line[part].get("verdict", "")
            out.row("A classifier with few samples", row)
    harmful = [arm for arm in ("same", "team") if summary.get(arm, {}).get("all", {}).get("gain_high", 0) < 0]
    if harmful:
        print(f"below {BASELINE} beyond noise: {', '.join(harmful)}", file=sys.stderr)
    return int(bool(harmful))


if __name__ == "__main__":
    sys.exit(main())
