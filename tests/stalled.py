"""A client that asks and reads nothing, by hand: gRPC's own clients always read on."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading

DATA, HEADERS, SETTINGS, PING, ACK, END_STREAM, END_HEADERS = 0, 1, 4, 6, 1, 1, 4
INITIAL_WINDOW_SIZE = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Stalled:
    """One HTTP/2 connection (RFC 9113) that never lets the server send a byte of data.

    gone: set when the server has given the connection up.
    """

    def __init__(self, target: str, answers_pings: bool = False) -> None:
        """target: HOST:PORT. answers_pings: whether it shows signs of life, as a program that hangs does."""
        host, _, port = target.rpartition(":")
        self.gone = threading.Event()
        self._streams = itertools.count(1, 2)
        self._answers_pings = answers_pings
        self._socket = socket.create_connection((host, int(port)))
        window = INITIAL_WINDOW_SIZE.to_bytes(2, "big") + bytes(4)
        self._socket.sendall(PREFACE + _frame(SETTINGS, 0, 0, window))
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, method: str, message: bytes) -> None:
        """One call more, without a deadline. method: /package.Service/Method."""
        stream = next(self._streams)
        # From the static table: POST, http. The rest is spelt out.
        fields = b"\x83\x86" + b"".join(
            b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
            for name, value in (
                (b":path", method.encode()),
                (b":authority", b"stalled"),
                (b"te", b"trailers"),
                (b"content-type", b"application/grpc"),
            )
        )
        body = b"\x00" + len(message).to_bytes(4, "big") + message
        self._socket.sendall(
            _frame(HEADERS, END_HEADERS, stream, fields)
            + b"".join(_frame(DATA, 0, stream, body[at : at + 16384]) for at in range(0, len(body), 16384))
            + _frame(DATA, END_STREAM, stream, b"")
        )

    def close(self) -> None:
        """Vanish."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._socket.close()

    def __enter__(self) -> Stalled:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def _read(self) -> None:
        """What comes beside data, which has no leave to come."""
        with contextlib.suppress(OSError), self._socket.makefile("rb") as stream:
            while len(head := stream.read(9)) == 9:
                kind, flags = head[3], head[4]
                content = stream.read(int.from_bytes(head[:3], "big"))
                if kind == SETTINGS and not flags & ACK:
                    self._socket.sendall(_frame(SETTINGS, ACK, 0, b""))
                if kind == PING and not flags & ACK and self._answers_pings:
                    self._socket.sendall(_frame(PING, ACK, 0, content))
        self.gone.set()


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content
