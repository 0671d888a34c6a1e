"""`python -m service --models models/`: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import gc
import sys

from service import logs, malloc, settings
from service.errors import StartError
from service.runtime.device import DeviceError
from service.server import Server
from service.signals import asked_to_stop


def main() -> int:
    """Exit status: 0 after a graceful stop, 2 if the service could not start."""
    try:
        chosen = settings.load(sys.argv[1:])
    except settings.SettingsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 2
    logs.configure(chosen.log_format, chosen.log_level)
    malloc.one_arena()
    with asked_to_stop() as asked:
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


if __name__ == "__main__":
    sys.exit(main())
