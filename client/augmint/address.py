"""Where a run of samples comes from: enough to make the same bytes again."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from augmint import checks
from augmint.checks import SEED_LIMIT
from augmint.errors import InvalidRequest

INDEX_LIMIT = 2**48
TRUNCATION_LIMIT = 2.0

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Bounds what an address out of a log or a web page can make a reader allocate.
_MAX_SAMPLES = 2**24
_FIELDS = ("digest", "seed", "start", "n", "classes", "truncation")
_SELECTION = ("keep", "of")

# Candidates of one block of a selection.
SELECTION_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Address:
    """A contiguous run of one stream. `Client.replay` takes it, as an object or as text.

    generator:     name, [a-z0-9] then up to 62 of [a-z0-9._-].
    version:       from 1.
    digest:        SHA-256 of the ONNX file, lower-case hexadecimal.
    seed:          of the stream, in [0, 2**64).
    start_index:   position of the first sample in the stream; start_index + n is at most 2**48.
    class_indices: one per sample, at least one.
    truncation:    in (0, 2].
    keep, of:      selection, 1 <= keep <= of <= 64: of every `of` candidates the `keep` best are the stream's samples,
                   and positions count these. Both 0: none.
    """

    generator: str
    version: int
    digest: str
    seed: int
    start_index: int
    class_indices: tuple[int, ...]
    truncation: float
    keep: int = 0
    of: int = 0

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.class_indices)

    def __str__(self) -> str:
        """One line of text that `parse` reads, e.g. `augmint:digits/1?digest=...&seed=7&start=0&n=64&classes=3&...`.

        `classes` has an entry per change of class: `4*2,5` is two samples of class 4, then one of class 5. A single
        entry without a count holds for the whole run. `keep` and `of` are there only with a selection.
        """
        runs = [(value, len(list(group))) for value, group in itertools.groupby(self.class_indices)]
        if len(runs) == 1:
            classes = str(runs[0][0])
        else:
            classes = ",".join(f"{value}*{count}" if count > 1 else str(value) for value, count in runs)
        return (
            f"augmint:{self.generator}/{self.version}?digest={self.digest}&seed={self.seed}&start={self.start_index}"
            f"&n={self.n}&classes={classes}&truncation={self.truncation!r}"
            + (f"&keep={self.keep}&of={self.of}" if self.of else "")
        )

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what `str` wrote; InvalidRequest names the part that is wrong."""

        def refuse(what: str) -> InvalidRequest:
            shown = text if len(text) <= 200 else text[:200] + "..."
            return InvalidRequest(f"not an address: {what} in {shown!r}")

        def whole(name: str, value: str, low: int, high: int) -> int:
            if not re.fullmatch(r"[0-9]{1,20}", value) or not low <= int(value) <= high:
                raise refuse(f"{name} {value[:40]!r} is not a whole number in [{low}, {high}]")
            return int(value)

        try:
            parts = urlsplit(text)
            fields = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
        except ValueError as error:
            raise refuse(str(error)) from error
        generator, slash, version = parts.path.partition("/")
        if parts.scheme != "augmint" or not slash or not _NAME.fullmatch(generator):
            raise refuse("no augmint:NAME/VERSION")
        values = dict(fields)
        selected = "of" in values
        wanted = _FIELDS + _SELECTION if selected else _FIELDS
        if sorted(values) != sorted(wanted) or len(fields) != len(wanted):
            raise refuse(f"the fields are not exactly {', '.join(wanted)}")
        if not _DIGEST.fullmatch(values["digest"]):
            raise refuse("digest is not 64 lower-case hexadecimal digits")
        n = whole("n", values["n"], 1, _MAX_SAMPLES)
        of = whole("of", values["of"], 1, SELECTION_LIMIT) if selected else 0
        keep = whole("keep", values["keep"], 1, of) if selected else 0
        start = whole("start", values["start"], 0, position_limit(keep, of) - n)
        try:
            truncation = check_truncation(float(values["truncation"]))
        except ValueError as error:
            raise refuse("truncation is not a number in (0, 2]") from error
        entries = [entry.partition("*") for entry in values["classes"].split(",")]
        classes: list[int] = []
        for value, star, count in entries:
            default = n if len(entries) == 1 else 1
            repeats = whole("the count of a class", count, 1, n) if star else default
            classes.extend([whole("a class", value, 0, 2**32 - 1)] * repeats)
            if len(classes) > n:
                break
        if len(classes) != n:
            raise refuse(f"classes do not sum up to n = {n}")
        return cls(
            generator=generator,
            version=whole("version", version, 1, 2**32 - 1),
            digest=values["digest"],
            seed=whole("seed", values["seed"], 0, SEED_LIMIT - 1),
            start_index=start,
            class_indices=tuple(classes),
            truncation=truncation,
            keep=keep,
            of=of,
        )


def position_limit(keep: int, of: int) -> int:
    """Positions of a stream: 2**48 candidates, of which a selection keeps a part; keep, of: 0 and 0 for none."""
    return INDEX_LIMIT // of * keep if of else INDEX_LIMIT


def check_selection(keep: int | None, of: int | None) -> tuple[int, int]:
    """keep and of, 0 and 0 if both are absent or 0; InvalidRequest unless 1 <= keep <= of <= 64."""
    if (keep is None or keep == 0) and (of is None or of == 0):
        return 0, 0
    if keep is None or of is None:
        raise InvalidRequest(f"keep is {keep!r} and of is {of!r}; give both (keep the best `keep` of `of`) or neither")
    of = checks.whole("of", of, 1, SELECTION_LIMIT)
    return checks.whole("keep", keep, 1, of), of


def check_truncation(value: float) -> float:
    """The shortest decimal that names the same float32; InvalidRequest unless that is in (0, 2]."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    try:
        with np.errstate(over="ignore"):
            rounded = float(str(np.float32(value))) if number else 0.0
    except OverflowError:  # an int beyond every float
        rounded = 0.0
    if not 0 < rounded <= TRUNCATION_LIMIT:
        raise InvalidRequest(f"truncation is {value!r}; it must be a number in (0, {TRUNCATION_LIMIT:g}]")
    return rounded
