# PYTHON_ARGCOMPLETE_OK
"""The `augmint` command: list generators, show one, draw samples into a file, export shards, measure a service."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import NoReturn, TextIO

# gRPC's own log lines; what they tell comes as an error with a sentence. Set before gRPC is used.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from augmint import arguments
from augmint.client import Client
from augmint.errors import AugmintError, DeadlineExceeded, Overloaded, TlsError, Unavailable
from augmint.near import did_you_mean_file
from augmint.wire.channel import Channel, Tls
from augmint.wire.transport import GrpcTransport


class _Terminated(KeyboardInterrupt):
    """SIGTERM: ends as Ctrl-C does, so that nothing half-written is left behind."""


def main(given: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code, as `--help` lists them. An error is one line on stderr."""
    with _interruptible():
        try:
            _show_everything(sys.stdout, sys.stderr)
            warnings.showwarning = _warn
            return _run(given)
        except BrokenPipeError:
            # The reader (`| head`) has enough. Python flushes stdout once more on its way out: give it somewhere to go.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except (AugmintError, OSError) as error:
            _say(_sentence(error))
            passing = isinstance(error, Unavailable | Overloaded | DeadlineExceeded) and not isinstance(error, TlsError)
            return 3 if passing else 2
        except KeyboardInterrupt as error:
            if given is None:  # as a program: a second one ends it on the spot, without a traceback
                signal.signal(signal.SIGINT, signal.SIG_DFL)
            terminated = isinstance(error, _Terminated)
            _say("terminated" if terminated else "interrupted")
            return 128 + (signal.SIGTERM if terminated else signal.SIGINT)


def _run(given: Sequence[str] | None) -> int:
    parser = arguments.parser()
    with contextlib.suppress(ImportError):  # an extra, for those who want it
        importlib.import_module("argcomplete").autocomplete(parser)
    try:
        options = parser.parse_args(given)
    except SystemExit:
        sys.stdout.flush()  # of --help; its reader may have gone
        raise
    options.settings = _channel(options)
    with Client(timeout=options.timeout, transport=GrpcTransport(options.settings)) as client:
        options.run(client, options)
    sys.stdout.flush()
    return 0


def _channel(options: argparse.Namespace) -> Channel:
    files = (options.ca, options.certificate, options.key, options.server_name)
    tls = Tls(*files) if any(files) else (True if options.tls else None)
    if options.token_file is not None and tls is None and options.plain:
        tls = False
    return Channel(options.at or options.target, tls, options.token_file)


def _sentence(error: AugmintError | OSError) -> str:
    if isinstance(error, OSError) and error.filename and not isinstance(error, AugmintError):
        near = did_you_mean_file(error.filename) if isinstance(error, FileNotFoundError) else ""
        return f"{os.fsdecode(error.filename)}: {error.strerror}{near}"
    return str(error)


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):  # the reader of stderr has gone
        print(f"augmint: {' '.join(sentence.split())}", file=sys.stderr, flush=True)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    _say(f"note: {message}")


def _show_everything(*streams: TextIO) -> None:
    """Names are shown as they are where the terminal can, and escaped where it cannot (LANG=C, a pipe on Windows)."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM as an exception; what was set before is set again, for programs that call `main`."""

    def terminated(number: int, frame: FrameType | None) -> NoReturn:
        raise _Terminated

    shown = warnings.showwarning
    try:
        before = signal.signal(signal.SIGTERM, terminated)
    except ValueError:  # in a thread, whose program sees to that
        before = None
    try:
        yield
    finally:
        warnings.showwarning = shown
        if before is not None:
            signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
