"""A kind whose samples are choices, as rows and texts are: drawn by the address, learned with a head that chooses."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session
from tests.training.runs import published
from training.data import Dataset
from training.data.kind import FEATURES, Block, Kind, Measurement, Picture, Unvaried
from training.export import graph, parity
from training.export.sampling import addressed_samples
from training.networks import Headed, Sampler, chance

SIDES, DICE = 6, 3


class Choosing(nn.Module):
    draws = SIDES * DICE

    def forward(self, output: Tensor, uniform: Tensor) -> Tensor:
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-6, 1 - 1e-6)))
        logits = (output + gumbel).unflatten(1, (DICE, SIDES))
        if self.training:
            return (logits / 0.5).softmax(2).flatten(1)
        return nn.functional.one_hot(logits.argmax(2), SIDES).float().flatten(1)

    def surprise(self, output: Tensor, real: Tensor) -> Tensor:
        return -output.unflatten(1, (DICE, SIDES)).log_softmax(2).flatten(1) * real


class Decoder(nn.Module):
    def forward(self, sample: Tensor) -> Tensor:
        return sample.unflatten(1, (DICE, SIDES)).argmax(2).to(torch.int32)


class Judge(nn.Module):
    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.trunk, self.last = nn.Linear(SIDES * DICE, FEATURES), nn.Linear(FEATURES, outputs)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(samples).relu()
        return features, self.last(features)


@dataclass(frozen=True)
class Throws(Kind):
    """int32 [3]: three dice. `mean` is what it learns from its data."""

    mean: float = float("nan")

    spec = pb.SampleSpec(shape=[DICE], dtype=pb.DATA_TYPE_INT32)
    dtype = np.dtype(np.int32)
    form = (SIDES * DICE,)
    augmentation = None
    words = "three dice"
    pretexts = 2
    blocks = (Block(SIDES, choice=True),) * DICE

    def fitted(self, raw, labels, classes) -> "Throws":
        return replace(self, mean=float(np.mean(raw)))

    def encode(self, raw: Tensor) -> Tensor:
        return nn.functional.one_hot(raw.long(), SIDES).float().flatten(1)

    def decoder(self) -> nn.Module:
        return Decoder()

    def head(self) -> Choosing:
        return Choosing()

    def judge(self, outputs: int) -> nn.Module:
        return Judge(outputs)

    def recipes(self) -> list[Unvaried]:
        return [Unvaried(self)]

    def pretext(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        turned = torch.arange(len(samples)) % 2
        return torch.where(turned[:, None] > 0, samples.flip(1), samples), turned

    def compact(self, raw: np.ndarray, coarse: bool = False) -> np.ndarray:
        return raw.astype(np.float32)

    def measurements(self, made, held, train) -> list[Measurement]:
        return [Measurement("mean of a die", float(made.mean()), float(held.mean()))]

    def picture(self, raw: np.ndarray) -> Picture:
        return Picture(" ".join(map(str, raw.ravel())).encode(), ".txt", "text/plain")

    def sheet(self, groups, names, columns, caption) -> Picture:
        return self.picture(np.concatenate(list(groups)))


def throws(count: int = 240) -> Dataset:
    """Two classes: dice that show 0 to 2, and dice that show 3 to 5."""
    labels = np.arange(count) % 2
    samples = np.random.default_rng(0).integers(0, 3, (count, DICE)) + 3 * labels[:, None]
    return Dataset("throws", samples.astype(np.int32), labels, ("low", "high"), "0" * 64, None, (), Throws())


class Fair(nn.Module):
    """A trunk that knows nothing but the class: its dice are fair, those of class 1 heavy on one side."""

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        heavy = torch.tensor([0.0, 0, 0, 0, 0, 9] * DICE)
        return latent[:, :1] * 0 + heavy * label[:, None].float()


def test_what_is_chosen_is_drawn_by_the_address_alone_or_in_a_batch():
    trunk = Fair()
    module = Headed(trunk, Choosing()).eval()
    assert chance(module) == (SIDES * DICE, False)
    model = graph.to_onnx(module, Throws(), 4, 2)
    parity.prove_parity(module, model, Throws(), 4, 2)
    session = Session(model.SerializeToString())
    fair = addressed_samples(session, np.zeros(6000, np.int64), 1, 0)
    shares = np.stack([np.bincount(die, minlength=SIDES) for die in fair.T]) / len(fair)
    assert np.abs(shares - 1 / SIDES).max() < 0.025  # five standard errors
    assert (addressed_samples(session, np.ones(500, np.int64), 1, 0) == 5).mean() > 0.99
    assert np.array_equal(addressed_samples(session, np.zeros(1, np.int64), 1, 17), fair[17:18])


def test_parity_of_what_is_chosen_counts_samples_and_not_levels():
    found = np.arange(200 * DICE, dtype=np.int32).reshape(200, DICE) % SIDES
    other = found.copy()
    other[:2] = found[:2] ^ 1
    parity._agree(found, other, Throws(), choosing=True)
    other[:4] = found[:4] ^ 1
    with pytest.raises(parity.ExportError, match=r"other samples of 2.00% of the addresses; at most 1%"):
        parity._agree(found, other, Throws(), choosing=True)


def test_a_likelihood_is_of_what_the_head_would_have_been_given():
    module = Headed(Fair(), Choosing())
    logits = module(torch.zeros(3, 4), torch.ones(3, dtype=torch.long))
    assert logits[0].tolist() == [0, 0, 0, 0, 0, 9] * DICE
    assert (
        Sampler(module.eval(), Throws())(torch.zeros(3, 4), torch.ones(3), torch.full((3, 18), 0.5)).dtype
        == torch.int32
    )


@pytest.mark.parametrize("preset", ["cgan", "vae"])
def test_a_kind_of_choices_is_fitted_measured_and_published(preset, tmp_path):
    small = {"architecture": "mlp", "width": 8, "latent_size": 8, "batch_size": 32}
    path, _ = published(tmp_path, throws(), preset, small, name="throws", judge_steps=60)
    session = Session(path.read_bytes())
    message = artifact.from_json(session.metadata)
    assert message.quality.real_accuracy > 0.9
    samples = addressed_samples(session, np.arange(100) % 2, 3, 0)
    assert samples.shape == (100, DICE)
    assert set(samples.ravel()) <= set(range(SIDES))
    assert len(np.unique(samples, axis=0)) > 1
