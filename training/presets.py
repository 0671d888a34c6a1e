"""The preset table: every system as one row of settings that differ from the defaults, beside the paper it follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Config(BaseModel):
    """Everything that decides a run beside the data, the seed and the budget; written beside its results."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    architecture: Literal["conv", "mlp"] = Field("conv", description="Family of both networks.")
    width: int = Field(
        16, ge=1, le=512, description="Channels (conv) or units (mlp) that every layer is a multiple of."
    )
    latent_size: int = Field(64, ge=1, le=4096, description="Normal draws per sample.")
    embedding_size: int = Field(32, ge=1, le=1024, description="Size of the class embedding.")
    generator_norm: Literal["conditional-batch", "batch", "none"] = Field(
        "conditional-batch", description="conditional-batch: gain and bias read latent and class (BigGAN)."
    )
    discriminator_norm: Literal["none", "batch"] = Field("none", description="batch breaks gradient penalties.")
    discriminator_conditioning: Literal["projection", "concatenation"] = "projection"
    minibatch_deviation: bool = Field(True, description="A channel with the deviation over the batch (ProGAN).")
    dropout: float = Field(0.0, ge=0, lt=1, description="In the discriminator.")
    objective: Literal["relativistic", "non-saturating"] = "relativistic"
    gamma: float = Field(
        0.3,
        ge=0,
        description="Weight of R1 and R2 at 32 x 32 elements and 2,000 samples or more; scaled to the data: in "
        "proportion to the elements of a sample, three times for fewer samples. 0: no penalty.",
    )
    gamma_final: float = Field(0.1, gt=0, le=1, description="Share of gamma at the end (cosine).")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's, of both networks.")
    learning_rate_final: float = Field(0.1, gt=0, le=1, description="Share of the learning rate at the end (cosine).")
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.9, gt=0, lt=1)
    beta2_final: float = Field(0.99, gt=0, lt=1, description="Reached along a cosine.")
    gradient_clip: float = Field(10.0, gt=0, description="Largest global norm of a network's gradient.")
    batch_size: int = Field(64, ge=8, le=4096, multiple_of=4)
    class_balance: float = Field(
        0.5, ge=0, le=1, description="Classes are drawn by count ** class_balance: 1 as they come, 0 all alike."
    )
    augmentation: float | None = Field(
        None, ge=0, le=1, description="Final probability of the discriminator's augmentation; None: by the data's size."
    )
    average_half_life: int = Field(
        500_000, ge=0, description="Samples over which the generator's moving average halves, at most; 0: no average."
    )

    def gamma_for(self, elements: int, samples: int) -> float:
        """The starting weight of the penalties for samples of `elements` values each, `samples` of them."""
        return self.gamma * (elements / 32**2) * (3 if samples < 2000 else 1)

    def augmentation_for(self, samples: int) -> float:
        """The final probability of the augmentation for a training split of that many samples."""
        if self.augmentation is not None:
            return self.augmentation
        return 0.6 if samples < 5_000 else 0.3 if samples < 20_000 else 0.0


@dataclass(frozen=True)
class Preset:
    """A named system: what it changes in the defaults, and where the settings come from."""

    source: str
    settings: dict[str, Any]

    @property
    def config(self) -> Config:
        return Config(**self.settings)


# Adam as Radford et al. set it, and nothing that came later.
_ADAM_2016: dict[str, Any] = {
    "objective": "non-saturating",
    "gamma": 0.0,
    "learning_rate": 2e-4,
    "learning_rate_final": 1.0,
    "beta1": 0.5,
    "beta2": 0.999,
    "beta2_final": 0.999,
    "augmentation": 0.0,
    "average_half_life": 0,
}

PRESETS: dict[str, Preset] = {
    "rpgan": Preset(
        "Relativistic pairing with R1 and R2 (Huang et al. 2024, R3GAN, arXiv:2501.05441), conditional batch norm "
        "(Brock et al. 2019, BigGAN), projection discriminator (Miyato and Koyama 2018), sized for a CPU",
        {},
    ),
    "dcgan": Preset(
        "DCGAN (Radford et al. 2016, arXiv:1511.06434), conditioned by concatenation (Mirza and Osindero 2014)",
        {
            **_ADAM_2016,
            "generator_norm": "batch",
            "discriminator_norm": "batch",
            "discriminator_conditioning": "concatenation",
            "minibatch_deviation": False,
            "batch_size": 128,
        },
    ),
    "cgan": Preset(
        "CGAN (Mirza and Osindero 2014, arXiv:1411.1784): perceptrons with the class beside their input; layer sizes "
        "and Adam as in common practice instead of the paper's maxout and plain SGD",
        {
            **_ADAM_2016,
            "architecture": "mlp",
            "width": 128,
            "generator_norm": "batch",
            "discriminator_conditioning": "concatenation",
            "minibatch_deviation": False,
            "dropout": 0.4,
        },
    ),
}


class PresetError(ValueError):
    """The preset does not exist or a setting does not hold; the message says which are allowed."""


def resolve(preset: str, overrides: dict[str, Any] | None = None) -> Config:
    """The configuration of a preset with some settings replaced. Raises PresetError."""
    if preset not in PRESETS:
        raise PresetError(f"no preset {preset!r}; there are: {', '.join(PRESETS)}")
    try:
        config = Config(**{**PRESETS[preset].settings, **(overrides or {})})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})" for e in error.errors())
        raise PresetError(f"preset {preset}: {faults}; settings are: {', '.join(Config.model_fields)}") from error
    for holds, fault in (
        (
            config.discriminator_norm == "batch" and config.gamma > 0,
            "discriminator_norm 'batch' with gamma above 0: a batch norm couples the samples whose gradients the "
            "penalty measures one by one; set discriminator_norm to none, or gamma to 0",
        ),
        (
            config.architecture == "mlp" and config.generator_norm == "conditional-batch",
            "generator_norm 'conditional-batch' is for architecture 'conv'; with 'mlp' use batch or none",
        ),
        (
            config.architecture == "mlp" and (config.minibatch_deviation or config.discriminator_norm == "batch"),
            "minibatch_deviation and discriminator_norm 'batch' are for architecture 'conv'",
        ),
    ):
        if holds:
            raise PresetError(f"preset {preset}: {fault}")
    return config
