"""What separates the cells of a line of text."""

from __future__ import annotations

import csv
import io

_LOOKED_AT = 50  # lines


def separator_of(text: str, suffix: str) -> str:
    """The separator that divides the head and the first lines into as many cells each; among several, the finest.

    suffix: of the file, in lower case; it decides where there is one column.
    """
    found = {}
    for separator in (",", "\t", ";", "|"):
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
            counts = [
                len(line) for _, line in zip(range(_LOOKED_AT), reader, strict=False) if any(map(str.strip, line))
            ]
        except csv.Error:
            continue
        if counts and counts[0] > 1:
            found[separator] = (len(set(counts)) == 1, counts[0])
    if not found:
        return "\t" if suffix == ".tsv" else ","
    return max(found, key=lambda each: found[each])


def announced(text: str) -> tuple[str | None, str]:
    """The separator that Excel's line `sep=;` names, and the text after it."""
    if text[:4].lower() == "sep=" and text[5:6] in ("\r", "\n"):
        return text[4], text[5:].lstrip("\r\n")
    return None, text
