"""`python -m service --models models/`: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

from service import logs, malloc, settings
from service.rpc.ports import StartError
from service.runtime.device import DeviceError
from service.server import Server


def main() -> int:
    """Exit status: 0 after a graceful stop, 2 if the service could not start."""
    try:
        chosen = settings.load(sys.argv[1:])
    except settings.SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    logs.configure(chosen.log_format, chosen.log_level)
    malloc.share()
    return asyncio.run(_serve(chosen))


def _calm_collector() -> None:
    """Leave what loading made, which stays, out of garbage collections, and make those that remain rare.

    A call leaves no cycles behind, yet its objects count towards the next collection, which walks all that ONNX
    Runtime, protobuf and gRPC keep.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _serve(chosen: settings.Settings) -> int:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def on_signal(number: int) -> None:
        if asked.is_set():
            # Whoever asks twice does not want to wait.
            os._exit(128 + number)
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    server = Server(chosen)
    try:
        await server.start()
    except (StartError, DeviceError) as error:
        await server.close()
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    malloc.keep()
    _calm_collector()
    print(server.ready_line(), flush=True)  # noqa: T201
    await asked.wait()
    await server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
