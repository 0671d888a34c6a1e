"""Bytes of a file to text: what packs it, what encodes it, what separates its cells, and its head."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from training.data.errors import DataError
from training.data.separators import announced, separator_of
from training.data.wording import listed

TEXT = frozenset({".csv", ".tsv", ".tab", ".psv", ".txt", ".dat", ".data"})
LINES = frozenset({".jsonl", ".ndjson", ".json"})
PACKED = frozenset({".gz", ".bz2", ".xz", ".zip"})

_SAMPLE = 2**20  # bytes, by which encoding, separator and head are found
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
_PACKED_BY = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# What decompressors raise where a file is cut off or damaged.
DAMAGE = (OSError, EOFError, zipfile.BadZipFile, lzma.LZMAError, zlib.error)
LONGEST_FIELD = 2**24


def ending(name: str) -> str:
    """The ending of a name in lower case, less that of what packs it: .csv of adult.csv.gz."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in PACKED else path.suffix


def opened(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked, whatever its name says. Raises DataError, and DAMAGE later."""
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        return _member(path)
    for magic, open_packed in _PACKED_BY.items():
        if start.startswith(magic):
            return open_packed(path, "rb")  # type: ignore[operator,no-any-return]
    return open(path, "rb")


def kind_of(path: Path) -> str:
    """The ending of a file, or of the table that is all of an archive, as Kaggle's archive.zip; "" if it has none."""
    if (found := ending(path.name)) or path.suffix.lower() != ".zip":
        return found
    try:
        with zipfile.ZipFile(path) as archive:
            names = _files_in(archive)
    except (OSError, zipfile.BadZipFile):
        return ""
    return ending(names[0]) if len(names) == 1 else ""


def _files_in(archive: zipfile.ZipFile) -> list[str]:
    return [each for each in archive.namelist() if not each.endswith("/") and not each.startswith("__MACOSX")]


def _member(path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: not a whole .zip file ({error})") from error
    names = _files_in(archive)
    tables = [each for each in names if PurePosixPath(each.lower()).suffix in TEXT | LINES]
    if len(tables) != 1:
        has = f"holds {listed(tables or names, 4)}" if names else "holds no file"
        raise DataError(f"{path}: {has}; wanted one table (.csv, .tsv, .jsonl): unpack it, and name the file or folder")
    if archive.getinfo(tables[0]).flag_bits & 1:
        raise DataError(f"{path}: is encrypted; unpack it first")
    return archive.open(tables[0])


@dataclass(frozen=True, slots=True)
class Form:
    """How a file of text is written.

    encoding:  as Python calls it.
    separator: of cells. head: names of columns. skipped: physical lines before the first row.
    notes:     what was not as usual.
    """

    encoding: str
    separator: str
    head: tuple[str, ...]
    skipped: int
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        name = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}.get(self.separator, repr(self.separator))
        encoding = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8"}.get(self.encoding, self.encoding)
        return f"cells separated by {name}, {encoding}"


def form(path: Path, encoding: str | None = None) -> Form:
    """Find out how a file of cells is written; encoding: if it is known. Raises DataError, DAMAGE."""
    with opened(path) as file:
        sample = file.read(_SAMPLE)
    notes: list[str] = []
    encoding = encoding or encoding_of(path, sample, len(sample) < _SAMPLE)
    text = codecs.getincrementaldecoder(encoding)().decode(sample)
    if encoding in ("cp1252", "latin-1"):
        notes.append(foreign(path, encoding, text))
    if "\0" in text:
        raise DataError(f"{path}: holds NUL characters; it is no text")
    named, rest = announced(text)
    separator = named or separator_of(rest, ending(path.name))
    skipped = text[: len(text) - len(rest)].count("\n")
    lines = csv.reader(io.StringIO(rest, newline=""), delimiter=separator)
    csv.field_size_limit(LONGEST_FIELD)
    try:
        head = next((line for line in lines if any(map(str.strip, line))), [])
        skipped += lines.line_num
        below = [line for line, _ in zip(lines, range(200), strict=False) if any(map(str.strip, line))]
    except csv.Error as error:
        raise DataError(f"{path}: line {skipped + 1}: {error}; quotes around cells must be closed") from error
    if not head:
        raise DataError(f"{path}: is empty")
    _refuse_narrow(path, head, below)
    # The last line of a sample may be cut off, and a line of another length is told with its number later.
    below = [line for line in below if len(line) == len(head)]
    _refuse_rows(path, head, below)
    return Form(encoding, separator, names_of(path, head), skipped, tuple(notes))


def encoding_of(path: Path, sample: bytes, whole: bool) -> str:
    """By the beginning of a file, or the whole of it, which ends no character in the middle. Raises DataError."""
    if sample.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DataError(f"{path}: is UTF-32; save it as UTF-8")
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    even, odd = sample[0:4000:2], sample[1:4000:2]
    for part, name in ((odd, "utf-16-le"), (even, "utf-16-be")):
        if len(part) > 4 and part.count(0) > 0.7 * len(part):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, whole)
    except UnicodeDecodeError:
        return other_encoding(sample)
    return "utf-8"


def other_encoding(sample: bytes) -> str:
    """Of text that is not UTF-8: what Windows writes, or, where it leaves bytes without meaning, ISO 8859-1."""
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def foreign(path: Path, encoding: str, text: str) -> str:
    """The note about text that is not UTF-8, with a word by which a person sees whether it was read rightly."""
    word = next(iter(re.findall(r"\w*[^\x00-\x7f]+\w*", text)), "")
    example = f": is {word!r} written rightly? If not," if word else ";"
    return f"{path.name} is not UTF-8 and was read as {encoding}{example} save it as UTF-8"


def names_of(path: Path, head: list[str]) -> tuple[str, ...]:
    """Names of columns, trimmed; one without a name is called as pandas calls it. Raises DataError for one twice."""
    names = [name.strip() or f"Unnamed: {number}" for number, name in enumerate(head)]
    for number, name in enumerate(names):
        if name in names[:number]:
            first = names.index(name)
            raise DataError(
                f"{path}: columns {first + 1} and {number + 1} are both called {name!r}; each needs a name of its own"
            )
        if not name.isprintable():
            raise DataError(f"{path}: the name of column {number + 1}, {name!r}, has characters that cannot be shown")
    return tuple(names)


def _refuse_narrow(path: Path, head: list[str], below: list[list[str]]) -> None:
    """Raise DataError for a title above the head, and for cells that only blanks separate, which may be one cell."""
    wide = {len(line) for line in below[:-1] or below}
    if len(head) == 1 and len(wide) == 1 and min(wide) > 1:
        raise DataError(
            f"{path}: its first line, {head[0][:60]!r}, is no head, as the lines below have {min(wide)} cells; take "
            "away what is above the names of the columns"
        )
    counts = {len(line[0].split()) for line in [head, *below[:-1]] if len(line) == 1}
    if len(head) == 1 and len(counts) == 1 and counts.pop() > 2 and len(below) > 2:
        raise DataError(
            f"{path}: its cells seem to be separated by blanks; write tabs instead: sed 's/^ *//; s/  */\\t/g'"
        )


def _refuse_rows(path: Path, head: list[str], below: list[list[str]]) -> None:
    """Raise DataError if the first line is a row and no head: all its cells are numbers, or values of their column."""
    cells = [cell.strip() for cell in head]
    numbers = [bool(_NUMBER.fullmatch(cell)) for cell in cells]
    if not any(numbers) or not below:
        return
    counted = [int(cell) for cell, number in zip(cells, numbers, strict=True) if number and cell.isdigit()]
    as_pandas_calls_them = bool(counted) and counted == list(range(counted[0], counted[0] + sum(numbers)))
    if as_pandas_calls_them and counted[0] in (0, 1) and (len(counted) > 1 or not all(numbers)):
        return
    columns = list(zip(*below, strict=True))
    for cell, number, column in zip(cells, numbers, columns, strict=True):
        values = [value.strip() for value in column]
        like = _NUMBER.fullmatch(values[0]) if number else cell in values
        if not like:
            return
    raise DataError(
        f"{path}: has no head: its first line, {listed(cells, 4)}, looks like a row; write the names of the columns "
        "above it"
    )
