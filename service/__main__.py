"""`python -m service --models models/`: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

from service import logs, malloc, settings
from service.errors import StartError
from service.runtime.device import DeviceError
from service.server import Server

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Exit status: 0 after a graceful stop, 2 if the service could not start."""
    try:
        chosen = settings.load(sys.argv[1:])
    except settings.SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    logs.configure(chosen.log_format, chosen.log_level)
    malloc.one_arena()
    with _asked_to_stop() as asked:
        server = Server(chosen)
        try:
            server.start()
        except (StartError, DeviceError) as error:
            server.close()
            print(f"error: {error}", file=sys.stderr)  # noqa: T201
            return 2
        malloc.keep_freed()
        _calm_collector()
        print(server.ready_line(), flush=True)  # noqa: T201
        asked.wait()
        server.stop()
    return 0


def _calm_collector() -> None:
    """Leave what loading made, which stays, out of garbage collections, and make those that remain rare.

    A call leaves no cycles behind, yet its objects count towards the next collection, which walks all that ONNX
    Runtime, protobuf and gRPC keep.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
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


if __name__ == "__main__":
    sys.exit(main())
