"""Sounds to spectrograms and back: what is heard stays, in any batch, in PyTorch and in ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from service.runtime.session import Session
from tests.training.kinds.audio.made import RATE, sounds
from training.export import graph, parity
from training.judge import fitting
from training.kinds.audio import Audio, form
from training.kinds.audio.spectrum import Spectrum

RAW, LABELS = sounds()
KIND = Audio(RATE, 1024).fitted(RAW, LABELS, 2)


def decoded(raw: np.ndarray, kind: Audio = KIND) -> np.ndarray:
    return kind.decoder()(kind.encode(torch.from_numpy(raw))).numpy()


def loudest(raw: np.ndarray) -> np.ndarray:
    """Hertz of the loudest tone of each sound."""
    return np.abs(np.fft.rfft(raw * np.hanning(raw.shape[1]), 8192)).argmax(1) * RATE / 8192


def test_the_form_is_one_channel_of_bins_and_columns_within_bounds():
    made = KIND.encode(torch.from_numpy(RAW))
    assert made.shape == (len(RAW), *KIND.form) == (96, 1, 128, 8)
    assert made.dtype == torch.float32
    assert float(made.abs().max()) <= 1
    assert float(made.mean()) == pytest.approx(0, abs=0.05)


def test_a_spectrum_is_a_sound_again():
    spectrum = Spectrum(RATE, 2048)
    sound = torch.randn(3, 2048, generator=torch.Generator().manual_seed(0))
    # The highest tone is left out, and the ends are under one window.
    again = spectrum.sounded(*spectrum.analysed(sound))
    smooth = torch.sin(torch.arange(2048) * 0.3)[None]
    assert torch.allclose(spectrum.sounded(*spectrum.analysed(smooth))[:, 128:-128], smooth[:, 128:-128], atol=2e-3)
    assert again.shape == sound.shape


def test_what_is_decoded_has_the_tones_the_loudness_and_the_spectrogram_of_what_was_encoded():
    again = decoded(RAW)
    assert (again.dtype, again.shape) == (np.int16, RAW.shape)
    low = LABELS == 0
    assert np.abs(loudest(again[low]) - loudest(RAW[low])).max() < 20
    before, after = (np.square(each.astype(float)).mean(1) for each in (RAW, again))
    assert np.abs(10 * np.log10(after / before)).max() < 1.5
    first, second = (KIND.values(each) for each in (RAW, again))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.97


def test_silence_stays_silent():
    assert np.abs(decoded(np.zeros((2, 1024), np.int16))).max() <= 1


def test_the_loudest_sounds_are_cut_at_full_scale_and_not_wrapped():
    square = np.where(np.arange(1024) // 20 % 2, 32767, -32768).astype(np.int16)[None]
    kind = Audio(RATE, 1024).fitted(np.repeat(square, 4, 0), np.zeros(4, np.int64), 1)
    again = kind.decoder()(torch.ones(1, *kind.form)).numpy()
    assert again.min() >= -32768
    steps = np.abs(np.diff(decoded(square, kind).astype(int)))
    assert np.percentile(steps, 90) < 40000


def test_decoding_is_the_same_alone_and_among_others():
    whole = decoded(RAW)
    for number in (0, 17, 95):
        assert np.array_equal(decoded(RAW[number : number + 1])[0], whole[number])


def test_what_no_sound_makes_is_decoded_without_a_fault():
    random = torch.Generator().manual_seed(0)
    for sample in (torch.rand(4, *KIND.form, generator=random) * 2 - 1, torch.ones(1, *KIND.form)):
        assert KIND.decoder()(sample).dtype == torch.int16


def test_what_is_learned_follows_the_loudness_of_the_data():
    quiet = Audio(RATE, 1024).fitted(RAW // 64, LABELS, 2)
    assert quiet.statistics.floor == pytest.approx(KIND.statistics.floor / 64, rel=0.05)
    made = quiet.encode(torch.from_numpy(RAW // 64))
    assert float(made.std()) == pytest.approx(1 / 3, abs=0.05)


def test_silent_data_can_be_fitted():
    kind = Audio(RATE, 1024).fitted(np.zeros((8, 1024), np.int16), np.zeros(8, np.int64), 1)
    assert bool(kind.encode(torch.zeros(1, 1024, dtype=torch.int16)).isfinite().all())


def test_gradients_pass_the_encoder():
    sample = torch.zeros(2, *KIND.form, requires_grad=True)
    KIND.likelihood(torch.ones(2, *KIND.form), sample).sum().backward()
    assert bool((sample.grad != 0).all())
    assert bool((KIND.likelihood(sample, sample) < KIND.likelihood(sample, sample + 0.1)).all())


class Mixed(nn.Module):
    """A generator whose samples are like real spectrograms, mixed by its latent."""

    def __init__(self) -> None:
        super().__init__()
        bank = KIND.encode(torch.from_numpy(RAW[:16]))
        bank[..., 5:] = -1  # no sound at all, which recordings do not have
        self.register_buffer("bank", bank)
        self.choice = nn.Linear(16, 16)

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        shares = (3 * self.choice(latent)).softmax(1)
        return (shares @ self.bank.flatten(1)).unflatten(1, KIND.form)


@pytest.fixture(scope="module")
def exported():
    torch.manual_seed(0)
    generator = Mixed().eval()
    judge = fitting.fit(KIND, RAW, LABELS, 2, seed=0, steps=20)
    return generator, judge, graph.to_onnx(generator, KIND, 16, 2, judge)


def test_the_graph_is_proven_with_scores_and_whatever_the_batch(exported):
    generator, judge, model = exported
    parity.prove_parity(generator, model, KIND, 16, 2, judge)


def test_rounding_between_pytorch_and_onnx_runtime_stays_80_db_below_full_scale(exported):
    generator, _, model = exported
    rows = parity._rows(32, 2, seed=1)
    found = Session(model.SerializeToString()).run(rows).astype(int)
    latent, label = torch.from_numpy(parity.latents(16, rows)), torch.from_numpy(rows.label)
    with torch.no_grad():
        expected = graph._Exported(generator, KIND).eval()(latent, label).numpy().astype(int)
    assert np.abs(expected).max() > 3000
    assert np.abs(expected[:, -128:]).max() <= 1
    assert np.mean(np.abs(found - expected) > 6) < 0.01  # as the documents say
    assert np.abs(found - expected).max() <= 256


def test_the_graph_has_operators_only_that_a_gpu_has(exported):
    # Kernels of the CUDA provider of ONNX Runtime 1.31; DFT and STFT have none.
    known = {
        *("Add", "Cast", "Clip", "Concat", "Conv", "Cos", "CumSum", "Div", "Exp", "Gather", "Gemm", "Identity", "Log"),
        *("MatMul", "Mul", "Pad", "ReduceMax", "Relu", "Reshape", "Round", "Sin", "Slice", "Softmax", "Sqrt", "Sub"),
        *("Transpose", "Unsqueeze", "GatherElements", "Squeeze"),
    }
    assert {node.op_type for node in exported[2].graph.node} <= known


def test_fitted_pages_are_those_of_one_page():
    many = np.tile(RAW, (3, 1))
    assert np.array_equal(
        form.spectrogram(next(iter(form.pages(many))), RATE)[:4],
        form.spectrogram(next(iter(form.pages(RAW))), RATE)[:4],
    )
