"""What the networks have in common that choose one token after another."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Chooser(nn.Module):
    """latent float32 [n, 0], label int64 [n], uniform float32 [n, positions] in (0, 1], truncation float32 [n] ->
    tokens int64 [n, positions], what is left of the uniform numbers float32 [n, positions] in (0, 1].

    The truncation is the temperature of the choices: 1 draws as was learned, less draws the more likely ones more
    often.
    """

    tempered = True

    def forward(
        self,
        latent: Tensor,
        label: Tensor,
        uniform: Tensor | None = None,
        truncation: Tensor | None = None,
        tokens: Tensor | None = None,
    ) -> Any:
        """With tokens, int64 [n, positions]: of each the negative logarithm of its probability, float32 likewise."""
        if tokens is not None:
            return self.surprise(label, tokens)
        assert uniform is not None, "samples are drawn by chance"
        assert truncation is not None, "and at a temperature"
        return self.drawn(label, uniform, truncation)

    def surprise(self, label: Tensor, tokens: Tensor) -> Tensor:
        """See forward."""
        raise NotImplementedError

    def drawn(self, label: Tensor, uniform: Tensor, truncation: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        raise NotImplementedError
