"""The tests of what computes, as other processors compute it.

    python -m tests.processors [--only WORD] [--demo] [options of pytest, or of the demo]

PyTorch, oneDNN and OpenBLAS choose their code by what the processor can, and add in another order with every choice and
every number of threads. Each setting below takes some of it away; together they hold every value of every variable. The
last one lets all networks start from other weights, which changes what they come to by more than any processor does.
What a processor cannot do itself is not played: a limit above it changes nothing, and the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Training, export, the runtime of the service, the arithmetic of clients; and what serves them to each other.
COMPUTES = (
    *(
        "tests/training",
        "tests/benchmarks/quality",
        "tests/client/test_against_service.py",
        "tests/client/test_samples.py",
    ),
    *("tests/client/reading", "tests/service/artifact", "tests/service/runtime", "tests/service/rpc/test_codec.py"),
    *("tests/service/scheduling/test_selection.py", "tests/service/repository/test_drift.py"),
)
# What /proc/cpuinfo calls that without which a limit is above the processor.
NEEDS = {"AVX2": "avx2", "AVX512_CORE": "avx512f", "avx2": "avx2"}


@dataclass(frozen=True)
class Setting:
    onednn: str  # ONEDNN_MAX_CPU_ISA
    aten: str  # ATEN_CPU_CAPABILITY; empty: not set
    threads: int
    one_core: bool = False
    shift: int = 0  # of the seeds that networks start from

    def __str__(self) -> str:
        parts = [f"oneDNN {self.onednn}", f"ATen {self.aten or 'as it is'}", f"{self.threads} thread"]
        parts[-1] += "s" if self.threads > 1 else ""
        if self.one_core:
            parts.append("one core")
        if self.shift:
            parts.append("other seeds")
        return ", ".join(parts)

    @property
    def environment(self) -> dict[str, str]:
        changes = {"ONEDNN_MAX_CPU_ISA": self.onednn, "OMP_NUM_THREADS": str(self.threads)}
        if self.threads > 1:  # threads that spin for each other stand still where others want a core, too
            changes |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
        if self.aten:
            changes["ATEN_CPU_CAPABILITY"] = self.aten
        if self.shift:
            changes["TEST_SHIFT"] = str(self.shift)
        return {**{name: value for name, value in os.environ.items() if name != "ATEN_CPU_CAPABILITY"}, **changes}


SETTINGS = (
    Setting("SSE41", "default", 1),
    Setting("AVX2", "avx2", 2),
    Setting("AVX512_CORE", "avx2", 1, one_core=True),
    Setting("DEFAULT", "", 2),
    Setting("DEFAULT", "default", 1, one_core=True),
    Setting("DEFAULT", "", 1, shift=1000),
)


def remark(setting: Setting, flags: set[str]) -> str:
    """What this processor makes of the setting, where that is not what it says."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"the two limits do nothing on {platform.machine()}"
    above = [name for name in (setting.onednn, setting.aten) if name in NEEDS and flags and NEEDS[name] not in flags]
    return f"{' and '.join(above)} is above this processor" if above else ""


def cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return set(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), []))


def run(setting: Setting, command: Sequence[str], log: Path) -> int:
    """Exit status; what it prints goes to the log."""
    kept = os.sched_getaffinity(0) if setting.one_core else None
    if kept:
        os.sched_setaffinity(0, {min(kept)})
    try:
        with log.open("w") as file:
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=setting.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
    finally:
        if kept:
            os.sched_setaffinity(0, kept)
    return done.returncode


def test(setting: Setting, options: Sequence[str], log: Path) -> tuple[str, str]:
    """Result in a word or two, and pytest's last line."""
    lacking = [place for place in COMPUTES if not (ROOT / place).exists()]
    if lacking:
        return "RED", f"no such tests: {', '.join(lacking)}"
    # As many workers as there are cores for their threads.
    workers = 0 if setting.one_core else len(os.sched_getaffinity(0)) // setting.threads
    beside = ["-n", str(min(workers, 8)), "--dist", "loadfile"] if workers > 1 else []
    status = run(setting, ["pytest", "-q", "-p", "no:cacheprovider", *beside, *options, *COMPUTES], log)
    lines = log.read_text().splitlines()
    return "RED" if status else "green", lines[-1].strip("= ") if lines else ""


def demo(setting: Setting, options: Sequence[str], log: Path) -> tuple[str, str]:
    """The same of `make demo`: green is a pass without warnings."""
    folder = log.with_suffix("")
    status = run(setting, ["benchmarks.demo", "--folder", str(folder), *options], log)
    cards = sorted(folder.glob("runs/*/card.json"))
    if not cards:
        return "RED", f"no card; exit status {status}"
    card = json.loads(cards[-1].read_text())
    verdict = card["verdict"].removeprefix("VERDICT_").lower().replace("_", " ")
    return "RED" if status or verdict != "pass" else "green", " ".join([f"{verdict}.", *card.get("warnings", [])])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.processors", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="settings whose name holds this")
    parser.add_argument(
        "--demo", action="store_true", help="run the demo, which has to pass without a warning, instead"
    )
    arguments, options = parser.parse_known_args()
    chosen = [each for each in SETTINGS if arguments.only in str(each) and not (arguments.demo and each.shift)]
    if not chosen:
        parser.error(f"--only {arguments.only!r} is in none of: {'; '.join(map(str, SETTINGS))}")
    folder, flags = Path(tempfile.mkdtemp(prefix="processors-")), cpu_flags()
    rows = []
    for number, setting in enumerate(chosen, 1):
        began, log = time.monotonic(), folder / f"{number}.log"
        if setting.one_core and not hasattr(os, "sched_setaffinity"):
            result, words = "not played", "this system cannot keep a process on one core"
        else:
            result, words = (demo if arguments.demo else test)(setting, options, log)
            if result == "RED":
                print(log.read_text())
        words = "; ".join(filter(None, (remark(setting, flags), words)))
        rows.append((str(setting), result, f"{time.monotonic() - began:.0f} s", words))
        print("  ".join(rows[-1]), flush=True)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    print("\n" + "\n".join("  ".join((*map(str.ljust, row[:3], widths), row[3])) for row in rows))
    red = sum(row[1] == "RED" for row in rows)
    print(f"\n{red} of {len(rows)} settings are red; logs: {folder}")
    return 1 if red else 0


if __name__ == "__main__":
    raise SystemExit(main())
