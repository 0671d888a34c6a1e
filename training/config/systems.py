"""The preset table: every system as one row of settings that differ from the defaults, beside the paper it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.config.config import Config


@dataclass(frozen=True)
class Preset:
    """A named system: the settings that its paper has a say in, and where they come from."""

    source: str
    settings: dict[str, Any]

    @property
    def config(self) -> Config:
        return Config(**self.settings)

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that are not the default's, in the order of the configuration."""
        config, default = self.config, Config.model_validate({})
        values = {name: getattr(config, name) for name in Config.model_fields}
        return {name: value for name, value in values.items() if value != getattr(default, name)}


# Nothing that came after the papers of 2014 to 2018: their systems stand as they were.
_PLAIN: dict[str, Any] = {
    "gamma": 0.0,
    "minibatch_deviation": False,
    "learning_rate_schedule": "constant",
    "augmentation": 0.0,
    "average_half_life": 0,
}
# Adam as Radford et al. set it.
_ADAM_2016: dict[str, Any] = {**_PLAIN, "learning_rate": 2e-4, "beta1": 0.5, "beta2": 0.999, "beta2_final": 0.999}
_DCGAN: dict[str, Any] = {
    **_ADAM_2016,
    "objective": "non-saturating",
    "generator_norm": "batch",
    "discriminator_norm": "batch",
    "discriminator_conditioning": "concatenation",
    "batch_size": 128,
}
_PERCEPTRONS: dict[str, Any] = {
    **_ADAM_2016,
    "objective": "non-saturating",
    "architecture": "mlp",
    "width": 128,
    "generator_norm": "batch",
    "dropout": 0.4,
}
# For samples of choices and values, in the sizes of CTGAN.
_MIXED: dict[str, Any] = {
    "architecture": "blocks",
    "width": 256,
    "generator_norm": "layer",
    "discriminator_conditioning": "concatenation",
    "batch_size": 500,
    "class_balance": 1.0,
}
# The generator alone, choice by choice.
_LIKELIHOOD: dict[str, Any] = {
    **_PLAIN,
    "objective": "likelihood",
    "latent_size": 0,
    "generator_norm": "none",
    "discriminator_conditioning": "none",
    "learning_rate": 2e-3,
    "learning_rate_schedule": "cosine",
    "learning_rate_final": 0.02,
    "beta1": 0.9,
    "beta2": 0.99,
    "beta2_final": 0.99,
}

# Kingma and Welling 2014, as small convolutions take it.
_VAE: dict[str, Any] = {
    **_PLAIN,
    "objective": "evidence",
    "kl_weight": 0.25,
    "latent_size": 32,
    "generator_norm": "batch",
    "discriminator_norm": "batch",
    "discriminator_conditioning": "concatenation",
    "learning_rate": 1e-3,
    "learning_rate_schedule": "cosine",
    "beta1": 0.9,
    "beta2": 0.999,
    "beta2_final": 0.999,
    "average_half_life": 500_000,
}

PRESETS: dict[str, Preset] = {
    "rpgan": Preset(
        "Relativistic pairing with R1 and R2 (Huang et al. 2024, R3GAN, arXiv:2501.05441), conditional batch norm "
        "(Brock et al. 2019, BigGAN), projection discriminator (Miyato and Koyama 2018), sized for a CPU",
        {},
    ),
    "vanilla": Preset(
        "GAN (Goodfellow et al. 2014, arXiv:1406.2661), perceptrons; knows no classes, so for data of one class. Layer "
        "sizes and Adam as in common practice; the paper's own: objective=minimax optimizer=sgd beta1=0.5",
        {**_PERCEPTRONS, "discriminator_conditioning": "none"},
    ),
    "cgan": Preset(
        "CGAN (Mirza and Osindero 2014, arXiv:1411.1784): perceptrons with the class beside their input; layer sizes "
        "and Adam as in common practice instead of the paper's maxout and plain SGD",
        {**_PERCEPTRONS, "discriminator_conditioning": "concatenation"},
    ),
    "dcgan": Preset(
        "DCGAN (Radford et al. 2016, arXiv:1511.06434), conditioned by concatenation (Mirza and Osindero 2014)",
        _DCGAN,
    ),
    "lsgan": Preset(
        "LSGAN (Mao et al. 2017, arXiv:1611.04076): least squares on DCGAN's networks and Adam",
        {**_DCGAN, "objective": "least-squares"},
    ),
    "acgan": Preset(
        "AC-GAN (Odena et al. 2017, arXiv:1610.09585): DCGAN's networks, dropout, a classifier in the discriminator",
        {
            **_DCGAN,
            "discriminator_conditioning": "auxiliary-classifier",
            "dropout": 0.5,
            "batch_size": 100,
        },
    ),
    "wgan": Preset(
        "WGAN (Arjovsky et al. 2017, arXiv:1701.07875): clipped weights, RMSprop, 5 critic steps; rate 20 and "
        "clip 5 times the paper's 5e-5 and 0.01, for runs of minutes",
        {
            **_DCGAN,
            "objective": "wasserstein",
            "weight_clip": 0.05,
            "optimizer": "rmsprop",
            "learning_rate": 1e-3,
            "critic_steps": 5,
            "batch_size": 64,
        },
    ),
    "wgan-gp": Preset(
        "WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028): slopes drawn to 1 with weight 10, layer norm in the "
        "critic, 5 critic steps; 10 times the paper's rate, for runs of minutes, and linear to 0",
        {
            **_PLAIN,
            "objective": "wasserstein",
            "unit_slope": 10.0,
            "generator_norm": "batch",
            "discriminator_norm": "layer",
            "discriminator_conditioning": "concatenation",
            "learning_rate": 1e-3,
            "learning_rate_schedule": "linear",
            "learning_rate_final": 0.0,
            "beta1": 0.0,
            "beta2": 0.9,
            "beta2_final": 0.9,
            "critic_steps": 5,
        },
    ),
    "sngan": Preset(
        "SNGAN (Miyato et al. 2018, arXiv:1802.05957): spectral norm, hinge, 5 critic steps; projection (Miyato and "
        "Koyama 2018, arXiv:1802.05637); 5 times the paper's rate, for runs of minutes",
        {
            **_PLAIN,
            "objective": "hinge",
            "spectral_norm": "discriminator",
            "learning_rate": 1e-3,
            "learning_rate_schedule": "linear",
            "learning_rate_final": 0.0,
            "beta1": 0.0,
            "beta2": 0.9,
            "beta2_final": 0.9,
            "critic_steps": 5,
        },
    ),
    "progan": Preset(
        "Progressive growing (Karras et al. 2018, arXiv:1710.10196): fade-in, equalised rate, pixel norm, minibatch "
        "deviation, WGAN-GP with drift, an average of the generator; one convolution per resolution, "
        "10 times the paper's rate, for runs of minutes",
        {
            **_PLAIN,
            "architecture": "progressive",
            "output": "linear",
            "generator_norm": "pixel",
            "equalised_rate": True,
            "minibatch_deviation": True,
            "discriminator_conditioning": "auxiliary-classifier",
            "objective": "wasserstein",
            "unit_slope": 10.0,
            "drift": 0.001,
            "learning_rate": 1e-2,
            "beta1": 0.0,
            "beta2": 0.99,
            "beta2_final": 0.99,
            "average_half_life": 10_000,
        },
    ),
    "wavegan": Preset(
        "WaveGAN (Donahue et al. 2019, arXiv:1802.04208) for sounds read as waves (--waves): kernels of 25, strides of "
        "4, phase shuffle, WGAN-GP with 5 critic steps; the class beside the input (Mirza and Osindero 2014). The "
        "paper's width is 64, for a GPU",
        {
            **_PLAIN,
            "architecture": "wave",
            "latent_size": 100,
            "objective": "wasserstein",
            "unit_slope": 10.0,
            "generator_norm": "none",
            "discriminator_conditioning": "concatenation",
            "phase_shuffle": 2,
            "learning_rate": 1e-4,
            "beta1": 0.5,
            "beta2": 0.9,
            "beta2_final": 0.9,
            "critic_steps": 5,
        },
    ),
    "musegan": Preset(
        "MuseGAN (Dong et al. 2018, arXiv:1709.06298): a plan of all bars and one network for each of them, binary "
        "neurons with straight-through gradients (Dong and Yang 2018, arXiv:1804.09399), with the objective of rpgan. "
        "The paper's: objective=wasserstein unit_slope=10 gamma=0 critic_steps=5",
        {"architecture": "segments", "width": 8, "batch_size": 32},
    ),
    "vae": Preset(
        "Conditional variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114; Sohn et al. 2015), "
        "the divergence at a quarter of its weight (Higgins et al. 2017), or small images leave the latent unused; it "
        "leaves no mode out: the comparison and the safety net",
        _VAE,
    ),
    "ctgan": Preset(
        "CTGAN (Xu et al. 2019, arXiv:1907.00503): training by sampling, ten judged together (Lin et al. 2018, "
        "PacGAN), WGAN-GP, residual layers; layer norm instead of batch norm, and an average of the generator",
        {
            **_PLAIN,
            **_MIXED,
            "objective": "wasserstein",
            "unit_slope": 10.0,
            "shown": "one",
            "pack": 10,
            "dropout": 0.5,
            "latent_size": 128,
            "learning_rate": 2e-4,
            "beta1": 0.5,
            "beta2": 0.9,
            "beta2_final": 0.9,
            "average_half_life": 500_000,
        },
    ),
    # On Adult, one run each: macro-F1 of a classifier of its samples 0.787 and 0.790 after warming up with 6 passes,
    # 0.793 to 0.798 with one for each choice. Competing at the rate of the warm-up undid some of it (0.790 to 0.785),
    # at a small rate at the end as much (0.797 to 0.792), but columns came nearer (median distance 0.0099 to 0.0078).
    "tabgan": Preset(
        "The objective of rpgan for samples of choices and values: made in passes by a masked autoencoder that warms "
        "up by itself (Li et al. 2024, TAEGAN, arXiv:2410.01933), with the residual layers of CTGAN",
        {
            **_MIXED,
            "minibatch_deviation": False,
            "discriminator_conditioning": "projection",
            "gamma": 2.0,
            "shown": "first",
            "passes": 64,
            "warmup": 0.9,
            "latent_size": 64,
            "learning_rate_final": 0.02,
            "discriminator_learning_rate": 2e-3,
        },
    ),
    "tvae": Preset(
        "TVAE (Xu et al. 2019, arXiv:1907.00503, section 4.5): a variational autoencoder of perceptrons, for samples "
        "of choices and values; knows the class, as all of them do here",
        {
            **_PLAIN,
            "architecture": "mlp",
            "objective": "evidence",
            "kl_weight": 0.5,
            "latent_size": 128,
            "width": 32,
            "generator_norm": "none",
            "discriminator_conditioning": "concatenation",
            "learning_rate_schedule": "cosine",
            "beta1": 0.9,
            "beta2": 0.999,
            "beta2_final": 0.999,
            "batch_size": 500,
            "class_balance": 1.0,
            "average_half_life": 500_000,
        },
    ),
    "argn": Preset(
        "TabularARGN (Tiwald et al. 2025, arXiv:2501.12012): the likelihood of a sample as a product over its choices, "
        "a perceptron for each on the label and the choices before it; in a fixed order, with two hidden layers, and "
        "the moving average that is best on samples held out of training",
        {
            **_LIKELIHOOD,
            "architecture": "autoregressive",
            "width": 128,
            "embedding_size": 16,
            "dropout": 0.25,
            "batch_size": 512,
            "weight_decay": 0.6,
            "average_half_life": 500_000,
        },
    ),
    "gru": Preset(
        "A recurrent language model (Cho et al. 2014, arXiv:1406.1078; Graves 2013) of sequences of one alphabet, "
        "by maximum likelihood: better than adversarial training at any temperature (Caccia et al. 2020, "
        "arXiv:1811.02549); the moving average that is best on samples held out of training",
        {
            **_LIKELIHOOD,
            "architecture": "recurrent",
            "width": 256,
            "embedding_size": 32,
            "dropout": 0.3,
            "batch_size": 128,
            "average_half_life": 100_000,
        },
    ),
    "textgan": Preset(
        "The objective of rpgan on convolutions over units, of which the discriminator sees chosen ones, with the "
        "gradient of their probabilities (Bengio et al. 2013, arXiv:1308.3432)",
        {"width": 32, "gamma": 1.0, "augmentation": 0.0},
    ),
    "textwgan": Preset(
        "WGAN-GP on convolutions over units (Gulrajani et al. 2017, arXiv:1704.00028, section 5.3; there the critic "
        "sees probabilities, here chosen units, as of textgan); 5 critic steps, 10 times the paper's rate, for runs "
        "of minutes",
        {
            **_PLAIN,
            "width": 32,
            "objective": "wasserstein",
            "unit_slope": 10.0,
            "discriminator_conditioning": "concatenation",
            "learning_rate": 1e-3,
            "learning_rate_schedule": "linear",
            "learning_rate_final": 0.0,
            "beta1": 0.5,
            "beta2": 0.9,
            "beta2_final": 0.9,
            "critic_steps": 5,
            "average_half_life": 500_000,
        },
    ),
    "textvae": Preset(
        "The vae on convolutions over units, drawn one by one (Kingma and Welling 2014, arXiv:1312.6114): twice "
        "as wide, with a larger latent, and the divergence at half of its weight",
        {**_VAE, "width": 32, "latent_size": 64, "kl_weight": 0.5},
    ),
}
