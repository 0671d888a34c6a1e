"""What every command does around its work: faults as one sentence, the status that it exits with, requests to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from service.artifact import ArtifactError
from training.errors import TrainingError
from training.terminal import console as make_console
from training.terminal import say

console = make_console()
errors = make_console(stderr=True)

FAULT, STOPPED = TrainingError.status, 130
STATUSES = "Exit status: 0 done, 2 a fault of data, options or files, 3 withheld, 130 stopped (Ctrl-C or SIGTERM)."


class Terminated(KeyboardInterrupt):
    """The process was asked to end; what Ctrl-C does is right for it too."""


def fail(message: str, status: int = FAULT) -> typer.Exit:
    """Print what was wrong; what is returned is to be raised."""
    from rich.text import Text

    from training.terminal import shown

    errors.print(Text.assemble(("error:", "red"), " ", shown(message)), soft_wrap=True)
    return typer.Exit(status)


def sentence(error: Exception) -> str:
    """What an exception says to a person."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM as Ctrl-C: raised where the program is, for it to clean up and say how to go on."""

    def raise_terminated(number: int, frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _nothing(error: BaseException) -> str:
    return ""


@dataclass(slots=True)
class Outcome:
    """failure: what the program is to exit with; None: all went well."""

    failure: typer.Exit | None = None


@contextmanager
def attempt(
    stopped: Callable[[], str] = lambda: "stopped",
    after: Callable[[BaseException], str] = _nothing,
    speaks: Callable[[], bool] = lambda: True,
) -> Iterator[Outcome]:
    """Faults of files, data and orders as one sentence instead of a traceback, and the status to exit with.

    It is not raised here: what an exception refers to, a group of processes perhaps, may have to go before.

    stopped: the answer to Ctrl-C and SIGTERM, asked for when they come.
    after:   what is to be said after a fault, asked for when it happens; "": nothing.
    speaks:  whether this process is the one to say what was wrong.
    """
    outcome = Outcome()
    try:
        with stoppable():
            yield outcome
    except KeyboardInterrupt:
        _say_all(stopped())
        outcome.failure = typer.Exit(STOPPED)
    except typer.Exit as error:
        outcome.failure = error
    except (TrainingError, ArtifactError, OSError) as error:
        message, words = sentence(error), after(error)
        status = error.status if isinstance(error, TrainingError) else FAULT
        if speaks():
            fail(f"{message}\n{words}" if words else message)
        outcome.failure = typer.Exit(status)


@contextmanager
def in_one_sentence(
    stopped: Callable[[], str] = lambda: "stopped",
    after: Callable[[BaseException], str] = _nothing,
    speaks: Callable[[], bool] = lambda: True,
) -> Iterator[None]:
    """The same for a command that has nothing to clean up: exits in its end."""
    with attempt(stopped, after, speaks) as outcome:
        yield
    if outcome.failure is not None:
        raise outcome.failure


def _say_all(lines: str) -> None:
    for line in lines.splitlines():
        say(console, line)
