"""Many choices at a time: the blocks of a form without extents that are choices, grouped by their width."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from training.data.kind import Block

# Below every score; finite, so that no difference of two is not a number.
_NEVER = -1e30


class Choosing(nn.Module):
    """Chooses in every block that is a choice. Scores are float32 [n, options], the options of all blocks in order.

    Blocks of about the same width are laid side by side and handled as one, [n, blocks, width]: hundreds of blocks are
    a few operations, and one of thousands of options does not widen the others.

    options:  how many options there are in all blocks.
    channels: int64 [options], where each stands in the form.
    owners:   int64 [options], the choice that each belongs to, counted from 0.
    starts:   int64 [choices], the first option of each.
    """

    channels: Tensor
    owners: Tensor
    starts: Tensor
    _back: Tensor
    _order: Tensor

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        channels: list[int] = []
        owners: list[int] = []
        starts: list[int] = []
        at = 0
        for block in blocks:
            if block.choice:
                owners += [len(starts)] * block.width
                starts.append(len(channels))
                channels += range(at, at + block.width)
            at += block.width
        widths = [block.width for block in blocks if block.choice]
        self.options, self.choices = len(channels), len(widths)
        groups: dict[int, list[int]] = {}
        for choice, width in enumerate(widths):
            groups.setdefault(1 << (width - 1).bit_length(), []).append(choice)
        back, order, self._shapes = [0] * self.options, [], list[tuple[int, int]]()
        first = 0
        for number, (padded, members) in enumerate(sorted(groups.items())):
            places = []
            for row, choice in enumerate(members):
                own = range(starts[choice], starts[choice] + widths[choice])
                for column, option in enumerate(own):
                    back[option] = first + row * padded + column
                places += [*own, *[self.options] * (padded - widths[choice])]
            self.register_buffer(f"_places{number}", torch.tensor(places), persistent=False)
            self._shapes.append((len(members), padded))
            order += members
            first += len(members) * padded
        inverse = [0] * len(order)
        for place, choice in enumerate(order):
            inverse[choice] = place
        for name, values in (
            ("channels", channels),
            ("owners", owners),
            ("starts", starts),
            ("_back", back),
            ("_order", inverse),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.int64), persistent=False)

    def chosen(self, scores: Tensor) -> Tensor:
        """1 at the best option of each choice, else 0; the first of equal ones."""
        return self._together(
            [
                (each.argmax(2, keepdim=True) == torch.arange(each.shape[2], device=each.device)).to(scores.dtype)
                for each in self._groups(scores)
            ]
        )

    def best(self, scores: Tensor) -> Tensor:
        """Which option of its own each choice is: int64 [n, choices]."""
        return torch.cat([each.argmax(2) for each in self._groups(scores)], 1).index_select(1, self._order)

    def shares(self, scores: Tensor) -> Tensor:
        """Softmax inside each choice."""
        return self._together([each.softmax(2) for each in self._groups(scores)])

    def surprise(self, scores: Tensor, real: Tensor) -> Tensor:
        """Cross-entropy of each choice, in nats: float32 [n, choices]. real: float32 [n, options], one of each 1."""
        pairs = zip(self._groups(scores), self._groups(real, 0.0), strict=True)
        found = [-(each.log_softmax(2) * right).sum(2) for each, right in pairs]
        return torch.cat(found, 1).index_select(1, self._order)

    def _groups(self, scores: Tensor, padding: float = _NEVER) -> list[Tensor]:
        filled = torch.cat([scores, torch.full_like(scores[:, :1], padding)], 1)
        return [
            filled.index_select(1, getattr(self, f"_places{number}")).unflatten(1, shape)
            for number, shape in enumerate(self._shapes)
        ]

    def _together(self, groups: list[Tensor]) -> Tensor:
        return torch.cat([each.flatten(1) for each in groups], 1).index_select(1, self._back)
