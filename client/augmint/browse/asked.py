"""What an address of the page asks for: which samples of which generator; read from its query, written into links."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from augmint import checks, kinds
from augmint.address import Address, check_selection, check_truncation, position_limit
from augmint.checks import SEED_LIMIT
from augmint.errors import InvalidRequest, LabelNotFound
from augmint.generators import Description

# Classes on one page, samples on one page, and bytes of samples that a page begins with.
CLASSES, MOST, _BYTES = 20, 2000, 2**23


@dataclass(frozen=True)
class Asked:
    """Samples of one page.

    description: the generator.
    label:       the class, or None: a page of several classes, of which `first` is the index of the first one.
    seed, start: of the stream, and the position in it of the first sample.
    each:        samples of each class.
    truncation, keep, of: as in an address; keep and of are 0 without a selection.
    only:        names of the classes, instead of label and first, e.g. those of another version's page.
    wrong:       what could not be read, a sentence for each; the rest of the page is as if it had not been asked.
    """

    description: Description
    label: str | None = None
    first: int = 0
    seed: int = 0
    start: int = 0
    each: int = 1
    truncation: float = 1.0
    keep: int = 0
    of: int = 0
    only: tuple[str, ...] = ()
    wrong: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, description: Description, query: Mapping[str, str]) -> Asked:
        """From the query of an address."""
        wrong: list[str] = []

        def take(name: str, read: Any, default: Any) -> Any:
            given = query.get(name, "").strip()
            try:
                return read(given) if given else default
            except (InvalidRequest, ValueError) as error:
                wrong.append(str(error) if isinstance(error, InvalidRequest) else f"{name} is no number: {given[:40]}")
                return default

        try:
            label = query.get("label") or None
            if label is not None:
                description.class_index(label)
        except LabelNotFound as error:
            wrong.append(str(error))
            label = None
        classes = len(description.labels)
        first = take("first", lambda text: checks.whole("first", int(text), 0, classes - 1), 0)
        try:
            given = take("keep", int, None), take("of", int, None)
            if given.count(None) == 1:
                raise InvalidRequest("keep and of go together: how many are kept, and of how many candidates")
            keep, of = check_selection(*given)
            if of and not description.message.scored:
                raise InvalidRequest("keep and of need a generator that scores its samples, which this one does not")
        except InvalidRequest as error:
            wrong.append(str(error))
            keep = of = 0
        asked = cls(description, label, first, keep=keep, of=of)
        each = take("n", lambda text: checks.whole("n", int(text), 1, asked.most), asked.usual)
        asked = replace(asked, each=each)
        last = position_limit(keep, of) - asked.count
        return replace(
            asked,
            seed=take("seed", lambda text: checks.whole("seed", int(text), 0, SEED_LIMIT - 1), 0),
            start=take("start", lambda text: checks.whole("start", int(text), 0, last), 0),
            truncation=take("truncation", lambda text: check_truncation(float(text)), 1.0),
            wrong=tuple(wrong),
        )

    @property
    def most(self) -> int:
        """Samples of each class that a page may have."""
        return MOST // len(self.classes)

    @property
    def usual(self) -> int:
        """Samples of each class, unless a number is asked for: fewer of large ones."""
        face, description = kinds.of(self.description).face, self.description
        wanted = face.together if self.label is None and len(description.labels) > 1 else face.alone
        size = int(np.prod(description.shape)) * description.dtype.itemsize * len(self.classes)
        return max(1, min(wanted, self.most, _BYTES // size))

    @property
    def classes(self) -> list[int]:
        """Index of each class on the page."""
        if self.only:
            return [self.description.class_index(name) for name in self.only]
        if self.label is not None:
            return [self.description.class_index(self.label)]
        return list(range(self.first, min(self.first + CLASSES, len(self.description.labels))))

    @property
    def labels(self) -> list[str]:
        """Name of each class on the page."""
        return [self.description.labels[index] for index in self.classes]

    @property
    def count(self) -> int:
        """Samples on the page."""
        return self.each * len(self.classes)

    @property
    def indices(self) -> list[int]:
        """Class index of each sample, classes one after the other."""
        return [index for index in self.classes for _ in range(self.each)]

    @property
    def all_classes(self) -> bool:
        """Whether the page has every class of the generator."""
        return len(self.classes) == len(self.description.labels)

    @property
    def drawing(self) -> dict[str, Any]:
        """For `AsyncClient.generate`."""
        return {
            "classes": np.array(self.indices, np.int64),
            "seed": self.seed,
            "start_index": self.start,
            "truncation": self.truncation,
            "keep": self.keep or None,
            "of": self.of or None,
            "generator": self.description.name,
            "version": self.description.version,
            "digest": self.description.digest,
        }

    # -- links --------------------------------------------------------------------------------------------

    @property
    def query(self) -> dict[str, str]:
        """What `read` reads; what is as it would be without is left out, but for the seed."""
        told = {
            "label": self.label or "",
            "first": str(self.first or "") if self.label is None else "",
            "seed": str(self.seed),
            "start": str(self.start or ""),
            "n": str(self.each) if self.each != self.usual else "",
            "truncation": "" if self.truncation == 1.0 else f"{self.truncation:g}",
            "keep": str(self.keep or ""),
            "of": str(self.of or ""),
        }
        return {name: value for name, value in told.items() if value}

    def link(self, page: str = "", **more: str) -> str:
        """The address of a page of these samples: "" for the samples themselves, "compare", "download/npz"."""
        told = urlencode({**self.query, **more})
        return f"{place(self.description.name, self.description.version)}{'/' if page else ''}{page}?{told}"

    @property
    def after(self) -> Asked | None:
        """The next page of the stream; None behind its end."""
        start = self.start + self.count
        fits = start + self.count <= position_limit(self.keep, self.of)
        return replace(self, start=start) if fits else None

    @property
    def before(self) -> Asked | None:
        """The page before; None at the beginning."""
        return replace(self, start=max(0, self.start - self.count)) if self.start else None

    def reseeded(self, seed: int) -> Asked:
        """The same of another stream."""
        return replace(self, seed=seed)

    @property
    def other_classes(self) -> tuple[Asked | None, Asked | None]:
        """The pages of the classes before these and of those after these."""
        if self.label is not None:
            return None, None
        before, after = self.first - CLASSES, self.first + CLASSES
        return (
            replace(self, first=max(0, before), start=0) if self.first else None,
            replace(self, first=after, start=0) if after < len(self.description.labels) else None,
        )

    def beside(self, other: Description, truncation: float) -> Asked | None:
        """The same of another file, or with another truncation; None if it has none of the classes."""
        there = tuple(label for label in self.labels if label in other.labels)
        scored = other.message.scored
        if not there:
            return None
        return replace(
            self,
            description=other,
            only=there,
            truncation=truncation,
            keep=self.keep if scored else 0,
            of=self.of if scored else 0,
        )

    def one_class(self, label: str) -> Asked:
        """As many as a page of one class begins with, of that class."""
        alone = replace(self, label=label, first=0, start=0)
        return replace(alone, each=alone.usual)


def place(name: str, version: int) -> str:
    """The path of a generator's pages."""
    return f"/g/{quote(name, safe='')}/{version}"


def neighbours(address: Address) -> tuple[str | None, str | None]:
    """The pages of the samples before and after one, of its class."""
    start = address.start_index
    last = position_limit(address.keep, address.of) - 1
    return (
        sample_link(dataclasses.replace(address, start_index=start - 1)) if start else None,
        sample_link(dataclasses.replace(address, start_index=start + 1)) if start < last else None,
    )


def sample_link(address: Address | str) -> str:
    """The page of one sample."""
    return f"/sample?{urlencode({'address': str(address)})}"
