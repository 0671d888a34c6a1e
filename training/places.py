"""Where a run writes: proven before anything is read, and told in one sentence when it fails later."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from training.errors import TrainingError


class RunError(TrainingError, ValueError):
    """The run cannot be started, resumed or published; the message says why and what would be right."""


class CannotWrite(RunError):
    """A place that could be written to cannot any more, or cannot be; whole files there stay as they are."""


_LEAST = 2**20  # bytes that any place must take
_SPARE = 1.1


def prove_folder(folder: Path, option: str) -> None:
    """Make sure that files can be written in a folder, or in the one that will be made; nothing is left there.

    Raises CannotWrite with what is wrong and the option that names another place.
    """
    made: list[Path] = []
    remedy = f"{option} names another place"
    try:
        for each in (folder, *folder.parents):
            if each.exists() and not each.is_dir():
                raise CannotWrite(f"{each} is no folder; {option} names one, to be made if it is missing")
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir()
            made.append(each)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".proof-") as file:
            file.write(bytes(_LEAST))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CannotWrite(f"{error.filename or folder}: {error.strerror or error}; {remedy}") from error
    except ValueError as error:
        if isinstance(error, RunError):
            raise
        raise CannotWrite(f"{folder!s}: {error}; {remedy}") from error  # e.g. a NUL
    finally:
        for each in reversed(made):
            # Another run may have begun to use it.
            _remove_if_empty(each)


def prove_file(path: Path | None, option: str) -> None:
    """Make sure that a file can be written where an option says; None: it says nothing."""
    if path is None:
        return
    if path.is_dir():
        raise CannotWrite(f"{path} is a folder; {option} names a file")
    if not path.parent.is_dir():
        raise CannotWrite(f"{path.parent} is no folder; {option} names a file in one that is there")
    if path.exists() and not os.access(path, os.W_OK):
        raise CannotWrite(f"{path} may not be written; {option} names another file")
    if not path.exists():
        prove_folder(path.parent, option)


def prove_room(folder: Path, checkpoint: int) -> str:
    """Make sure that a checkpoint of this size, in bytes, fits; returns a warning if only a few do, else "".

    Raises CannotWrite.
    """
    free = shutil.disk_usage(folder).free
    wanted = int(checkpoint * _SPARE)
    if free < wanted:
        raise CannotWrite(
            f"{folder}: {size(free)} free, but a checkpoint takes {size(wanted)}; free some space, or --runs names "
            "another place"
        )
    # The old one stays until the new one is whole; model, pictures and curves come on top.
    if free < 3 * wanted:
        return f"{folder}: {size(free)} free; a checkpoint takes {size(wanted)}, twice that while it is replaced"
    return ""


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there: all of it or nothing; raises CannotWrite.

    write: gets the path to write to.
    """
    path = None
    try:
        handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        os.close(handle)
        path = Path(made)
        write(path)
        path.chmod(0o644)
        path.replace(target)
    except BaseException as error:
        if path is not None:
            path.unlink(missing_ok=True)
        fault = cannot_write(target, error)
        if fault is not None:
            raise fault from error
        raise


def cannot_write(path: Path, error: BaseException) -> CannotWrite | None:
    """The sentence about a file that could not be written; None if something else went wrong.

    PyTorch hides the system's own error behind one of its own.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, CannotWrite):
            return cause
        if isinstance(cause, OSError):
            return CannotWrite(f"{path}: {cause.strerror or cause}{_left(path)}")
        cause = cause.__cause__ or cause.__context__
    return None


def _left(path: Path) -> str:
    try:
        return f" ({size(shutil.disk_usage(path.parent).free)} free)"
    except OSError:
        return ""


def size(count: float) -> str:
    """Bytes in words, e.g. 9.5 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.3g} {unit}" if count < 1000 else f"{count:,.0f} {unit}"


def quoted(path: Path | str) -> str:
    """A path as a shell takes it."""
    return shlex.quote(str(path))


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
