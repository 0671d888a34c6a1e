"""From checked samples to a data set: digest, copies, doubts, names that can be shown; the same for every kind."""

from __future__ import annotations

import numpy as np

from training.data import classes
from training.data.dataset import Dataset, _read_through, _shown_reading
from training.data.errors import DataError
from training.data.kind import Kind
from training.data.question import Question
from training.data.records import Records
from training.data.wording import shown


def finished(name: str, records: Records, kind: Kind, nouns: str) -> Dataset:
    """The data set of what a reader found, its samples in the kind's shape; raises DataError if all are equal.

    records: names of classes are checked, scarce classes gone. nouns: what samples are called, e.g. "images".
    """
    samples, labels, names = np.ascontiguousarray(records.samples), records.labels, records.class_names
    notes, questions = list(records.notes), list(records.questions)
    digest, prints = _read_through(samples, labels)
    repeats = len(prints) - len(np.unique(prints))
    if repeats == len(samples) - 1:
        raise DataError(f"{name}: all {len(samples)} {nouns} are equal; there is nothing to learn")
    if repeats:
        notes.append(classes.of_copies(repeats, prints, records.test))
        questions += classes.of_two_labels(prints, labels, names)
    questions += classes.of_lookalikes(names)
    return Dataset(
        name,
        samples,
        labels,
        names,
        digest,
        records.test,
        tuple(map(shown, notes)),
        kind,
        records.on_disk,
        _shown_reading(records.reading),
        tuple(Question(shown(each.text), shown(each.advice)) for each in questions),
        records.groups,
    )
