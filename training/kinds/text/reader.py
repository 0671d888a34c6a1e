"""From a source of texts to a data set."""

from __future__ import annotations

from collections.abc import Sequence
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
from training.kinds.text import columns, lines, sources
from training.kinds.text import units as unit_rules
from training.kinds.text.text import Text
from training.kinds.text.texts import Texts
from training.kinds.text.units import END, Units

SHARE_KEPT = 0.99  # of the texts that are to fit as they are
LONGEST = 128  # units of a text
STEP = 4  # the length is a multiple: networks halve it twice
_SHOWN = 60  # characters of a text in a message
_MANY = 0.05  # of the texts, cut
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
    """Read texts into memory.

    source: a folder with a .txt file of lines for each class, or with a folder of .txt files for each, also in folders
            `train` and `test`; one file of lines; or a table (.csv, .tsv, .jsonl, ...) with a column of texts.
    text, label: these columns of a table.
    units:  "characters", or "bpe:N": N units, of which those that are no character are learned.
    again:  units and length of a generator, in place of what the data suggest.
    raises: DataError, in one sentence, for anything that cannot be trained on.
    """
    wanted = unit_rules.asked(units)
    found = _read(source, text, label)
    if not found.texts:
        raise DataError(f"{source}: holds no texts, only {counted(sum(found.skipped.values()), 'empty line')}")
    learned = again[0] if again is not None else unit_rules.learn(source, found.texts, wanted)
    ids = _spelled(found, learned)
    if not ids:
        raise DataError(f"{source}: no text is left that can be written in the units of the generator")
    length = again[1] if again is not None else _length([len(each) for each in ids])
    if len(ids) * length * 4 > LARGEST_BYTES:
        raise DataError(f"{source}: more than {LARGEST_BYTES:,} bytes of texts; take a part of them")
    samples = _filled(source, found, learned, ids, length)
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
        Text(learned, length),
        False,
        _shown_reading(records.reading),
        tuple(Question(shown(each.text), shown(each.advice)) for each in questions),
    )


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
            continue
        for number, line in enumerate(lines.split(content), 1):
            texts.add(line, file.label, file.part, f"{file.path}: line {number}", "empty lines")
    texts.notes += foreign[:4]
    if len(foreign) > 4:
        texts.notes.append(f"{len(foreign) - 4} more files are not UTF-8")
    return texts


def _spelled(found: Texts, units: Units) -> list[list[int]]:
    """The ids of each text; those with characters that are no units are left out of `found`."""
    ids = [units.ids(each) for each in found.texts]
    gone = [number for number, each in enumerate(ids) if each is None]
    if gone:
        strange = unit_rules.characters(found.texts[number] for number in gone)
        rare = "".join(sorted(set(strange) - set(units.texts)))
        found.skipped["texts with characters that are too rare to be learned"] += len(gone)
        found.notes.append(
            f"{counted(len(gone), 'text')} with one of {counted(len(rare), 'rare character')} "
            f"{'was' if len(gone) == 1 else 'were'} left out ({rare[:20]!r}), the first at {found.places[gone[0]]}; "
            f"the {len(units) - 1:,} units hold the others"
        )
        kept = [number for number, each in enumerate(ids) if each is not None]
        for name in ("texts", "labels", "parts", "places"):
            values = getattr(found, name)
            setattr(found, name, [values[number] for number in kept])
    return [each for each in ids if each is not None]


def _length(sizes: Sequence[int]) -> int:
    """Units of a sample, by how many the texts have."""
    enough = int(np.quantile(sizes, SHARE_KEPT, method="inverted_cdf"))
    return max(2 * STEP, min(LONGEST, -(-enough // STEP) * STEP))


def _filled(source: str, found: Texts, units: Units, ids: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """int32 [n, length]; what is longer is cut, which is said."""
    samples = np.full((len(ids), length), END, np.int32)
    cut = [number for number, each in enumerate(ids) if len(each) > length]
    for row, each in zip(samples, ids, strict=True):
        kept = each if len(each) <= length else units.cut(each, length)
        row[: len(kept)] = kept
    noun = "units" if units.several else "characters"
    most = max(map(len, ids))
    said = f"a text has up to {length} {noun}"
    if cut:
        worst = max(cut, key=lambda number: len(ids[number]))
        texts = "text is" if len(cut) == 1 else "texts are"
        found.notes.append(
            f"{said}: {len(cut):,} {texts} longer ({len(cut) / len(ids):.1%}), at most {most:,}, and "
            f"{'was' if len(cut) == 1 else 'were'} cut, as {found.texts[worst][:_SHOWN]!r} ({found.places[worst]})"
            + ("" if units.several or len(cut) < _MANY * len(ids) else "; --units bpe:512 holds more of each")
        )
    else:
        found.notes.append(f"{said}: the longest has {most}")
    return samples


def _records(source: str, found: Texts, samples: np.ndarray, drop_scarce: bool) -> Records:
    names = list(dict.fromkeys(found.labels))
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
