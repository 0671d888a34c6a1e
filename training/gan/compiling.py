"""Networks compiled by torch.compile, where that works: faster steps for a minute of compiling at the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from training.config.config import Config
from training.errors import TrainingError


class CannotCompile(TrainingError, RuntimeError):
    """This machine cannot compile networks; the message says what is missing."""


def check(device: torch.device) -> None:
    """Forget what was compiled before, and compile something small. Raises CannotCompile."""
    # PyTorch keeps a few versions of a function, and beyond them runs it uncompiled: a run that went back several times
    # would end with other last bits than one that was killed and resumed.
    torch.compiler.reset()
    try:
        torch.compile(_probe)(torch.ones(8, device=device))
    except Exception as error:  # whatever the compiler's driver raises, it means the same here
        needs = "a C++ compiler (g++, or what CXX names) and Python's headers" if device.type == "cpu" else "Triton"
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise CannotCompile(
            f"compile=true needs {needs}; PyTorch says: {lines[0][:200] if lines else type(error).__name__}; leave the "
            "setting out to train without"
        ) from error


def _probe(values: Tensor) -> Tensor:
    return (values * 2 + 1).sin()


def forward(network: nn.Module, config: Config, *, penalised: bool = False) -> Callable[..., Tensor]:
    """The network's forward pass, compiled if the configuration asks for it.

    penalised: the gradient of a gradient is taken through it, which compiled code does not give; it stays as it is.
    """
    if not config.compile or penalised:
        return network
    module: Any = network.module if hasattr(network, "module") else network
    return torch.compile(module)
