"""The whole path in one go, with real parts: train on digits, publish, serve, draw every class over a socket.

    python -m benchmarks.demo [--steps 1500] [--folder demo]

A number of steps, not of minutes: what the generator reaches is the same on any machine, and only the time differs.

Leaves the published generator in FOLDER/models, the run with its curves in FOLDER/runs, and the samples of every class
in FOLDER/samples.png.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import augmint
from augmint.sheet import contact_sheet
from service import artifact
from service.runtime.session import Session

STEPS = 1500  # samples hardly get better after about 1,000
PER_CLASS = 16
BULK = 20_000
SEED = 7


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=STEPS, help=f"to train (default {STEPS:,})")
    parser.add_argument("--budget", help="time to train at most, e.g. 2m (default: as long as the steps take)")
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where everything goes (default demo)")
    arguments = parser.parse_args()
    models = arguments.folder / "models"

    step("1/4  train a generator on scikit-learn's digits, measure it, publish it")
    fit = ["fit", "digits", "--steps", arguments.steps, "--out", models, "--runs", arguments.folder / "runs"]
    fit += ["--budget", arguments.budget] if arguments.budget else []
    if subprocess.run([sys.executable, "-m", "training", *map(str, fit)], check=False).returncode:
        return 1

    step("2/4  serve it")
    with serving(models) as target, augmint.Client(target) as client:
        step(f"3/4  draw every class over {target}")
        digits = client.describe("digits")
        pages = [client.generate(label, PER_CLASS, generator="digits", seed=SEED) for label in digits.labels]
        sheet = arguments.folder / "samples.png"
        caption = f"{digits.name} version {digits.version}, seed {SEED}, indices 0 to {PER_CLASS - 1}"
        contact_sheet([page.array for page in pages], digits.labels, caption=caption).save(sheet)
        print(f"     {PER_CLASS} samples of each of {len(digits.labels)} classes: {sheet}")

        began = time.perf_counter()
        bulk = client.generate(classes=list(digits.labels) * (BULK // len(digits.labels)), seed=SEED)
        seconds = time.perf_counter() - began
        print(f"     {len(bulk):,} samples in {seconds:.2f} s: {len(bulk) / seconds:,.0f} samples/s")

        replay(models, pages[3])
        step("4/4  stop")
    print("     the service finished what it had accepted and stopped\n")

    card = digits.message.quality
    score, real = card.classification_accuracy_score, card.real_accuracy
    worst = min(card.classes, key=lambda entry: entry.label_fidelity)
    print(f"A classifier that saw only synthetic digits recognises {score:.1%} of real ones,")
    print(f"{score / real:.1%} of the {real:.1%} that one trained on real digits reaches.")
    print(
        f"Label fidelity: {card.label_fidelity:.1%}; of the hardest class, {worst.label!r}, {worst.label_fidelity:.1%}."
    )
    print(f"Look at {sheet}; serve the generator again with: make serve MODELS={models}")
    return 0


def step(title: str) -> None:
    print(f"\n==== {title}", flush=True)


@contextmanager
def serving(models: Path, *flags: str) -> Iterator[str]:
    """A service in a process of its own; yields its address and stops it as Kubernetes would."""
    command = [sys.executable, "-m", "service", "--models", str(models), "--port", "0", "--metrics-port", "0"]
    process = subprocess.Popen([*command, "--log-level", "warning", *flags], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        ready = process.stdout.readline()
        fields = dict(word.split("=", 1) for word in ready.split() if "=" in word)
        if "grpc" not in fields:
            raise SystemExit(f"the service did not start (exit status {process.wait()})")
        print(f"     {ready.strip()}")
        yield fields["grpc"]
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=60):
            raise SystemExit(f"the service stopped with exit status {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def replay(models: Path, samples: augmint.Samples) -> None:
    """Make served samples again from the file alone, by their address."""
    address = samples.address
    content = (models / address.generator / str(address.version) / artifact.FILE_NAME).read_bytes()
    n = len(samples)
    rows = artifact.Rows(
        np.full(n, artifact.mix_seed(address.seed), np.uint64),
        np.arange(address.start_index, address.start_index + n, dtype=np.uint64),
        np.asarray(samples.class_indices, np.int64),
        np.full(n, address.truncation, np.float32),
    )
    if artifact.digest(content) != address.digest or not np.array_equal(Session(content).run(rows), samples.array):
        raise SystemExit(f"the file does not give the samples of {address}")
    print(f"     made again from the file alone, bit for bit: {address}")


if __name__ == "__main__":
    sys.exit(main())
