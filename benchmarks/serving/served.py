"""A server as a process of its own, or several alike, and what they use."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from benchmarks.serving.readers import Readers


class Served:
    """A server, or several alike, and the process of their readers."""

    def __init__(self, name: str, module: list[str], generator: str, replicas: int = 1) -> None:
        self.name = name
        self._processes: list[subprocess.Popen[str]] = []
        self.metrics: list[str] = []
        addresses = []
        try:
            for _ in range(replicas):
                facts = self._start([sys.executable, "-m", *module])
                addresses.append(facts["grpc"])
                if "metrics" in facts:
                    self.metrics.append(facts["metrics"])
            self.readers = Readers(",".join(addresses), f"augmint:{generator}")
        except BaseException:
            self._end()
            raise

    def _start(self, command: list[str]) -> dict[str, str]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self._processes.append(process)
        return dict(part.split("=", 1) for part in _line(process).split() if "=" in part)

    def ask(self, load: str, seconds: float) -> dict[str, float]:
        """What a load came to; its words are those of benchmarks/serving/readers.py."""
        before, batches = self._cpu(), self._batches()
        answer = self.readers.ask(f"{seconds} {load}")
        after = self._batches()
        answer["server_cpu"] = self._cpu() - before
        answer["batch_seconds"] = (after[0] - batches[0]) / max(1.0, after[1] - batches[1])
        return answer

    def resident(self) -> float:
        """Memory of all of them, MiB."""
        return sum(resident(each.pid) for each in self._processes) / 2**20

    def _cpu(self) -> float:
        return sum(cpu_seconds(each.pid) for each in self._processes)

    def _batches(self) -> tuple[float, float]:
        found = [batches(metrics) for metrics in self.metrics]
        return sum(seconds for seconds, _ in found), sum(count for _, count in found)

    def stop(self) -> None:
        self.readers.stop()
        self._end()

    def _end(self) -> None:
        for each in self._processes:
            each.terminate()
        for each in self._processes:
            each.wait(30)


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit("error: the service or the readers ended early")
    return line


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def batches(metrics: str) -> tuple[float, float]:
    """Seconds and number of all batches so far."""
    names = [f"augmint_execute_duration_seconds_{what}" for what in ("sum", "count")]
    with urllib.request.urlopen(f"{metrics}?{'&'.join(f'name[]={name}' for name in names)}", timeout=10) as answer:
        lines: list[str] = str(answer.read(), "utf-8").splitlines()
    totals = [sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{")) for name in names]
    return totals[0], totals[1]
