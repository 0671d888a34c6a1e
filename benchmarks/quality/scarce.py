"""A complete example: few samples, some classes with hardly any. Does a classifier get better when `mix` tops them up?

    python -m benchmarks.quality.scarce                          # scikit-learn's digits, about 2 minutes
    python -m benchmarks.quality.scarce FASHION --models models --most 200  # Fashion-MNIST, the shipped generator

FASHION is a folder with the four IDX files. Another team has all of the training data and trained a generator on it:
the one in --models, or else one that is trained first, for --budget. You have --most samples of the first class,
--imbalance times fewer of the last and a geometric progression between, and cannot have theirs. Both classifiers see
the same samples of yours, the same augmentation, as many steps, and all classes equally often: one by repeating the
scarce ones, the other by synthetic samples of them. Both are measured on the test split, which neither they nor the
generator have seen; the score is balanced accuracy, the mean recall of the classes. --seeds times over, with other
samples of yours each time; a gain is one if its 95 % interval is above 0.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from augmint.torch import mix
from benchmarks.demo import serving, step
from service import artifact
from training.data import load
from training.splits import split

BATCH = 64


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="digits", help="as for `python -m training fit` (default digits)")
    parser.add_argument("--models", type=Path, help="folder with one generator of this data, instead of --budget")
    parser.add_argument("--budget", default="60s", help="time to train the generator, unless --folder has one")
    parser.add_argument("--folder", type=Path, default=Path("demo/scarce"), help="where the generator goes")
    parser.add_argument("--most", type=int, default=40, help="samples of the most frequent class (default 40)")
    parser.add_argument("--imbalance", type=float, default=20, help="how many times fewer of the rarest (default 20)")
    parser.add_argument("--steps", type=int, default=400, help="of the optimiser, for each classifier (default 400)")
    parser.add_argument("--seeds", type=int, default=3, help="repeats, at least 2 (default 3)")
    options = parser.parse_args()
    torch.set_num_threads(1)

    models = options.models or options.folder / "models"
    if options.models is None and not artifact.published_versions(models, "scarce"):
        step("train a generator on the training split")
        where = ["--name", "scarce", "--out", models, "--runs", options.folder / "runs"]
        fit = ["fit", options.data, "--budget", options.budget, *where]
        if subprocess.run([sys.executable, "-m", "training", *map(str, fit)], check=False).returncode:
            return 1
    step("serve it, and train classifiers without it and with it")
    with serving(models) as target:
        return compare(options, target)


def compare(options: argparse.Namespace, target: str) -> int:
    """Every seed, and the table."""
    dataset = load(options.data)
    parts = split(dataset)
    tests = dataset.samples[parts.test], dataset.labels[parts.test]
    rare = range(dataset.classes // 2, dataset.classes)
    rows: list[list[float]] = []
    for seed in range(options.seeds):
        chosen = long_tail(dataset.labels, parts.train, options.most, options.imbalance, seed)
        scores = []
        for name in ("real", "mix"):
            real = Scarce(dataset.samples[chosen], dataset.labels[chosen], dataset.class_names)
            torch.manual_seed(seed)
            if name == "real":
                batches: Iterable[Any] = repeated(real)
            else:
                mixed = mix(real, target, top_up="balance", transform=shift, seed=seed)
                if not seed:
                    print(
                        f"{mixed}\n\n{'':8}{'real only':>24}{'with mix':>24}\n{'seed':8}"
                        + f"{'all':>12}{'rare half':>12}" * 2
                    )
                batches = mixed.loader(BATCH)
            network = train(dataset.kind.judge(dataset.classes), batches, options.steps)
            if name == "mix":
                mixed.close()
            recalls = recall(network, *tests, dataset.classes)
            scores += [float(recalls.mean()), float(recalls[rare].mean())]
        rows.append(scores)
        print(f"{seed:<8}" + "".join(f"{score:12.2%}" for score in scores), flush=True)
    for name, column in (("all classes", 0), ("the rarer half", 1)):
        gains = [scores[column + 2] - scores[column] for scores in rows]
        print(f"gain in balanced accuracy, {name}: {interval(gains)}")
    return 0


def long_tail(labels: np.ndarray, train: np.ndarray, most: int, imbalance: float, seed: int) -> np.ndarray:
    """Positions of your samples: `most` of class 0, imbalance times fewer of the last class, at least 1 of each."""
    random, classes = np.random.default_rng(seed), int(labels.max()) + 1
    chosen = []
    for label in range(classes):
        wanted = max(1, round(most * imbalance ** (-label / (classes - 1))))
        chosen.append(random.permutation(train[labels[train] == label])[:wanted])
    return np.concatenate(chosen)


def repeated(real: Scarce) -> DataLoader:
    """The best that one does without new samples: every class equally often, augmented."""
    real.transform = shift
    weights = 1 / np.bincount(real.targets)[real.targets]
    return DataLoader(real, BATCH, sampler=WeightedRandomSampler(weights.tolist(), max(len(real), 20 * BATCH)))


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


def interval(gains: list[float]) -> str:
    """Mean and 95 % interval of paired differences, in words."""
    mean, count = statistics.mean(gains), len(gains)
    reach = float(stats.t.ppf(0.975, count - 1)) * statistics.stdev(gains) / count**0.5
    verdict = "a gain" if mean > reach else "a loss" if mean < -reach else "no measurable difference"
    return f"{100 * mean:+.1f} points [{100 * (mean - reach):+.1f}, {100 * (mean + reach):+.1f}]: {verdict}"


if __name__ == "__main__":
    sys.exit(main())
