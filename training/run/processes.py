"""One run in several processes: `torchrun` starts them, Lightning Fabric connects them, gradients are averaged here.

They end together. A process that fails leaves the group, which closes its connections; the others, wherever they wait
for it, raise ProcessLost within a second, and leave in turn. Nothing here waits for a process that has left.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from training.errors import TrainingError

# The others wait while the first process measures, writes and judges.
_PATIENCE = timedelta(hours=4)
# Gradients are exchanged after a decision that all have heard; between the two some may have to compile.
_STEP_PATIENCE = timedelta(minutes=30)


class ProcessLost(TrainingError):
    """Another process of the run has ended, or cannot be reached, so that the run cannot go on."""


def _exchange(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The call's result; raises ProcessLost where it raises what PyTorch's backends raise for a lost connection."""
    try:
        return call(*arguments, **options)
    except RuntimeError as error:
        reason = re.sub(r"^\[[^]]*\]\s*", "", (str(error).splitlines() or [""])[0]).rstrip(". ")
    # Not inside `except`: the other error's frames refer to the group, which has to go when it is left.
    raise ProcessLost("another process of this run has ended, or cannot be reached" + (f": {reason}" if reason else ""))


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
            _exchange(torch.distributed.all_reduce, flat)
            flat /= torch.distributed.get_world_size()
            parts = flat.split([gradient.numel() for gradient in gradients])
            torch._foreach_copy_(
                gradients, [part.view_as(gradient) for part, gradient in zip(parts, gradients, strict=True)]
            )
        return super().optimizer_step(optimizer, **options)


class Processes:
    """The processes of this run: one, or as many as `torchrun` started. The first one alone writes and prints.

    `close` it, or use it as a context, before the interpreter ends: gloo's threads hold tensors that belong to Python,
    and one that gives such a tensor back while the interpreter is being taken down aborts the process ("terminate
    called without an active exception").
    """

    def __init__(self) -> None:
        """Raises ProcessLost if the others do not come."""
        size = int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1
        self._control: Any = None
        if size == 1:
            self.fabric = Fabric(accelerator="auto", devices=1)
        else:
            here = int(os.environ["LOCAL_WORLD_SIZE"])
            strategy = AveragedGradients(timeout=_STEP_PATIENCE)
            self.fabric = Fabric(accelerator="auto", devices=here, num_nodes=size // here, strategy=strategy)
        _exchange(self.fabric.launch)
        if size > 1:
            # Decisions go through the CPU, so that no process waits for its GPU to hear one.
            self._control = _exchange(torch.distributed.new_group, backend="gloo", timeout=_PATIENCE)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the others; those that still wait for this process raise ProcessLost. May be called twice."""
        if self._control is None:
            return
        self._control = None
        torch.distributed.destroy_process_group()  # joins their threads, as nothing refers to the groups any more

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

    def speaks(self) -> bool:
        """Whether this process is the one to say why the run ends: the first of them that asks."""
        if self._control is None:
            return True
        try:
            return torch.distributed.distributed_c10d._get_default_store().add("augmint/spoken", 1) == 1
        except RuntimeError:  # the store went with its process
            return True

    def agree(self, values: Sequence[float], stop: bool = False) -> tuple[list[float], bool]:
        """What the first process passes, in all of them: clocks and signals differ, decisions must not.

        stop: whether this process was asked to stop; returned is whether any of them was.
        """
        if self._control is None:
            return list(values), stop
        # The largest of each: of what the first process alone has a say in, its own.
        own = list(values) if self.first else [-math.inf] * len(values)
        shared = torch.tensor([*own, float(stop)], dtype=torch.float64)
        _exchange(torch.distributed.all_reduce, shared, torch.distributed.ReduceOp.MAX, group=self._control)
        *agreed, stopping = shared.tolist()
        return agreed, bool(stopping)

    def agree_on(self, value: Any) -> Any:
        """What the first process passes, an object; seldom needed, and slower."""
        if self._control is None:
            return value
        box = [value]
        _exchange(torch.distributed.broadcast_object_list, box, src=0, group=self._control)
        return box[0]

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the processes, element by element."""
        return values if self._control is None else _exchange(self.fabric.all_reduce, values, reduce_op="mean")
