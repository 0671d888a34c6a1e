"""A recurrent network over choices: what it says is probable is what it draws, in every batch."""

import itertools

import numpy as np
import pytest
import torch

from service.runtime.session import Session
from training.config.presets import resolve
from training.export import graph, parity
from training.export.sampling import addressed_samples
from training.kinds.text.text import Text
from training.kinds.text.units import Units
from training.networks.recurrent import RecurrentGenerator

KIND = Text(Units(("", "a", "b")), 3)
CONFIG = resolve("gru", {"width": 8, "embedding_size": 4})


def network(kind: Text = KIND, classes: int = 2) -> RecurrentGenerator:
    torch.manual_seed(0)
    made = RecurrentGenerator(kind.tokens, classes, CONFIG).eval()
    with torch.no_grad():
        for each in made.parameters():
            each.copy_(torch.randn_like(each))
    return made


def probabilities(made: RecurrentGenerator, label: int) -> dict[tuple[int, ...], float]:
    """Of every text that there is."""
    every = torch.tensor(list(itertools.product(range(3), repeat=3)))
    over = (every == 0).cumsum(1) > 0
    every = torch.unique(torch.where(over, 0, every), dim=0)
    with torch.no_grad():
        surprise = made(torch.zeros(len(every), 0), torch.full((len(every),), label), tokens=every).sum(1)
    return {tuple(text): float(share) for text, share in zip(every.tolist(), (-surprise).exp(), strict=True)}


def test_all_texts_together_have_probability_one():
    for label in (0, 1):
        assert sum(probabilities(network(), label).values()) == pytest.approx(1, abs=1e-5)


@torch.no_grad()
def test_texts_are_drawn_as_often_as_they_are_probable_and_end_once():
    made, n = network(), 20_000
    label = torch.ones(n, dtype=torch.long)
    uniform = 1 - torch.rand(n, 3, generator=torch.Generator().manual_seed(1))
    tokens, rest = made(torch.zeros(n, 0), label, uniform, torch.ones(n))
    assert ((tokens == 0).cumsum(1)[:, :-1] * tokens[:, 1:] == 0).all()
    assert ((rest > -1e-5) & (rest <= 1)).all()
    found, counts = np.unique(tokens.numpy(), axis=0, return_counts=True)
    expected = probabilities(made, 1)
    drawn = {tuple(text): count / n for text, count in zip(found.tolist(), counts, strict=True)}
    assert set(drawn) <= set(expected)
    for text, share in expected.items():
        assert drawn.get(text, 0) == pytest.approx(share, abs=5 * (share * (1 - share) / n) ** 0.5 + 1e-4)


@torch.no_grad()
def test_a_low_truncation_draws_the_most_probable_choices():
    made = network()
    uniform = 1 - torch.rand(50, 3, generator=torch.Generator().manual_seed(1))
    tokens, _ = made(torch.zeros(50, 0), torch.zeros(50, dtype=torch.long), uniform, torch.zeros(50))
    assert len(torch.unique(tokens, dim=0)) == 1


def test_the_exported_graph_draws_the_same_texts_alone_and_in_batches():
    kind = Text(Units(("", *"abcdefgh")), 12)
    made = network(kind)
    model = graph.to_onnx(made, kind, 0, 2)
    parity.prove_parity(made, model, kind, 0, 2)
    session = Session(model.SerializeToString())
    labels = np.arange(40) % 2
    together = addressed_samples(session, labels, 3, 0)
    alone = np.concatenate([addressed_samples(session, labels[at : at + 1], 3, at) for at in range(40)])
    assert together.tobytes() == alone.tobytes()
    cold = addressed_samples(session, labels, 3, 0, truncation=0.01)
    assert len(np.unique(cold, axis=0)) < len(np.unique(together, axis=0))


def test_positions_with_other_choices_are_refused():
    class Uneven:
        sizes, stop = (2, 3), None

    with pytest.raises(ValueError, match="positions have the same choices"):
        RecurrentGenerator(Uneven(), 2, CONFIG)
