"""Programs as `python -c` runs them, forked from one process that has imported PyTorch and the service.

Importing them takes seconds.

    python -m tests.client.programs SOCKET

is that process. It has used no gRPC, else it could not be forked. A program ends as any: with its interpreter's end.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.processes import environment

LONGEST = 65536  # bytes of a program
ROOM = 2**20  # bytes of a pipe, that a program need not wait until it is heard


class Forked:
    """As subprocess.Popen with three pipes, of text."""

    def __init__(self, asks: socket.socket, code: str, *arguments: str) -> None:
        self.returncode: int | None = None
        self._told, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        (there_in, here_in), (here_out, there_out), (here_err, there_err) = (os.pipe() for _ in range(3))
        theirs = [there_in, there_out, there_err]
        for each in theirs:
            fcntl.fcntl(each, fcntl.F_SETPIPE_SZ, ROOM)
        with there:
            socket.send_fds(asks, [json.dumps([code, *arguments]).encode()], [*theirs, there.fileno()])
        for each in theirs:
            os.close(each)
        self.stdin, self.stdout, self.stderr = open(here_in, "w"), open(here_out), open(here_err)  # noqa: SIM115
        self.pid = int(self._told.recv(LONGEST))

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                self.returncode = int(self._told.recv(LONGEST))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("a forked program", timeout or 0) from None
            self._told.close()
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def communicate(self, timeout: float = 60) -> tuple[str, str]:
        """What it has written, once it has ended; it is killed if it does not."""
        try:
            self.stdin.close()
            self.wait(timeout)
        finally:
            self.kill()
            self.wait()
        with self.stdout, self.stderr:
            return self.stdout.read(), self.stderr.read()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self.returncode is None:
            self.send_signal(signal.SIGKILL)


class Programs:
    """`start` them; the process that forks them ends with the context."""

    def __enter__(self) -> Programs:
        self._asks, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            command = [sys.executable, "-m", "tests.client.programs", str(there.fileno())]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, text=True,
                pass_fds=[there.fileno()], cwd=Path(__file__).parents[2], env=environment(),
            )  # fmt: skip
        return self

    def __exit__(self, *error: object) -> None:
        self._asks.close()
        _, complaints = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, complaints

    def start(self, code: str, *arguments: str) -> Forked:
        return Forked(self._asks, code, *arguments)


def main(asked: socket.socket) -> None:
    import augmint.torch  # noqa: F401  this and the next are what programs find imported
    import service.__main__  # noqa: F401

    gc.collect()
    gc.freeze()  # else the end of each goes through all that was imported
    running: dict[int, tuple[int, int]] = {}  # of each program what is readable at its end: itself, who hears of that
    while True:
        for ready in select.select([asked.fileno(), *running], [], [])[0]:
            if ready in running:
                process, tells = running.pop(ready)
                os.write(tells, str(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])).encode())
                os.close(tells)
                os.close(ready)
                continue
            program, given, *_ = socket.recv_fds(asked, LONGEST, 4)
            if not program:
                return
            *pipes, tells = given
            process = os.fork()
            if not process:
                asked.close()
                os.close(tells)
                for number, pipe in enumerate(pipes):
                    os.dup2(pipe, number)
                    os.close(pipe)
                code, *arguments = json.loads(program)
                sys.argv = ["-c", *arguments]
                exec(code, globals())  # those of __main__: what a program leaves there is there at its end
                return
            for pipe in pipes:
                os.close(pipe)
            os.write(tells, str(process).encode())
            running[os.pidfd_open(process)] = process, tells


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
