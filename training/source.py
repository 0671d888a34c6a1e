"""How a source of data is read: one row an option, from which come the options of commands and what an order keeps."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from typer import Option

from training.errors import TrainingError


def levels_of(text: Any) -> Any:
    """Black and full in "0..16", "-1..1" or "-1000..400"; what is no text stays. Raises TrainingError."""
    if not isinstance(text, str):
        return text
    number = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?"
    match = re.fullmatch(rf"\s*({number})\s*\.\.\s*({number})\s*", text, re.IGNORECASE)
    if match is None:
        raise TrainingError(f"--levels {text!r} is not LOW..HIGH such as 0..16 or -1..1")
    low, high = float(match[1]), float(match[2])
    if not low < high or not math.isfinite(low) or not math.isfinite(high):
        raise TrainingError(f"--levels {text!r}: the first number is black, the second full, and must be greater")
    return low, high


# Marks what a published file knows by the shape of its samples: asked of `fit` only.
SHAPE = "shape"


class SourceOptions(BaseModel):
    """What a kind's `load` takes beside the source; each takes some of them, and a default says nothing.

    A row is all that a new option needs. What is neither a number nor a flag is text on the command line.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int | None, SHAPE, Option(help="Side of the images in pixels; by default chosen from DATA.")] = None
    rate: Annotated[
        int | None, SHAPE, Option(metavar="HERTZ", help="Of sounds: frames a second, 8000 (the default) or 16000.")
    ] = None
    seconds: Annotated[
        float | None,
        SHAPE,
        Option(help="Of sounds: length of a sample; by default what holds 95 of 100 whole, at most 4 s."),
    ] = None
    waves: Annotated[
        bool, Option(help="Of sounds: networks see waves instead of spectrograms, as --preset wavegan needs it.")
    ] = False
    bars: Annotated[int | None, SHAPE, Option(help="Of music: bars of a sample, 4 by default.")] = None
    grid: Annotated[
        int | None,
        SHAPE,
        Option(metavar="STEPS", help="Of music: steps of a quarter note, 4 by default; 12 has triplets."),
    ] = None
    tracks: Annotated[
        int | None,
        SHAPE,
        Option(metavar="N", help="Of music: tracks of a sample; by default as many as nearly all pieces have, else 1."),
    ] = None
    levels: Annotated[
        tuple[float, float] | None,
        BeforeValidator(levels_of),
        Option(metavar="LOW..HIGH", help="Values that are black and full, e.g. 0..16; by default made out from DATA."),
    ] = None
    allow_pickle: Annotated[
        bool, Option(help="Read arrays of Python objects, which may run code, as np.load does.")
    ] = False
    drop_scarce: Annotated[bool, Option(help="Leave out classes with too few samples, instead of refusing DATA.")] = (
        False
    )
    label: Annotated[
        str | None, Option(metavar="COLUMN", help="Of a table: the labels; by default found by its name.")
    ] = None
    file: Annotated[
        str | None,
        Option(
            metavar="COLUMN",
            help="Of a table of files: their names; by default found by what it holds.",
        ),
    ] = None

    columns: Annotated[
        str | None,
        Option(metavar="FILE", help="Of a table: what its columns are, as `training columns DATA` writes it."),
    ] = None
    rare: Annotated[
        int, Option(metavar="N", help="Of a table: categories of fewer than N rows become one, '(other)'.", min=0)
    ] = 0

    text: Annotated[
        str | None, Option(metavar="COLUMN", help="Of a table of texts: the texts, and that they are to be learned.")
    ] = None
    units: Annotated[
        str | None,
        SHAPE,
        Option(metavar="UNITS", help="Of texts: 'characters', or 'bpe:256' for 256 units of one or more characters."),
    ] = None

    def given(self) -> dict[str, Any]:
        """The options that say something, by their names."""
        rows = SourceOptions.model_fields.items()
        return {name: value for name, row in rows if (value := getattr(self, name)) is not row.default}


AS_FOUND = SourceOptions()  # nothing was asked for: all is made out from the data


def flag(name: str) -> str:
    """An option as it is written: "--drop-scarce" for drop_scarce."""
    return "--" + name.replace("_", "-")
