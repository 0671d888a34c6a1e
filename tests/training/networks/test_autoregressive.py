"""The likelihood of choices, what is drawn by it, and its export."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from service import artifact
from service.runtime.session import Session
from tests.training.choosing import COLUMNS, Plain, rows
from training.config.config import Config
from training.config.presets import resolve
from training.export import graph, parity
from training.networks import autoregressive
from training.networks.autoregressive import AutoregressiveGenerator

SIZES = (3, 1, 2, 4)
LATENT = torch.empty(0, 0)


def network(sizes: tuple[int, ...] = SIZES, classes: int = 2, **changes: object) -> AutoregressiveGenerator:
    """Untrained, with choices that are far from even."""
    torch.manual_seed(3)
    small: dict[str, object] = {"width": 16, "embedding_size": 4, **changes}
    module = AutoregressiveGenerator(sizes, classes, resolve("argn", small))
    for parameter in module.parameters():
        parameter.data *= 2
    return module.eval()


@pytest.fixture(autouse=True)
def blocks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoregressive, "_BLOCK", 3)


def everything(sizes: tuple[int, ...] = SIZES) -> torch.Tensor:
    """All samples that there can be: int64 [product of sizes, positions]."""
    return torch.tensor(list(itertools.product(*map(range, sizes))))


def surprise(module: AutoregressiveGenerator, tokens: torch.Tensor, label: int = 0) -> torch.Tensor:
    with torch.no_grad():
        return module(LATENT, torch.full((len(tokens),), label), tokens=tokens)


def drawn(module: torch.nn.Module, n: int, label: int = 0, temperature: float = 1.0) -> tuple[torch.Tensor, ...]:
    uniform = 1 - torch.rand(n, len(SIZES), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return module(LATENT, torch.full((n,), label), uniform, torch.full((n,), temperature))


@pytest.mark.parametrize("label", [0, 1])
def test_probabilities_of_all_samples_add_up_to_one(label: int) -> None:
    shares = (-surprise(network(), everything(), label).sum(1)).exp()
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert float(shares.max()) > 3 / len(shares)


def test_a_choice_is_explained_by_those_before_it_only() -> None:
    sizes = (3, 2, 5, 2, 4, 3, 2)  # three blocks
    module = network(sizes)
    tokens = torch.stack([torch.arange(40) % size for size in sizes], 1)
    before = surprise(module, tokens)
    for at, size in enumerate(sizes):
        other = tokens.clone()
        other[:, at] = (other[:, at] + 1) % size
        after = surprise(module, other)
        torch.testing.assert_close(after[:, :at], before[:, :at])
        assert (after[:, at:] != before[:, at:]).any(0).all()


def test_samples_are_drawn_as_often_as_they_are_probable() -> None:
    module, n = network(), 40_000
    tokens, rest = drawn(module, n, label=1)
    every = everything()
    shares = (-surprise(module, every, 1).sum(1)).exp()
    found = (tokens[:, None] == every).all(2).float().mean(0)
    assert float((found - shares).abs().max()) < 4 * (float(shares.max()) / n) ** 0.5
    # What is left of a uniform number is uniform whatever was chosen by it.
    for chosen in tokens[:, 0].unique():
        left = rest[tokens[:, 0] == chosen][:, 0].sort().values
        gap = (left - torch.arange(len(left)) / len(left)).abs().max()
        assert float(gap) < 2 / len(left) ** 0.5
    assert float(rest.min()) > 0
    assert float(rest.max()) <= 1


def test_the_truncation_is_a_temperature() -> None:
    module = network()
    first = (-surprise(module, everything(), 0)[:, 0]).exp()
    likeliest = int(everything()[first.argmax(), 0])
    shares = [float((drawn(module, 2000, temperature=t)[0][:, 0] == likeliest).float().mean()) for t in (2.0, 1.0, 0.3)]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]
    for coldest in (0.01, 1e-30):
        assert (drawn(module, 50, temperature=coldest)[0][:, 0] == likeliest).all()


@pytest.mark.parametrize("uniform", [1.0, 2.0**-24])
def test_the_ends_of_what_is_drawn_are_choices(uniform: float) -> None:
    ends = torch.full((2, len(SIZES)), uniform)
    tokens, rest = network()(LATENT, torch.tensor([0, 1]), ends, torch.ones(2))
    assert (tokens >= 0).all()
    assert (tokens < torch.tensor(SIZES)).all()
    assert ((rest > 0) & (rest <= 1)).all()


def test_layers_for_themselves_compute_the_same() -> None:
    module = network((3, 2, 5, 2, 4))
    uniform, ones = 1 - torch.rand(50, 5), torch.ones(50)
    for found, expected in zip(
        module.folded()(LATENT, torch.arange(50) % 2, uniform, ones),
        module(LATENT, torch.arange(50) % 2, uniform, ones),
        strict=True,
    ):
        torch.testing.assert_close(found, expected)


def test_it_learns_what_depends_on_what() -> None:
    """The second choice is the first, or with another label its opposite: half of 2 ln 2 nats remain."""
    module = network((2, 2), dropout=0.1).train()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    random = torch.Generator().manual_seed(0)
    for _ in range(60):
        label, first = torch.randint(2, (2, 64), generator=random)
        loss = module(LATENT, label, tokens=torch.stack([first, first ^ label], 1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = surprise(module.eval(), torch.tensor([[0, 1], [1, 0]]), label=1).sum(1)
    torch.testing.assert_close(found, torch.full((2,), float(np.log(2))), atol=0.1, rtol=0)
    assert surprise(module, torch.tensor([[0, 0]]), label=1).sum() > 2


def test_many_positions_make_networks_smaller_not_larger() -> None:
    config: Config = resolve("argn")
    few, many = (AutoregressiveGenerator((20,) * count, 2, config) for count in (14, 300))
    assert few.units == 128
    assert sum(p.numel() for p in many.parameters()) < 8 * sum(p.numel() for p in few.parameters())


def test_the_exported_graph_chooses_the_same_alone_or_in_a_batch() -> None:
    raw, _ = rows()
    kind = Plain.of(COLUMNS, raw)
    module = network(tuple(kind.tokens.sizes))
    model = graph.to_onnx(module, kind, 0, 2)
    parity.prove_parity(module, model, kind, 0, 2)
    used = {node.op_type for node in model.graph.node}
    assert used <= {
        *("Abs", "Add", "Cast", "Clip", "Concat", "CumSum", "Div", "Expand", "Floor", "Gather", "GatherElements"),
        *(
            "GatherND",
            "Gemm",
            "Greater",
            "Identity",
            "Less",
            "Max",
            "Min",
            "Mul",
            "ReduceSum",
            "Relu",
            "Reshape",
            "Round",
        ),
        *("Shape", "Slice", "Softmax", "Squeeze", "Sub", "Unsqueeze", "Where"),
    }, "ONNX Runtime 1.31 has kernels for CUDA of these"
    some = np.arange(5, dtype=np.uint64)
    cold = artifact.Rows(np.full(5, 9, np.uint64), some, np.ones(5, np.int64), np.full(5, 1e-30, np.float32))
    made = Session(model.SerializeToString()).run(cold)
    assert (made[:, 0] == made[0, 0]).all()  # the likeliest
