"""Batches of real samples, carried into other classes on their way to a network."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from augmint import checks
from augmint.client import Client
from augmint.errors import InvalidRequest
from augmint.generators import Description
from augmint.reading.source import Source
from augmint.torch.form import form_like
from augmint.torch.tensors import torch


class Transform:
    """Batch in, batch out: of the same shape, dtype and device, carried into other classes.

        carry = augmint.torch.Transform("localhost:50051")
        for images, labels in loader:
            images = carry(images, torch.full_like(labels, 3))

    For a loop, a collate function or a pipeline that hands over whole batches; a call for each sample would cost many
    times as much. The same batch gives the same batch again. Picklable; connects when first used, in every process.
    """

    def __init__(
        self,
        target: str | Client,
        generator: str | None = None,
        *,
        label: str | int | None = None,
        strength: float = 1.0,
        version: int | None = None,
        digest: str | None = None,
    ) -> None:
        """target:   HOST:PORT, or a Client, which then stays open when this object is closed.
        label:    the class to carry all into, for a pipeline that hands over no labels.
        strength: in [0, 1], as in `Client.transform`. generator, version, digest: as in SyntheticDataset.
        raises:   InvalidRequest (also if the generator was not trained to transform), LabelNotFound,
                  GeneratorNotFound, DigestMismatch, Unavailable.
        """
        self._source = Source(target, generator, version=version, digest=digest)
        try:
            self.strength = checks.share("strength", strength)
            self._label = None if label is None else self.description.class_index(label)
            if not self.description.message.transforms:
                raise InvalidRequest(
                    f"generator {self.description.name!r} cannot transform: its file has no encoder, which `python -m "
                    "training fit --transform` would give it"
                )
        except BaseException:
            self.close()
            raise

    @property
    def description(self) -> Description:
        """The generator, as pinned."""
        return self._source.description

    def __call__(self, batch: Any, labels: Any = None, source: Any = None) -> Any:
        """Carry a batch.

        batch:   tensor or array [n, ...] in a form that the loaders give: images [n, channels, height, width] or
                 [n, height, width, channels], of bytes or of floats in [0, 1]; sounds of floats in [-1, 1]; else the
                 generator's own form. Normalise afterwards.
        labels:  into which class, for each sample: names or class indices of the generator. Absent: `label` for all.
        source:  of which class each is, likewise. Absent: a classifier finds out.
        returns: what `batch` is, of its shape, dtype and device.
        """
        if labels is None and self._label is None:
            raise InvalidRequest("there are no labels to carry the batch into: give them, or Transform(label=...)")
        if not isinstance(batch, np.ndarray | torch.Tensor) or not batch.ndim or not len(batch):
            raise InvalidRequest(
                f"the batch is a {type(batch).__name__}; wanted a tensor or an array [n, ...], n from 1"
            )
        host = batch.detach().cpu() if isinstance(batch, torch.Tensor) else batch
        form = form_like(host[0], self.description, "the batch's samples")
        content = form.raw(list(host), self.description)
        target = np.full(len(content), self._label) if labels is None else self._classes(labels)
        moved = self._source.transform(
            content, target, None if source is None else self._classes(source), self.strength
        )
        made = form(moved)
        if isinstance(batch, torch.Tensor):
            return torch.stack(made).to(batch.device)
        return np.stack(made)

    def _classes(self, given: Any) -> np.ndarray:
        return self.description.class_indices(given.cpu().numpy() if isinstance(given, torch.Tensor) else given)

    def close(self) -> None:
        """Disconnect, unless the client was handed in."""
        self._source.close()

    def __enter__(self) -> Transform:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Transform({self._source.name}, strength {self.strength:g})"
