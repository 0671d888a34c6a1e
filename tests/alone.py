"""A program in a network of its own, in which there is nobody: what it tries to reach is counted, and nothing leaves.

    unshare --net python tests/alone.py COUNTS PROGRAM [ARGUMENT ...]

Writes what was counted into the file COUNTS, as JSON.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

# Linux's own numbers of requests to a network device.
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1
# What a kernel counts of each network: no way to the address; datagrams sent, to a name server on this machine, say.
ATTEMPTS = ("IpOutNoRoutes", "Ip6OutNoRoutes", "UdpOutDatagrams", "Udp6OutDatagrams")
LOOK_UP = "import socket\ntry: socket.getaddrinfo('collector.example', 443)\nexcept OSError: pass"


@functools.cache
def network() -> tuple[str, ...]:
    """The command that makes such a network; skips the test if this machine allows none, or does not count."""
    for command in (("unshare", "--map-root-user", "--net"), ("unshare", "--net")):
        try:
            if _run(command, [sys.executable, "-c", LOOK_UP], dict(os.environ)) > 0:
                return command
        except (OSError, subprocess.CalledProcessError):
            continue
    import pytest  # not in the process that runs the program

    raise pytest.skip.Exception(
        "no network of one's own here: `unshare --net` is not allowed, or the kernel does not count"
    )


def attempts(program: list[str], environment: dict[str, str]) -> int:
    """How often a program, which must succeed, tried to reach another machine or a name server."""
    return _run(network(), program, environment)


def _run(command: tuple[str, ...], program: list[str], environment: dict[str, str]) -> int:
    reading, writing = os.pipe()
    with open(reading) as counts:
        try:
            subprocess.run(
                [*command, sys.executable, __file__, f"/dev/fd/{writing}", *program],
                env=environment, pass_fds=[writing], check=True,
            )  # fmt: skip
        finally:
            os.close(writing)
        return int(json.load(counts))


def _counted() -> int:
    found: dict[str, int] = {}
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        found |= {names[0].strip(":") + name: int(value) for name, value in zip(names[1:], values[1:], strict=True)}
    newer = Path("/proc/net/snmp6")
    if newer.exists():
        found |= {name: int(value) for name, value in map(str.split, newer.read_text().splitlines())}
    return sum(found.get(name, 0) for name in ATTEMPTS)


def _main(counts: str, *program: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, GET_FLAGS, request))[1]
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | UP))
    before = _counted()
    status = subprocess.run(program, check=False).returncode
    Path(counts).write_text(json.dumps(_counted() - before))
    return status


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
