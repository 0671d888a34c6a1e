"""The settings of a run: what may be written in a row of the preset table, in a file, or after --set."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Architecture = Literal["conv", "mlp", "progressive", "blocks", "autoregressive", "recurrent", "segments", "wave"]


class Config(BaseModel):
    """Everything that decides a run beside the data, the seed and the budget; written beside its results."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    # Networks
    architecture: Architecture = Field(
        "conv",
        description="Family of both networks; progressive: they grow while they train (ProGAN); blocks: for samples of "
        "choices and values, such as rows of a table; autoregressive: one network for each choice on those before it "
        "(TabularARGN); recurrent: one for all of them, which remembers; segments: parts in time, made by one network "
        "after a plan of all (MuseGAN); wave: for sounds as waves (WaveGAN).",
    )
    width: int = Field(
        16,
        ge=1,
        le=512,
        description="Channels (conv) or units (mlp) that every layer is a multiple of; units of a layer (blocks, "
        "autoregressive, recurrent; fewer where there are many choices).",
    )
    layers: int = Field(2, ge=1, le=16, description="Hidden layers of both networks (blocks).")
    latent_size: int = Field(64, ge=0, le=4096, description="Normal draws per sample; a likelihood has none.")
    embedding_size: int = Field(
        32,
        ge=1,
        le=1024,
        description="Size of the class embedding; where choices are embedded, of theirs too, at most.",
    )
    output: Literal["tanh", "linear", "sigmoid"] = Field(
        "tanh", description="Last activation of the generator; linear is cut to [-1, 1] when training is over."
    )
    generator_norm: Literal["conditional-batch", "batch", "layer", "pixel", "none"] = Field(
        "conditional-batch", description="conditional-batch: gain and bias read latent and class (BigGAN)."
    )
    discriminator_norm: Literal["none", "batch", "layer"] = Field(
        "none", description="batch breaks gradient penalties."
    )
    spectral_norm: Literal["none", "discriminator", "both"] = Field(
        "none", description="Networks whose weights are divided by their largest singular value (SNGAN, SAGAN)."
    )
    equalised_rate: bool = Field(False, description="Weights of unit deviation, scaled where they are used (ProGAN).")
    weight_deviation: float | None = Field(
        None, gt=0, le=1, description="Start weights from N(0, this) (DCGAN: 0.02); none: as suits each layer."
    )
    discriminator_conditioning: Literal["projection", "concatenation", "auxiliary-classifier", "none"] = Field(
        "projection", description="How the discriminator meets the class; none: it does not, and teaches none."
    )
    classifier_weight: float = Field(1.0, gt=0, description="Of the auxiliary classifier's cross-entropy.")
    minibatch_deviation: bool = Field(True, description="A channel with the deviation over the batch (ProGAN).")
    dropout: float = Field(0.0, ge=0, lt=1, description="In the discriminator; in the generator of a likelihood.")
    phase_shuffle: int = Field(
        0, ge=0, le=16, description="Frames by which what the discriminator's layers see is moved at random (WaveGAN)."
    )
    segments: int = Field(4, ge=2, le=64, description="Parts in time of a sample (segments): bars of music.")
    growing_share: float = Field(0.5, ge=0, le=1, description="Share of the run in which progressive networks grow.")

    # What the generator is shown of real samples while it learns (blocks)
    shown: Literal["none", "one", "first"] = Field(
        "none",
        description="one: one choice, rare ones more often (CTGAN); first: what comes before a part (a masked "
        "autoencoder), which it then makes by itself, in passes.",
    )
    passes: int = Field(4, ge=1, le=64, description="In which a sample is made, at most one for each choice.")
    shown_weight: float = Field(1.0, ge=0, description="Of the generator's error about real samples that it is shown.")
    warmup: float = Field(0.0, ge=0, lt=1, description="Share of the run in which the generator learns by that alone.")
    pack: int = Field(1, ge=1, le=64, description="Samples that the discriminator judges together (PacGAN).")

    # Objective
    objective: Literal[
        "relativistic", "non-saturating", "minimax", "least-squares", "wasserstein", "hinge", "evidence", "likelihood"
    ] = Field(
        "relativistic",
        description="What is minimised; evidence: a variational autoencoder; likelihood: the generator alone, on the "
        "choices that samples are made of.",
    )
    label_smoothing: float = Field(0.0, ge=0, lt=0.5, description="Reals have the target 1 minus this, one-sided.")
    gamma: float = Field(
        0.3,
        ge=0,
        description="Weight of R1 and R2 at 32 x 32 elements and 2,000 samples or more; scaled to the data: in "
        "proportion to the elements of a sample, three times for fewer samples. 0: no penalty.",
    )
    gamma_final: float = Field(0.1, gt=0, le=1, description="Share of gamma at the end (cosine).")
    unit_slope: float = Field(0.0, ge=0, description="Weight of WGAN-GP's penalty between reals and fakes. 0: none.")
    drift: float = Field(0.0, ge=0, description="Weight of the mean squared logit of reals (ProGAN).")
    weight_clip: float = Field(0.0, ge=0, description="Largest weight in the critic (WGAN). 0: any.")
    kl_weight: float = Field(1.0, ge=0, description="Of the divergence, in a variational autoencoder.")
    kl_warmup: float = Field(0.2, ge=0, le=1, description="Share of the run in which kl_weight rises from 0.")

    # Optimisation
    optimizer: Literal["adam", "rmsprop", "sgd"] = Field("adam", description="Of both networks.")
    learning_rate: float = Field(1e-3, gt=0, description="Of both networks.")
    discriminator_learning_rate: float | None = Field(
        None, gt=0, description="Of the discriminator where it differs: two time scales (Heusel et al. 2017)."
    )
    learning_rate_schedule: Literal["cosine", "linear", "constant"] = "cosine"
    learning_rate_final: float = Field(
        0.1, ge=0, le=1, description="Share of the rates at the end; a constant schedule has none."
    )
    beta1: float = Field(0.0, ge=0, lt=1, description="Adam's; the momentum of sgd.")
    beta2: float = Field(0.9, gt=0, lt=1)
    beta2_final: float = Field(0.99, gt=0, lt=1, description="Reached along a cosine.")
    weight_decay: float = Field(
        0.0, ge=0, le=10, description="Share of the rate by which a step shrinks all weights (AdamW), of both networks."
    )
    critic_steps: int = Field(1, ge=1, le=100, description="Steps of the discriminator for one of the generator.")
    compile: bool = Field(
        False,
        description="Compile the networks (torch.compile): a minute at the start, faster steps afterwards; other last "
        "bits. Networks under a gradient penalty are compiled only where no gradient of it is taken.",
    )
    gradient_clip: float = Field(10.0, ge=0, description="Largest global norm of a network's gradient. 0: any.")

    # Data
    batch_size: int = Field(64, ge=8, le=4096, multiple_of=4)
    class_balance: float = Field(
        0.5, ge=0, le=1, description="Classes are drawn by count ** class_balance: 1 as they come, 0 all alike."
    )
    augmentation: float | None = Field(
        None, ge=0, le=1, description="Final probability of the discriminator's augmentation; none: by the data's size."
    )
    average_half_life: int = Field(
        500_000, ge=0, description="Samples over which the generator's moving average halves, at most; 0: no average."
    )

    @property
    def competes(self) -> bool:
        """Whether there is a discriminator: neither an encoder in its place nor a likelihood."""
        return self.objective not in ("evidence", "likelihood")

    def gamma_for(self, elements: int, samples: int) -> float:
        """The starting weight of the penalties for samples of `elements` values each, `samples` of them."""
        return self.gamma * (elements / 32**2) * (3 if samples < 2000 else 1)

    def augmentation_for(self, samples: int) -> float:
        """The final probability of the augmentation for a training split of that many samples."""
        if self.augmentation is not None:
            return self.augmentation
        return 0.6 if samples < 5_000 else 0.3 if samples < 20_000 else 0.0
