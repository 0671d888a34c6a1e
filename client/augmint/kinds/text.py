"""Texts: int32 [length], ids of a vocabulary up to the one that ends a text."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

import numpy as np

from augmint import extras
from augmint.errors import InvalidRequest


def vocabulary(description: Any) -> tuple[str, ...]:
    """The text of each id."""
    return tuple(description.message.sample.text.vocabulary)


def end_id(description: Any) -> int:
    """The id that ends a text; all after it are it, too."""
    return int(description.message.sample.text.end_id)


def texts(samples: Any) -> list[str]:
    """A str for each sample."""
    words, end = vocabulary(samples.description), end_id(samples.description)
    found = []
    for row in samples.array.tolist():
        stop = row.index(end) if end in row else len(row)
        found.append("".join([words[one] for one in row[:stop]]))
    return found


def encode(real: Iterable[str], description: Any) -> np.ndarray:
    """Other texts, e.g. real ones, as ids of a generator's vocabulary: int64 [n, length], what is longer cut.

    Texts are composed (NFC) and read from left to right, always by the longest piece of the vocabulary, as the
    generator's own were.
    raises: InvalidRequest, naming the text, if one has a character that the vocabulary lacks.
    """
    end, (length,) = end_id(description), description.shape
    ids = {text: number for number, text in enumerate(vocabulary(description)) if number != end and text}
    longest = max(map(len, ids), default=0)
    rows = []
    for number, text in enumerate(real):
        row = _spelled(unicodedata.normalize("NFC", text).strip(), ids, longest)
        if row is None:
            raise InvalidRequest(
                f"text {number}, {text[:40]!r}, has a character that generator {description.name!r} has not learned"
            )
        rows.append([*row[:length], *[end] * (length - len(row))])
    return np.array(rows, np.int64).reshape(-1, length)


def encode_all(given: Any, description: Any) -> np.ndarray:
    """int32 [n, length] of a list of str, as `encode`; InvalidRequest if they are none."""
    if not isinstance(given, list | tuple) or not given or not all(isinstance(text, str) for text in given):
        raise InvalidRequest(f"samples are a {type(given).__name__}; give texts as a list of str, at least one")
    return encode(given, description).astype(np.int32)


def _read_lines(path: Any) -> list[str]:
    """Texts of a .txt file, one a line."""
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.removesuffix("\n").removesuffix("\r") for line in file]


def _read_objects(path: Any) -> list[str]:
    """Texts of a .jsonl file, `text` of each object."""
    with open(path, encoding="utf-8") as file:
        found = [json.loads(line) for line in file if line.strip()]
    if not all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in found):
        raise InvalidRequest("a line is no object with a `text`")
    return [one["text"] for one in found]


# Files of texts, by suffix; what reads them raises ValueError where they are none.
FILES: dict[str, Callable[[Any], list[str]]] = {"txt": _read_lines, "jsonl": _read_objects}


def _spelled(text: str, ids: dict[str, int], longest: int) -> list[int] | None:
    found, at = [], 0
    while at < len(text):
        piece = next((size for size in range(longest, 0, -1) if text[at : at + size] in ids), None)
        if piece is None:
            return None
        found.append(ids[text[at : at + piece]])
        at += piece
    return found


def contents(samples: Any) -> Iterator[bytes]:
    """The content of a file of each sample, UTF-8."""
    return (text.encode() for text in texts(samples))


def feature(datasets: Any, description: Any) -> Any:
    """Hugging Face's string."""
    return datasets.Value("string")


def details(description: Any) -> list[tuple[str, str]]:
    words = vocabulary(description)
    noun = "characters" if max(map(len, words)) == 1 else "units"
    return [("text", f"up to {description.shape[0]} {noun} of {len(words) - 1:,} different ones")]


def cells(samples: Any) -> list[list[str]]:
    """A row for each text, under a header, for people to read."""
    return [
        ["text", "label"],
        *([shown(text), label] for text, label in zip(texts(samples), samples.labels, strict=True)),
    ]


def lines(samples: Any) -> list[str]:
    """A line for each text; where there are several labels, behind it and a tab."""
    found = [shown(text) for text in texts(samples)]
    if len(set(samples.labels)) > 1:
        return [f"{label}\t{text}" for label, text in zip(samples.labels, found, strict=True)]
    return found


def shown(text: str) -> str:
    """The same text on one line; what would move a terminal's cursor is escaped."""
    if text.isprintable():
        return text
    return "".join(
        one.encode("unicode_escape").decode() if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one
        for one in text
    )


class Lines:
    """A file of texts, a line each (UTF-8, lines end in a line feed); of one label, which does not stand in it."""

    def __init__(self, file: IO[bytes], description: Any) -> None:
        """raises: InvalidRequest if texts may have line breaks of their own."""
        self._file, self._labels = file, set[str]()
        if any("\n" in word or "\r" in word for word in vocabulary(description)):
            raise InvalidRequest(
                f"texts of generator {description.name!r} may have line breaks, so that lines of a .txt file would not "
                "be texts: use .jsonl"
            )

    def add(self, samples: Any) -> None:
        """raises: InvalidRequest where there are several labels, which the file could not tell apart."""
        self._labels |= set(samples.labels)
        if len(self._labels) > 1:
            raise InvalidRequest("a .txt file holds texts of one label: give one, e.g. --label, or use .jsonl")
        self._file.write("".join(f"{text}\n" for text in texts(samples)).encode())

    def finish(self) -> None:
        pass


class JsonLines:
    """An object with `text` and `label` per line, UTF-8."""

    def __init__(self, file: IO[bytes], description: Any) -> None:
        self._file = file

    def add(self, samples: Any) -> None:
        told = (
            json.dumps({"text": text, "label": label}, ensure_ascii=False) + "\n"
            for text, label in zip(texts(samples), samples.labels, strict=True)
        )
        self._file.write("".join(told).encode())

    def finish(self) -> None:
        pass


class Parquet:
    """Parquet: `text` (a string), `label` (Hugging Face's ClassLabel), `index`, `address`; a row group per piece."""

    def __init__(self, file: IO[bytes], description: Any) -> None:
        arrow = self._arrow = extras.load("pyarrow", "parquet")
        told = {
            "text": {"dtype": "string", "_type": "Value"},
            "label": {"names": list(description.labels), "_type": "ClassLabel"},
            "index": {"dtype": "uint64", "_type": "Value"},
            "address": {"dtype": "string", "_type": "Value"},
        }
        self._schema = arrow.schema(
            [
                ("text", arrow.string()),
                ("label", arrow.int64()),
                ("index", arrow.uint64()),
                ("address", arrow.string()),
            ],
            metadata={"huggingface": json.dumps({"info": {"features": told}})},
        )
        self._writer = extras.load("pyarrow.parquet", "parquet").ParquetWriter(file, self._schema, compression="zstd")

    def add(self, samples: Any) -> None:
        addresses = [str(one.address) for one in samples]
        columns: Sequence[Any] = (texts(samples), samples.class_indices, samples.indices, addresses)
        arrays = [self._arrow.array(column, one.type) for column, one in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def finish(self) -> None:
        self._writer.close()
