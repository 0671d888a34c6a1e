"""A file of text: what encodes it, and its lines."""

from __future__ import annotations

import re
from pathlib import Path

from training.data.errors import DataError
from training.kinds.table import text as files

_LARGEST = 2**30  # bytes of a file
_ENDS = re.compile(r"\r\n|\r|\n")


def read(path: Path) -> tuple[str, str]:
    """The text of a file in any usual encoding, packed or not, and a note if that was not UTF-8; raises DataError."""
    try:
        with files.opened(path) as file:
            content = file.read(_LARGEST + 1)
    except files.DAMAGE as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > _LARGEST:
        raise DataError(f"{path}: more than {_LARGEST:,} bytes of text; divide the file")
    encoding = files.encoding_of(path, content, whole=True)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is neither UTF-8 nor {encoding}, as its beginning says; save it as UTF-8") from error
    if "\0" in text:
        raise DataError(f"{path}: holds NUL characters; it is no text")
    return text, files.foreign(path, encoding, text) if encoding in ("cp1252", "latin-1") else ""


def split(text: str) -> list[str]:
    """Its lines, whichever ends of line there are, in one file also several."""
    lines = _ENDS.split(text)
    return lines[:-1] if lines and not lines[-1] else lines
