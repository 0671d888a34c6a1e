"""From a source of texts to a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import classes as class_rules
from training.data.dataset import Dataset, _read_through, _shown_reading
from training.data.errors import DataError
from training.data.parts import is_test
from training.data.question import Question
from training.data.reading import Reading
from training.data.records import LARGEST_BYTES, Records
from training.data.wording import counted, shown
from training.kinds.text import columns, lines, marks, pairs, sources
from training.kinds.text import units as unit_rules
from training.kinds.text.learning import STEP, filled
from training.kinds.text.text import Text
from training.kinds.text.texts import Texts
from training.kinds.text.units import Units

# Characters of a text that are kept until it is known how long texts are: 128 units hold fewer.
LONGEST_READ = 1024
_FEW = 20  # texts of which one, again and again, says nothing yet


def shaped(spec: pb.SampleSpec) -> dict[str, Any]:
    """The options of `load` by which texts have the units and the length of a generator's."""
    return {"again": (Units(tuple(spec.text.vocabulary)), spec.shape[0])}


def load(
    source: str,
    *,
    text: str | None = None,
    label: str | None = None,
    units: str | None = None,
    drop_scarce: bool = False,
    again: tuple[Units, int] | None = None,
) -> Dataset:
    """Read texts into memory, as characters; units and length are learned from the training split (Text.fitted).

    source: a folder with a .txt file of lines for each class, or with a folder of files of text for each, also in
            folders `train` and `test`; one file of lines; lines that begin with their class, as fastText's; or a table
            (.csv, .tsv, .jsonl, ...) with a column of texts.
    text, label: these columns of a table.
    units:  "characters", or "bpe:N": N units, of which those that are no character are learned.
    again:  units and length of a generator, in place of what the training split suggests.
    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    wanted = unit_rules.asked(units)
    found = _read(source, text, label)
    if not found.texts:
        raise DataError(f"{source}: holds no texts, only {counted(sum(found.skipped.values()), 'empty line')}")
    characters = Units(("", *unit_rules.common(unit_rules.characters(found.texts))))
    _leave_out_rare(found, characters)
    unit_rules.check(source, unit_rules.characters(found.texts), wanted)
    if again is not None:
        wanted = len(again[0]) - 1 if again[0].several else None
    samples = _samples(source, found, characters)
    places = dict(zip(reversed(characters.strings(samples)), reversed(found.places), strict=True))
    kind = Text(characters, samples.shape[1], wanted, again, places)
    records = _records(source, found, samples, drop_scarce)
    digest, prints = _read_through(records.samples, records.labels)
    repeats = len(prints) - len(np.unique(prints))
    if repeats == len(prints) - 1:
        raise DataError(f"{source}: all {len(prints):,} texts are equal; there is nothing to learn")
    notes = list(records.notes)
    questions = _of_one_text(records, prints)
    if repeats:
        notes.append(class_rules.of_copies(repeats, prints, records.test))
        questions += class_rules.of_two_labels(prints, records.labels, records.class_names)
    questions += class_rules.of_lookalikes(records.class_names)
    return Dataset(
        shown(source),
        records.samples,
        records.labels,
        records.class_names,
        digest,
        records.test,
        tuple(map(shown, notes)),
        kind,
        False,
        _shown_reading(records.reading),
        tuple(Question(shown(each.text), shown(each.advice)) for each in questions),
        digest_before=None if again is None else _digest_before(kind, records),
    )


def _digest_before(kind: Text, records: Records) -> str | None:
    """What releases up to 0.3.0 recorded: the digest of the texts in the units of the generator."""
    assert kind.given is not None, "texts are read again"
    units, length = kind.given
    ids = [units.ids(text) for text in kind.units.strings(records.samples)]
    if any(units.unknown in each for each in ids):
        return None  # they learned their units from all of the data
    return _read_through(filled(ids, units, length), records.labels)[0]


def _read(source: str, text: str | None, label: str | None) -> Texts:
    path = Path(source)
    try:
        if sources.is_table(path) or text is not None:
            return columns.read(path, text, label, Texts())
        if label is not None:
            raise DataError(
                f"{source}: is no table, so that --label names nothing; the classes are its files or folders"
            )
        return _files(path)
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error


def _files(path: Path) -> Texts:
    found = sources.find(path)
    texts = Texts(skipped=found.skipped, notes=list(found.notes), words=sources.told(found), splits=found.splits)
    foreign: list[str] = []
    for file in found.files:
        content, note = lines.read(file.path)
        foreign += [note] if note else []
        if file.whole:
            texts.add(" ".join(content.split()), file.label, file.part, str(file.path), "empty files")
        elif file.labels:
            for number, (line, label) in enumerate(pairs.labelled(file.path, file.labels, found.names), 1):
                texts.add(line, label, file.part, f"{file.path}: line {number}", "empty lines")
        else:
            _add_lines(texts, file, lines.split(content))
    texts.notes += foreign[:4]
    if len(foreign) > 4:
        texts.notes.append(f"{len(foreign) - 4} more files are not UTF-8")
    return texts


def _add_lines(texts: Texts, file: sources.File, content: list[str]) -> None:
    """Of one class, or of the class that each begins with."""
    for number, line in enumerate(content, 1):
        label, place = file.label, f"{file.path}: line {number}"
        if file.marked and line.strip():
            labels, line = marks.parted(line)
            if not labels:
                raise DataError(f"{place}: has no class, as lines before it; wanted {marks.MARK}CLASS and the text")
            if len(labels) > 1:
                texts.skipped["texts of several classes"] += 1
                continue
            (label,) = labels
        texts.add(line, label, file.part, place, "empty lines")


def _leave_out_rare(found: Texts, characters: Units) -> None:
    """Take texts with characters beyond the most frequent out of `found`: each of these makes every text larger."""
    gone = [number for number, each in enumerate(found.texts) if characters.unknown in characters.ids(each)]
    if not gone:
        return
    strange = unit_rules.characters(found.texts[number] for number in gone)
    rare = "".join(sorted(set(strange) - set(characters.texts)))
    found.skipped["texts with characters that are too rare to be learned"] += len(gone)
    found.notes.append(
        f"{counted(len(gone), 'text')} with one of {counted(len(rare), 'rare character')} "
        f"{'was' if len(gone) == 1 else 'were'} left out ({rare[:20]!r}), the first at {found.places[gone[0]]}; "
        f"the {len(characters) - 1:,} most frequent ones make up the others"
    )
    dropped = set(gone)
    for name in ("texts", "labels", "parts", "places"):
        values = getattr(found, name)
        setattr(found, name, [value for number, value in enumerate(values) if number not in dropped])


def _samples(source: str, found: Texts, characters: Units) -> np.ndarray:
    """int32 [n, length]: all that may come to stand in a sample."""
    long = [number for number, text in enumerate(found.texts) if len(text) > LONGEST_READ]
    if long:
        most = max(len(found.texts[number]) for number in long)
        found.notes.append(
            f"of {counted(len(long), 'text')} with more than {LONGEST_READ:,} characters, at most {most:,}, only the "
            f"first {LONGEST_READ:,} were read, the first at {found.places[long[0]]}"
        )
    length = -(-min(LONGEST_READ, max(map(len, found.texts))) // STEP) * STEP
    if len(found.texts) * length * 4 > LARGEST_BYTES:
        raise DataError(f"{source}: more than {LARGEST_BYTES:,} bytes of texts; take a part of them")
    return filled([characters.ids(text) for text in found.texts], characters, length)


def _records(source: str, found: Texts, samples: np.ndarray, drop_scarce: bool) -> Records:
    there = dict.fromkeys(found.labels)
    names = list(dict.fromkeys([*(each for each in found.order if each in there), *there]))
    number = {name: at for at, name in enumerate(names)}
    parts = set(found.parts)
    test = np.flatnonzero([is_test(part, parts) for part in found.parts]) if len(parts) > 1 else None
    records = Records(
        samples,
        np.array([number[label] for label in found.labels], np.int64),
        class_rules.checked_names(source, names),
        test if test is not None and len(test) else None,
        tuple(found.notes),
        reading=Reading(found.words, found.splits, skipped=dict(found.skipped)),
    )
    return class_rules.with_enough(source, records, drop_scarce)


def _of_one_text(records: Records, prints: np.ndarray) -> list[Question]:
    """Classes in which one text stands again and again."""
    said = []
    for label, name in enumerate(records.class_names):
        own = prints[records.labels == label]
        if len(own) >= min(_FEW, class_rules.FEWEST_PER_CLASS) and len(np.unique(own)) == 1:
            said.append(
                Question(
                    f"Class {name!r} has one text, {len(own):,} times.",
                    "Nothing but that text can be learned of it; leave the class out, or bring more of its texts.",
                )
            )
    return said
