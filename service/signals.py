"""The signals that end the process: gracefully, then at once."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that the first signal sets; the second one ends the process at once.

    A thread reads the signals from a socket, to which the interpreter writes them as they come: a handler would wait
    for the main thread, which may be busy inside ONNX Runtime.
    """
    asked = threading.Event()
    reader, writer = socket.socketpair()
    writer.setblocking(False)

    def read() -> None:
        while number := reader.recv(1):
            if number[0] not in SIGNALS:
                continue
            if asked.is_set():
                os._exit(128 + number[0])
            asked.set()

    handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
    for number in SIGNALS:
        signal.siginterrupt(number, False)
    before = signal.set_wakeup_fd(writer.fileno())
    thread = threading.Thread(target=read, name="signals", daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        writer.close()
        thread.join()
        reader.close()
