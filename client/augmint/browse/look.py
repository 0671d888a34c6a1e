"""Samples as the templates take them: whatever the kind, by what its row of the table says."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace

import numpy as np

from augmint import kinds
from augmint.browse.asked import sample_link
from augmint.errors import AugmintError
from augmint.generators import Description
from augmint.kinds.face import Spread
from augmint.samples import Samples

# Elements shown of a sample that is nothing but numbers; columns of a table, and letters of a cell.
_ELEMENTS, _COLUMNS, _CELL = 12, 60, 120


@dataclass(frozen=True)
class Tile:
    """One sample. picture: address of what is seen; sound: of what is heard; text: what is read; each may be ""."""

    label: str
    index: int
    address: str
    link: str
    picture: str = ""
    width: int = 0
    height: int = 0
    crisp: bool = False
    sound: str = ""
    text: str = ""


@dataclass(frozen=True)
class Look:
    """Some samples.

    way:    "tiles" (seen or heard), "lines" (read), "rows" (a table).
    groups: tiles of each class, in order. header, rows: cells, and with each row its tile. hidden: columns left out.
    """

    way: str
    groups: tuple[tuple[str, tuple[Tile, ...]], ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Tile, tuple[str, ...]], ...] = ()
    spreads: tuple[Spread, ...] = ()
    count: int = 0
    hidden: int = 0


def way_of(description: Description) -> str:
    """How samples of a generator are shown."""
    kind = kinds.of(description)
    if kind.face.pictures is not None:
        return "tiles"
    return "rows" if kind.cells is not None and kind.texts is None else "lines"


def look(samples: Samples) -> Look:
    """Of samples in the order of their classes."""
    kind, way = kinds.of(samples.description), way_of(samples.description)
    tiles = [Tile(one.label, one.address.start_index, str(one.address), sample_link(one.address)) for one in samples]
    if way == "tiles" and kind.face.pictures is not None:
        for number, picture in enumerate(kind.face.pictures(samples)):
            content = base64.b64encode(picture.content).decode()
            tiles[number] = replace(
                tiles[number],
                picture=f"data:{picture.media_type};base64,{content}",
                width=picture.width,
                height=picture.height,
                crisp=picture.crisp,
                sound=tiles[number].link.replace("/sample?", "/sample.wav?", 1) if kind.face.sounds else "",
            )
    elif way == "lines":
        texts = kind.texts(samples) if kind.texts is not None else [_numbers(one.array) for one in samples]
        tiles = [replace(tile, text=text) for tile, text in zip(tiles, texts, strict=True)]
    header: tuple[str, ...] = ()
    rows: list[tuple[Tile, tuple[str, ...]]] = []
    hidden = 0
    if way == "rows" and kind.cells is not None:
        first, *cells = (_some(row) for row in kind.cells(samples))
        header, hidden = first, max(0, samples.array.shape[1] - _COLUMNS)
        rows = list(zip(tiles, cells, strict=True))
    spreads = kind.face.spreads(samples)[:_COLUMNS] if kind.face.spreads is not None and len(samples) > 1 else []
    return Look(way, _groups(tiles), header, tuple(rows), tuple(spreads), len(samples), hidden)


def golden(description: Description, most: int = 10) -> Look | None:
    """The samples that every file brings, for which nothing is drawn; None if they cannot be read."""
    examples = list(description.message.golden)[:most]
    size = int(np.prod(description.shape)) * description.dtype.itemsize
    if not examples or any(len(one.data) != size or one.class_index >= len(description.labels) for one in examples):
        return None
    content = np.frombuffer(b"".join(one.data for one in examples), description.dtype)
    samples = Samples(
        array=content.reshape(len(examples), *description.shape),
        class_indices=np.array([one.class_index for one in examples], np.int64),
        indices=np.array([one.index for one in examples], np.uint64),
        description=description,
        seed=examples[0].seed,
        truncation=examples[0].truncation or 1.0,
    )
    try:
        return look(samples)
    except AugmintError:  # the list is worth more than its pictures
        return None


def described(description: Description) -> list[tuple[str, str]]:
    """What its samples are: pairs of a name and what is said, as their kind tells it."""
    return kinds.of(description).details(description)


def _groups(tiles: list[Tile]) -> tuple[tuple[str, tuple[Tile, ...]], ...]:
    found: dict[str, list[Tile]] = {}
    for tile in tiles:
        found.setdefault(tile.label, []).append(tile)
    return tuple((label, tuple(group)) for label, group in found.items())


def _numbers(array: np.ndarray) -> str:
    flat = array.ravel()
    more = f", … ({flat.size:,} in all)" if flat.size > _ELEMENTS else ""
    return ", ".join(f"{value:g}" for value in flat[:_ELEMENTS].tolist()) + more


def _some(row: list[str]) -> tuple[str, ...]:
    """The first columns, and the last one, which is the label's."""
    return tuple(map(_cell, row if len(row) <= _COLUMNS + 1 else [*row[:_COLUMNS], row[-1]]))


def _cell(text: str) -> str:
    return text if len(text) <= _CELL else f"{text[:_CELL]}…"


def plural(count: int, noun: str) -> str:
    """ "1 sample", "1,000 samples"."""
    return f"{count:,} {noun}{'' if count == 1 else 's' if noun[-2:] not in ('ss', 'sh', 'ch') else 'es'}"
