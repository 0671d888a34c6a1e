"""A program with all the processes that it starts: what they use together, and an end for all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

STOP_SECONDS = 20
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Family:
    """A process, its children and theirs, as far as their parents live; Linux only."""

    def __init__(self, command: list[str], output: IO[str], scratch: Path) -> None:
        """Start it.

        output:  of all of them.
        scratch: for whatever they write to a home or to a folder for temporary files.
        """
        folders = dict.fromkeys(("HOME", "TMPDIR", "RAY_TMPDIR"), str(scratch))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | folders,
        )

    def alive(self) -> bool:
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Of those that live now, since their start."""
        return sum((int(fields[11]) + int(fields[12])) / TICKS for fields in self._members().values())

    def resident_mib(self) -> float:
        """Without what they share with each other: proportional set sizes."""
        total = 0
        for member in self._members():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{member}/smaps_rollup").read_text()
                total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
        return total / 1024

    def stop(self) -> None:
        """SIGTERM to the first, and SIGKILL for those of the others that are left."""
        members = self._members()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while left := [pid for pid, fields in members.items() if _same(pid, fields)]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"processes {left} do not end")
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
            time.sleep(0.02)
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _members(self) -> dict[int, list[str]]:
        """By process id the fields of /proc/PID/stat after the name: state, parent, group, session, ..."""
        every = {int(path.name): fields for path in Path("/proc").glob("[0-9]*") if (fields := _stat(int(path.name)))}
        found = {self._process.pid} & set(every)
        while True:
            more = {
                pid
                for pid, fields in every.items()
                if pid not in found and (int(fields[1]) in found or int(fields[3]) == self._process.pid)
            }
            if not more:
                return {pid: every[pid] for pid in found}
            found |= more


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _same(pid: int, fields: list[str]) -> bool:
    """Whether the process still runs; a later one may have got its number."""
    now = _stat(pid)
    return bool(now) and now[19] == fields[19] and now[0] != "Z"
