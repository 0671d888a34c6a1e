"""Texts in a column of a table, their labels in another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from training.data.errors import DataError
from training.data.parts import TRAIN
from training.data.wording import listed
from training.kinds.table import chunks, sources
from training.kinds.table.labels import choose, no_column
from training.kinds.text import bare
from training.kinds.text.texts import Texts

_USUAL = ("text", "sentence", "message", "utterance", "line")
_USUAL_LABELS = ("label", "labels", "target", "class", "y", "category", "intent", "sentiment", "topic")
_MOST_CLASSES = 10_000
_BARE = "; where the first line is a row and no head, columns go by their numbers: --text 2 --label 1"


def read(path: Path, text: str | None, label: str | None, texts: Texts) -> Texts:
    """Fill `texts` from a file of cells, of records or of columns, or from a folder of them. Raises DataError."""
    if _bare(path, text, label, texts):
        return texts
    found = sources.find(path)
    names = sources.trained_on(found).names
    of_texts = _column(path, names, text)
    of_labels = _label(path, [name for name in names if name != of_texts], label, sources.to_guess(found))
    sources.leave_out_unlabelled(found, of_labels)
    texts.words = f"{found.words}, the texts in the column {of_texts!r}, the labels in {of_labels!r}"
    texts.splits, texts.skipped = found.splits, texts.skipped + type(texts.skipped)(found.skipped)
    texts.notes += found.notes
    for file, part in found.files:
        texts.notes += file.notes
        try:
            _add(file, part, of_texts, of_labels, texts)
        except chunks.NotUtf8 as error:
            # Some of the file was read as UTF-8 before it turned out not to be.
            del texts.texts[:], texts.labels[:], texts.parts[:], texts.places[:]
            return _again(found, error, of_texts, of_labels, texts)
    return texts


def _bare(path: Path, text: str | None, label: str | None, texts: Texts) -> bool:
    """Whether columns are numbers of rows without a head, in a file or in all of a folder, which then are read."""
    if not bare.asked(text, label):
        return False
    notes: list[str] = []
    chosen = sources.parts(path, notes) if path.is_dir() else {TRAIN: [path]}
    found = [(each, part, bare.read(each, text, label)) for part, paths in chosen.items() for each in paths]
    if any(rows is None for *_, rows in found):
        return False
    texts.notes += notes
    texts.splits = sources.in_words(chosen)
    for file, part, rows in found:
        assert rows is not None
        texts.words = texts.words or rows.words
        texts.notes += [rows.note] if rows.note else []
        for number, value, own in rows.rows:
            _row(value, own, part, f"{file}: line {number}", texts)
    _refuse_many(path, "of labels", texts)
    return True


def _again(found: sources.Source, error: chunks.NotUtf8, of_texts: str, of_labels: str, texts: Texts) -> Texts:
    """Everything once more, with the file that is not UTF-8 read as what it may be."""
    texts.skipped.clear()
    texts.skipped.update(found.skipped)
    for file, part in found.files:
        if file.path == error.path:
            file = error.instead()
            texts.notes += file.notes
        try:
            _add(file, part, of_texts, of_labels, texts)
        except chunks.NotUtf8 as other:
            raise DataError(f"{other.path}: is not UTF-8, as {error.path.name}; save both as UTF-8") from other
    return texts


def _label(path: Path, names: Sequence[str], asked: str | None, to_guess: str | None) -> str:
    """names: of the columns beside the texts'. to_guess: what the source leaves out of its test. Raises DataError."""
    if asked is not None:
        return choose(path, names, asked)
    usual = [name for name in names if name.casefold() in _USUAL_LABELS]
    if len(usual) == 1:
        return usual[0]
    if to_guess in names or len(names) == 1:
        return str(to_guess) if to_guess in names else names[0]
    raise DataError(f"{path}: say by --label COLUMN which column holds the classes; it has {listed(names, 20)}")


def _add(file: chunks.File, part: str, of_texts: str, of_labels: str, texts: Texts) -> None:
    if missing := [name for name in (of_texts, of_labels) if name not in file.names]:
        raise DataError(f"{file.path}: {no_column(missing[0], file.names)}")
    row = 0
    for batch in file.chunks():
        values, own_labels = (batch.column(batch.schema.get_field_index(name)) for name in (of_texts, of_labels))
        if pa.types.is_dictionary(own_labels.type) and own_labels.type.ordered:
            texts.order = list(dict.fromkeys([*texts.order, *map(str, own_labels.dictionary.to_pylist())]))
        values, labels = values.to_pylist(), own_labels.to_pylist()
        for value, own in zip(values, labels, strict=True):
            _row(value, own, part, f"{file.path}: {file.where(row)}", texts)
            row += 1
    _refuse_many(file.path, repr(of_labels), texts)


def _row(value: object, label: object, part: str, place: str, texts: Texts) -> None:
    own = "" if label is None else str(label).strip()
    if own:
        texts.add("" if value is None else str(value), own, part, place, "empty texts")
    else:
        texts.skipped["rows without a label"] += 1


def _refuse_many(path: Path, column: str, texts: Texts) -> None:
    """Raise DataError for labels that are hardly ever the same."""
    classes = set(texts.labels)
    if len(classes) > _MOST_CLASSES or (len(classes) > 20 and len(classes) > len(texts.labels) / 2):
        raise DataError(
            f"{path}: the column {column} has {len(classes):,} different values in {len(texts.labels):,} rows, which "
            "are no classes; say by --label COLUMN which column holds them"
        )


def _column(path: Path, names: Sequence[str], asked: str | None) -> str:
    if asked is not None:
        alike = [name for name in names if name.casefold() == asked.strip().casefold()]
        if asked in names or len(alike) == 1:
            return asked if asked in names else alike[0]
        raise DataError(f"{path}: {no_column(asked, names)}{_BARE}")
    usual = [name for name in names if name.casefold() in _USUAL]
    if len(usual) != 1:
        raise DataError(f"{path}: say by --text COLUMN which column holds the texts; it has {listed(names, 20)}{_BARE}")
    return usual[0]
