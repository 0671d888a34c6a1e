"""What commands write on a terminal, or into a pipe."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from augmint import kinds
from augmint.samples import Samples

_CELL = 32  # letters of a cell, at most


def samples(made: Samples, json_: bool) -> None:
    """Each by a line or a row of a table, or all as one object."""
    kind, source = kinds.of(made.description), made.description
    assert kind.cells is not None
    if json_:
        addresses = [str(address) for address in made.addresses]
        told = [
            {**(content if not kind.column else {kind.column: content}), kind.label(source): label}
            for content, label in zip(kind.objects(made), made.labels, strict=True)
        ]
        as_json({"samples": told, "seed": str(made.seed), "addresses": addresses})
        return
    if kind.lines is not None:
        for line in kind.lines(made):
            print(line)
        # Not among the lines, which other programs may read.
        print(f"{len(made)} samples of {source.name}/{source.version}, seed {made.seed}", file=sys.stderr)
        return
    header, *rows = kind.cells(made)
    # Into a pipe goes every column beside the other, as programs that read lines want them.
    wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else 2**31
    shown = [[cell if len(cell) <= _CELL else cell[: _CELL - 3] + "..." for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(header))]
    for block in _blocks(widths, wide):
        for row in shown:
            print("  ".join(row[column].ljust(widths[column]) for column in block).rstrip())
        print()
    print(f"{len(made)} samples of {source.name}/{source.version}, seed {made.seed}")


def _blocks(widths: Sequence[int], wide: int) -> list[list[int]]:
    """Columns that stand beside each other, in blocks one below the other."""
    blocks: list[list[int]] = [[]]
    for column in range(len(widths)):
        if blocks[-1] and sum(widths[one] + 2 for one in blocks[-1]) + widths[column] > wide:
            blocks.append([])
        blocks[-1].append(column)
    return blocks


def as_json(value: Any) -> None:
    """One line."""
    print(json.dumps(value, ensure_ascii=not can_show("\u20ac\U0001f408"), default=str))


def can_show(text: str) -> bool:
    """Whether stdout can; what it cannot show is escaped, which is no JSON."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
