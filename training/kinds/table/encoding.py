"""Rows as what networks learn: for each column which of its options a value is, and where in a range of values.

Numbers by modes of a mixture: Xu et al. 2019 (CTGAN, arXiv:1907.00503), section 4.2, with three changes. A value
belongs to its likeliest mode instead of a drawn one, so that a row has one code; a mode is the range of the values that
are its own, so that none is cut off; values far more frequent than those around them are options of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from training.data.choosing import Choosing
from training.data.kind import Block
from training.data.subset import Samples
from training.kinds.table import modes
from training.kinds.table.columns import Column, Unit
from training.kinds.table.modes import Options

ROWS = 100_000  # that values and their frequencies are learned from
MIXTURE_ROWS = 10_000
MIXTURE_WORK = 300_000  # rows of all mixtures of a table: a fifth of a second each at the most rows
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Encoding:
    """The code of rows, float32 [n, width] in [-1, 1]: of each column a position, where it has ranges, then a choice.

    A missing value is the last option of a column that may have some. Where there is no range the position is 0.
    """

    columns: tuple[Column, ...]
    options: tuple[Options, ...]
    _encoders: dict[torch.device, Encoder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.on(torch.device("cpu"))  # where graphs are exported, which must find it made

    @classmethod
    def fit(cls, columns: Sequence[Column], raw: Samples, seed: int = 0) -> Encoding:
        """Learn the options of each column from raw rows, float32 [n, columns]. columns: with their ranges."""
        random = np.random.default_rng(seed)
        some = np.arange(len(raw))
        if len(raw) > ROWS:
            some = np.sort(random.choice(len(raw), ROWS, replace=False))
        rows = np.asarray(raw[some], np.float32)
        numbers = max(1, sum(not column.categories for column in columns))
        work = int(np.clip(MIXTURE_WORK // numbers, 1000, MIXTURE_ROWS))
        options = (modes.fit(column, rows[:, at], work, seed) for at, column in enumerate(columns))
        return cls(tuple(columns), tuple(options))

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        found = []
        for column, options in zip(self.columns, self.options, strict=True):
            if options.scales.any():
                found.append(Block(1, choice=False))
            found.append(Block(len(options) + column.missing, choice=True))
        return tuple(found)

    @cached_property
    def width(self) -> int:
        return sum(block.width for block in self.blocks)

    def encode(self, raw: Tensor) -> Tensor:
        """float32 [n, columns] -> float32 [n, width]; what training has not seen gets the option nearest to it."""
        return self.on(raw.device)(raw)

    def decoder(self) -> nn.Module:
        """float32 [n, width] -> float32 [n, columns]: the inverse, by the best option of each choice."""
        return Decoder(self)

    def on(self, device: torch.device) -> Encoder:
        """The encoder, kept on the device."""
        if device not in self._encoders:
            self._encoders[device] = Encoder(self).to(device)
        return self._encoders[device]

    def table(self, name: str, missing: float) -> Tensor:
        """One number for each option of each column in order, float64 [options]; of a missing value `missing`."""
        return torch.from_numpy(
            np.concatenate(
                [
                    np.append(getattr(options, name), [missing] * column.missing)
                    for column, options in zip(self.columns, self.options, strict=True)
                ]
            )
        )


class Encoder(nn.Module):
    """float32 [n, columns] -> float32 [n, width], in plain operators.

    channels: int64 [positions], where the positions stand in the code.
    """

    channels: Tensor
    order: Tensor
    own: Tensor
    direct: Tensor
    most: Tensor
    sought: Tensor
    places: Tensor
    lows: Tensor
    masses: Tensor
    mass_options: Tensor
    absent: Tensor
    ranged_columns: Tensor
    ranged_starts: Tensor
    range_table: Tensor
    centres: Tensor
    scales: Tensor
    units: Tensor

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        columns, options = encoding.columns, encoding.options
        self.choosing = Choosing(encoding.blocks)
        self._keep("centres", encoding.table("centres", 0.0))
        self._keep("scales", encoding.table("scales", 0.0))
        self._keep("units", encoding.table("units", 0.0))

        # Of categories the option is the value; of numbers it is looked for.
        direct = [bool(column.categories) or column.unit == Unit.TRUTH for column in columns]
        sought = [at for at, known in enumerate(direct) if not known]
        self._keep("direct", torch.tensor(direct))
        self._keep("most", torch.tensor([len(each) - 1.0 for each in options], dtype=torch.float32))
        self._keep("sought", torch.tensor(sought, dtype=torch.int64))
        place = {at: number for number, at in enumerate(sought)}
        self._keep("places", torch.tensor([place.get(at, 0) for at in range(len(columns))]))
        self._keep("lows", _padded([options[at].lows for at in sought], np.inf))
        masses = [options[at].centres[len(options[at].lows) :] for at in sought]
        self._keep("masses", _padded(masses, np.nan))
        numbers = [np.arange(len(options[at].lows), len(options[at])) for at in sought]
        self._keep("mass_options", _padded(numbers, 0.0))
        absent = [len(each) if column.missing else each.usual for column, each in zip(columns, options, strict=True)]
        self._keep("absent", torch.tensor(absent, dtype=torch.float32))

        starts, owners = self.choosing.starts, self.choosing.owners
        self._keep("own", (torch.arange(len(owners)) - starts[owners]).float())
        ranged = [at for at, each in enumerate(options) if each.scales.any()]
        self._keep("ranged_columns", torch.tensor(ranged, dtype=torch.int64))
        self._keep("ranged_starts", starts[ranged])
        widths = [block.width for block in encoding.blocks]
        ends = np.cumsum([0, *widths])
        channels = [int(ends[n]) for n, block in enumerate(encoding.blocks) if not block.choice]
        self._keep("channels", torch.tensor(channels, dtype=torch.int64))
        # Positions and options stand apart at first; this is where each belongs.
        order = torch.cat([self.channels, self.choosing.channels]).argsort()
        self._keep("order", order)
        first = np.array([int(starts[at]) for at in ranged], np.int64)
        table = torch.zeros(len(owners), len(ranged))
        for position, (start, at) in enumerate(zip(first, ranged, strict=True)):
            table[start : start + len(options[at].lows), position] = 1.0
        self._keep("range_table", table)

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)

    def forward(self, raw: Tensor) -> Tensor:
        absent = torch.isnan(raw)
        values = torch.where(absent, 0.0, raw)
        option = values.round().clamp(min=0.0).minimum(self.most)
        if len(self.sought):
            numbers = values.index_select(1, self.sought)[:, :, None]
            found = (numbers >= self.lows).float().sum(2) - 1
            if self.masses.shape[1]:
                same = (numbers == self.masses).float()
                found = torch.where(same.sum(2) > 0, (same * self.mass_options).sum(2), found)
            option = torch.where(self.direct, option, found.index_select(1, self.places))
        option = torch.where(absent, self.absent, option)
        picked = (option.index_select(1, self.choosing.owners) == self.own).float()
        if not len(self.channels):
            return picked
        code = torch.cat([self._position(values, option), picked], 1)
        return code.index_select(1, self.order)

    def _position(self, values: Tensor, option: Tensor) -> Tensor:
        """Where in its range each value is, float32 [n, positions]; float64 inside, or whole numbers would be lost."""
        value = values.index_select(1, self.ranged_columns).double()
        at = option.index_select(1, self.ranged_columns).long() + self.ranged_starts
        centre, scale, unit = (_taken(table, at) for table in (self.centres, self.scales, self.units))
        logarithm = torch.sign(value) * torch.log(1 + value.abs() / torch.where(unit > 0, unit, 1.0))
        place = torch.where(unit > 0, logarithm, value) - centre
        share = torch.where(scale > 0, place / torch.where(scale > 0, scale, 1.0), 0.0)
        return share.clamp(-1.0, 1.0).float()

    def ranged(self, picked: Tensor) -> Tensor:
        """How much each position counts, float32 [n, positions]: what the options, [n, options], have of its ranges."""
        return picked @ self.range_table


class Decoder(nn.Module):
    """float32 [n, width] -> float32 [n, columns]; float64 inside, or whole numbers would be lost."""

    positions: Tensor
    centres: Tensor
    scales: Tensor
    units: Tensor
    absent: Tensor
    rounded: Tensor
    digits: Tensor
    least: Tensor
    most: Tensor

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.choosing = Choosing(encoding.blocks)
        tables = {
            "centres": encoding.table("centres", 0.0),
            "scales": encoding.table("scales", 0.0),
            "units": encoding.table("units", 0.0),
            "absent": encoding.table("scales", -1.0) < 0,
        }
        columns = encoding.columns
        self._keep("positions", torch.tensor(_positions(encoding)))
        for name, values in tables.items():
            self._keep(name, values)
        rounded = [column.whole or column.decimals is not None for column in columns]
        self._keep("rounded", torch.tensor(rounded))
        digits = [10.0 ** (0 if column.whole else column.decimals or 0) for column in columns]
        self._keep("digits", torch.tensor(digits, dtype=torch.float64))
        least = [-_LARGEST if column.minimum is None else column.minimum for column in columns]
        most = [_LARGEST if column.maximum is None else column.maximum for column in columns]
        for name, bound in (("least", least), ("most", most)):
            self._keep(name, torch.tensor(bound, dtype=torch.float64).float())

    def _keep(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        option = self.choosing.best(code.index_select(1, self.choosing.channels)) + self.choosing.starts
        share = code.index_select(1, self.positions).double()
        scale, unit = _taken(self.scales, option), _taken(self.units, option)
        place = _taken(self.centres, option) + torch.where(scale > 0, share, 0.0) * scale
        power = torch.sign(place) * (torch.exp(torch.where(unit > 0, place.abs(), 0.0)) - 1) * unit
        value = torch.where(unit > 0, power, place)
        value = torch.where(self.rounded, torch.round(value * self.digits) / self.digits, value)
        value = value.float().maximum(self.least).minimum(self.most)
        return torch.where(_taken(self.absent, option), torch.nan, value)


def _positions(encoding: Encoding) -> list[int]:
    """For each column the channel of its position; of one that has none that of its first option, which is not read."""
    found, at, position = [], 0, None
    for block in encoding.blocks:
        if block.choice:
            found.append(at if position is None else position)
            position = None
        else:
            position = at
        at += block.width
    return found


def _padded(rows: Sequence[np.ndarray], filling: float) -> Tensor:
    """float32 [rows, the longest], filled up at the end."""
    longest = max((len(row) for row in rows), default=0)
    filled = [np.append(row, [filling] * (longest - len(row))) for row in rows]
    return torch.from_numpy(np.array(filled).reshape(len(rows), longest)).float()


def _taken(table: Tensor, at: Tensor) -> Tensor:
    """table[at], as one gather."""
    return table.index_select(0, at.flatten()).view(at.shape)
