"""From a source of rows to a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from augmint.v1 import generator_pb2 as pb
from training.data import classes as class_rules
from training.data import parts as split_names
from training.data.dataset import Dataset, _read_through, _shown_reading
from training.data.errors import DataError
from training.data.question import Question
from training.data.reading import Part, Reading
from training.data.records import Records
from training.data.wording import counted, listed, shown
from training.kinds.table import plan as plans
from training.kinds.table import rows as raw_rows
from training.kinds.table import sources
from training.kinds.table.columns import Column
from training.kinds.table.decision import Decision, Type
from training.kinds.table.inference import Location, decide
from training.kinds.table.labels import Classes, classes, did_you_mean
from training.kinds.table.plan import Plan
from training.kinds.table.survey import Survey, survey

_MOST_MISSING = 6  # columns that are named with their missing values


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a source was found to be, before its rows are read. decisions: without the column of the labels."""

    source: sources.Source
    survey: Survey
    classes: Classes
    decisions: list[Decision]

    @property
    def label(self) -> str:
        return self.survey.label


def shaped(spec: pb.SampleSpec) -> dict[str, Any]:
    """The options of `load` by which rows have the columns and categories of a generator's, in its order."""
    columns = [Column.from_message(each) for each in spec.table.columns]
    return {"again": plans.of_columns(columns, spec.table.label, "the generator")}


def look(
    source: str, label: str | None = None, columns: str | None = None, rare: int = 0, again: Plan | None = None
) -> Surveyed:
    """Read a source once, and decide what its columns are; see `load`. Raises DataError."""
    path = Path(source)
    try:
        asked = Plan() if columns is None else plans.read(Path(columns))
        plan = asked if again is None else plans.merged(again, asked)
        found = sources.find(path)
        seen = survey(found, plan, label if again is None or not again.label else again.label)
        names = _order(found, seen, plan)
        where = Location(source, seen.where)
        decisions = [decide(seen.facts[name], where, plan.columns.get(name), rare) for name in names]
        return Surveyed(found, seen, classes(path, seen.facts[seen.label]), decisions)
    except OSError as error:
        raise DataError(f"{source}: cannot be read: {error.strerror or error}") from error


def described(
    source: str, *, label: str | None = None, columns: str | None = None, rare: int = 0, drop_scarce: bool = False
) -> tuple[Sequence[Part], str]:
    """What each column is taken for, and the text of columns.toml; see `load`. Raises DataError."""
    found = look(source, label, columns, rare)
    return _parts(found.decisions), plans.written(found.decisions, found.label, source)


def load(
    source: str,
    *,
    label: str | None = None,
    columns: str | None = None,
    rare: int = 0,
    drop_scarce: bool = False,
    again: Plan | None = None,
) -> Dataset:
    """Read rows into memory, or, if they are many, into a file.

    source:  a file of cells (.csv, .tsv, ..., in any usual encoding, packed by gzip, bzip2, xz or zip), of records
             (.jsonl), .parquet, .feather or .arrow; or a folder of them: parts of one table, or train and test.
    label:   the column of the labels; None: by its usual names.
    columns: a file that says what the columns are, as `training columns` writes it; None: made out from the data.
    rare:    categories of fewer rows become one; 0: all are kept.
    drop_scarce: leave out classes that have too few rows, instead of refusing them.
    again:   the columns of a generator, whose data are read again.
    raises:  DataError, in one sentence, for anything that cannot be trained on.
    """
    from training.kinds.table.table import Table  # learning it takes scikit-learn, looking at a file does not

    found = look(source, label, columns, rare, again)
    seen, decisions = found.survey, [each for each in found.decisions if each.column is not None]
    if not decisions:
        gone = listed(each.name for each in found.decisions)
        texts = f"; if {gone} is text that is to be learned, say --text COLUMN" if found.decisions else ""
        raise DataError(f"{source}: no column is left to learn beside the labels of {found.label!r}{texts}")
    raw_rows.refuse_wide(source, decisions)
    records = _records(source, found, drop_scarce)
    filled = raw_rows.fill(seen, decisions, records.samples)
    digest, prints = _read_through(filled.samples, records.labels)
    repeats = len(prints) - len(np.unique(prints))
    if repeats == len(prints) - 1:
        raise DataError(f"{source}: all {len(prints)} rows are equal but for their labels; there is nothing to learn")
    notes = [*records.notes, *filled.notes, *_notes(found)]
    if repeats:
        notes.append(class_rules.of_copies(repeats, prints, records.test))
        notes += [question.text for question in class_rules.of_two_labels(prints, records.labels, records.class_names)]
    questions = [*class_rules.of_lookalikes(records.class_names), *(q for each in decisions for q in each.questions)]
    return Dataset(
        shown(source),
        filled.samples,
        records.labels,
        records.class_names,
        digest,
        records.test,
        tuple(map(shown, notes)),
        Table(tuple(each.column for each in decisions if each.column), found.label),
        filled.on_disk,
        _shown_reading(records.reading),
        tuple(Question(shown(each.text), shown(each.advice)) for each in questions),
    )


def _order(source: sources.Source, seen: Survey, plan: Plan) -> list[str]:
    """The columns in the plan's order. Raises DataError where plan and data differ."""
    names = [name for name in seen.facts if name != seen.label]
    if not plan.columns:
        return names
    wanted = [name for name in plan.columns if name != seen.label]
    for name in wanted:
        if name not in names and plan.columns[name].type is not Type.LEFT_OUT:
            raise DataError(
                f"{source.path}: has no column {name!r}, which {plan.source} has{did_you_mean(name, names)}"
            )
    # A generator does not say what was left out.
    if plan.source != "the generator" and (strange := [name for name in names if name not in wanted]):
        raise DataError(
            f"{source.path}: has the column {strange[0]!r}, of which {plan.source} says nothing; add it, with "
            'type = "left out" if it is not to be learned'
        )
    return [name for name in wanted if name in names]


def _records(source: str, found: Surveyed, drop_scarce: bool) -> Records:
    """Labels of the rows that are kept; samples are their numbers, int64 [m]."""
    seen, own = found.survey, found.classes
    class_of = np.full(len(seen.words) + 1, -1, np.int64)
    for word, code in seen.words.items():
        class_of[code] = own.index.get(word, -1)
    labels = class_of[seen.codes]
    parts = [part for _, part, _ in seen.parts]
    several = {*parts}
    test = np.concatenate(
        [np.full(count, len(several) > 1 and split_names.is_test(part, several)) for _, part, count in seen.parts]
    )
    kept = np.flatnonzero(labels >= 0)
    skipped = dict(found.source.skipped)
    if lost := len(labels) - len(kept):
        skipped["rows without a label"] = lost
    if gone := [each for each in found.decisions if each.column is None]:
        skipped["columns"] = len(gone)
    reading = Reading(
        f"{found.source.words}, the labels in the column {found.label!r}",
        found.source.splits if len(several) > 1 else "",
        skipped=skipped,
        parts=_parts(found.decisions),
    )
    records = Records(
        kept,
        labels[kept],
        class_rules.checked_names(source, own.names),
        np.flatnonzero(test[kept]) if len(several) > 1 else None,
        tuple(found.source.notes),
        reading=reading,
    )
    if len(several) > 1 and not (test[kept].any()):
        records = replace(records, test=None)
    return class_rules.with_enough(source, records, drop_scarce)


def _parts(decisions: Sequence[Decision]) -> tuple[Part, ...]:
    return tuple(Part(each.name, str(each.type), _why(each)) for each in decisions)


def _why(decision: Decision) -> str:
    absent = f"; {decision.absent:,} missing" if decision.absent and decision.column else ""
    return decision.reason + absent


def _notes(found: Surveyed) -> list[str]:
    notes = [note for file, _, _ in found.survey.parts for note in file.notes]
    notes += [note for each in found.decisions for note in each.notes]
    gone = [each for each in found.decisions if each.column is None]
    if gone:
        named = ", ".join(f"{each.name!r} ({each.reason})" for each in gone[:8])
        more = f" and {len(gone) - 8} more" if len(gone) > 8 else ""
        notes.append(f"columns left out: {named}{more}; `training columns` writes a file in which they can be kept")
    absent = sorted((each for each in found.decisions if each.column and each.absent), key=lambda each: -each.absent)
    if absent:
        marks = {word for each in absent for word in _marks(found, each)}
        named = ", ".join(f"{each.name!r} {each.absent:,}" for each in absent[:_MOST_MISSING])
        more = f" and {counted(len(absent) - _MOST_MISSING, 'column')} more" if len(absent) > _MOST_MISSING else ""
        written = f", written {listed(sorted(marks), 6)}" if marks else ""
        notes.append(f"missing values{written}: {named}{more}")
    constant = [each.name for each in found.decisions if each.reason == "constant"]
    if constant:
        notes.append(f"constant columns are kept as they are: {listed(constant)}")
    return notes


def _marks(found: Surveyed, decision: Decision) -> Sequence[str]:
    facts = found.survey.facts[decision.name]
    return [word for word in (*facts.missing, *facts.doubtful) if word and word in decision.missing]
