"""One run in several processes: `torchrun` starts them, Lightning Fabric connects them, gradients are averaged here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

# The others wait while the first process measures, writes and judges.
_PATIENCE = timedelta(hours=4)


class AveragedGradients(DDPStrategy):
    """Data parallelism that averages an optimiser's gradients over the processes just before its step.

    PyTorch's DistributedDataParallel averages them in hooks of the backward pass. That forbids much of what training
    a GAN does (several forward passes before a backward one, a discriminator that is frozen while the generator
    learns, gradients of gradients, layers that are not in use yet), and at the size of these networks hides no time.
    Every change of a weight passes through an optimiser's step, so weights that start equal stay equal.
    """

    def setup_module(self, module: nn.Module) -> nn.Module:  # type: ignore[override]
        return module

    def optimizer_step(self, optimizer: Any, **options: Any) -> Any:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if gradients:
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            torch.distributed.all_reduce(flat)
            flat /= torch.distributed.get_world_size()
            parts = flat.split([gradient.numel() for gradient in gradients])
            torch._foreach_copy_(
                gradients, [part.view_as(gradient) for part, gradient in zip(parts, gradients, strict=True)]
            )
        return super().optimizer_step(optimizer, **options)


class Processes:
    """The processes of this run: one, or as many as `torchrun` started. The first one alone writes and prints."""

    def __init__(self) -> None:
        size = int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1
        self._control: Any = None
        if size == 1:
            self.fabric = Fabric(accelerator="auto", devices=1)
        else:
            here = int(os.environ["LOCAL_WORLD_SIZE"])
            strategy = AveragedGradients(timeout=_PATIENCE)
            self.fabric = Fabric(accelerator="auto", devices=here, num_nodes=size // here, strategy=strategy)
        self.fabric.launch()
        if size > 1:
            # Decisions go through the CPU, so that no process waits for its GPU to hear one.
            self._control = torch.distributed.new_group(backend="gloo", timeout=_PATIENCE)

    @property
    def count(self) -> int:
        return self.fabric.world_size

    @property
    def first(self) -> bool:
        return self.fabric.global_rank == 0

    @property
    def command(self) -> str:
        """How Python modules are started as this run was: what stands before the module's name."""
        if self.count == 1:
            return "python -m"
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = "--standalone" if here == self.count else f"--nnodes {self.count // here} ..."
        return f"torchrun {nodes} --nproc-per-node {here} -m"

    def agree(self, values: Sequence[float]) -> list[float]:
        """What the first process passes, in all of them: clocks and signals differ, decisions must not."""
        if self._control is None:
            return list(values)
        shared = torch.tensor(values, dtype=torch.float64)
        torch.distributed.broadcast(shared, src=0, group=self._control)
        return shared.tolist()

    def agree_on(self, value: Any) -> Any:
        """The same for an object; seldom needed, and slower."""
        if self._control is None:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box, src=0, group=self._control)
        return box[0]

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the processes, element by element."""
        return values if self._control is None else self.fabric.all_reduce(values, reduce_op="mean")  # type: ignore[return-value]
