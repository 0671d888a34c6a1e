from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, one_hot

from training.data.choosing import Choosing
from training.data.kind import Block

BLOCKS = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12).filter(
    lambda blocks: any(choice for _, choice in blocks)
)


@given(BLOCKS, st.integers(0, 2**32))
def test_every_choice_is_made_inside_its_own_block(blocks: list[tuple[int, bool]], seed: int) -> None:
    choosing = Choosing([Block(*block) for block in blocks])
    form = torch.randn(5, sum(width for width, _ in blocks), generator=torch.Generator().manual_seed(seed % 2**31))
    parts = [part for part, (_, choice) in zip(form.split([w for w, _ in blocks], 1), blocks, strict=True) if choice]
    scores = form[:, choosing.channels]
    assert torch.equal(scores, torch.cat(parts, 1))
    assert choosing.choices == len(parts)
    assert torch.equal(choosing.best(scores), torch.stack([part.argmax(1) for part in parts], 1))
    hard = torch.cat([one_hot(part.argmax(1), part.shape[1]) for part in parts], 1).float()
    assert torch.equal(choosing.chosen(scores), hard)
    torch.testing.assert_close(choosing.shares(scores), torch.cat([part.softmax(1) for part in parts], 1))
    expected = torch.stack([cross_entropy(part, part.flip(1).argmax(1), reduction="none") for part in parts], 1)
    real = torch.cat([one_hot(part.flip(1).argmax(1), part.shape[1]) for part in parts], 1).float()
    torch.testing.assert_close(choosing.surprise(scores, real), expected)
    assert [len(choosing.owners[choosing.owners == each]) for each in range(len(parts))] == [p.shape[1] for p in parts]
    assert (choosing.owners[choosing.starts] == torch.arange(len(parts))).all()
