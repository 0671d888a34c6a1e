"""The other branch of a file: samples in, samples of other classes out, by the same weights.

It is exported by itself and joined to the graph of addresses, whose nodes stay as they are: what a generator draws is
the same, byte for byte, with and without it. Weights that both have are stored once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from service import artifact
from training.data.kind import Kind

PREFIX = "transform/"


class Carried(nn.Module):
    """content dtype [m, *shape], target, source int64 [m], strength float32 [m] -> transformed dtype [m, *shape],
    recognised int64 [m]: the source, or what the judge says where that is negative.
    """

    def __init__(self, carrier: nn.Module, kind: Kind, judge: nn.Module) -> None:
        """judge: float32 [n, *form] -> features, logits."""
        super().__init__()
        self.carrier, self.judge, self.decoder = carrier, judge, kind.decoder()
        self._kind = kind

    def forward(self, content: Tensor, target: Tensor, source: Tensor, strength: Tensor) -> tuple[Tensor, Tensor]:
        # One row is added up in another order than many: a row more is computed, whatever the dtype, since what an
        # encoder is shown again may make more of a last bit than rounding takes back.
        content, target, source, strength = (torch.cat([x, x[:1]]) for x in (content, target, source, strength))
        form = self._kind.encode(content)
        known = torch.where(source < 0, self.judge(form)[1].argmax(1), source)
        return self.decoder(self.carrier(form, known, target, strength).float())[:-1], known[:-1]


def example(kind: Kind, classes: int) -> dict[str, Tensor]:
    """Two rows of its inputs, for the exporter."""
    torch_dtype = torch.from_numpy(np.zeros(1, kind.dtype)).dtype
    shape = tuple(kind.spec.shape)
    label = torch.arange(2) % classes
    values = torch.zeros(2, *shape, dtype=torch_dtype), label, label - 1, torch.ones(2)
    return dict(zip(artifact.ORIGINAL_INPUTS, values, strict=True))


def joined(model: onnx.ModelProto, branch: onnx.ModelProto, kind: Kind) -> onnx.ModelProto:
    """The graph of addresses with the branch beside it, whose inputs may be left out.

    model:  as training.export.address.with_latent makes it.
    branch: of `Carried`; inputs and outputs as service.artifact.signature names them.
    """
    whole = onnx.ModelProto.FromString(model.SerializeToString())
    kept = {(*_form(tensor),): tensor.name for tensor in whole.graph.initializer}
    outside = {value.name for value in [*branch.graph.input, *branch.graph.output]}
    names = {name: name for name in outside} | {"": ""}
    for tensor in branch.graph.initializer:
        form = _form(tensor)
        if form not in kept:
            kept[form] = f"{PREFIX}{tensor.name}"
            added = whole.graph.initializer.add()
            added.CopyFrom(tensor)
            added.name = kept[form]
        names[tensor.name] = kept[form]
    for node in branch.graph.node:
        added_node = whole.graph.node.add()
        added_node.CopyFrom(node)
        added_node.name = f"{PREFIX}{node.name}" if node.name else ""
        for field in (added_node.input, added_node.output):
            found = [names.setdefault(name, f"{PREFIX}{name}") for name in field]
            del field[:]
            field.extend(found)
    for value in branch.graph.input:
        whole.graph.input.add().CopyFrom(value)
    whole.graph.output.extend(branch.graph.output)
    whole.graph.initializer.extend(_nothing(kind))
    onnx.checker.check_model(whole, full_check=True)
    return whole


def _nothing(kind: Kind) -> Iterator[onnx.TensorProto]:
    """No rows of each input: ONNX Runtime takes them where nothing is given, and computes nothing."""
    dtypes = kind.dtype, *(np.dtype(each) for each in (np.int64, np.int64, np.float32))
    for name, dtype in zip(artifact.ORIGINAL_INPUTS, dtypes, strict=True):
        shape = (0, *kind.spec.shape) if name == artifact.CONTENT else (0,)
        yield numpy_helper.from_array(np.zeros(shape, dtype), name)


def _form(tensor: onnx.TensorProto) -> tuple[int, tuple[int, ...], bytes]:
    """What makes two tensors the same."""
    return tensor.data_type, tuple(tensor.dims), numpy_helper.to_array(tensor).tobytes()


def with_dimension(branch: onnx.ModelProto, kind: Kind) -> onnx.ModelProto:
    """Inputs and outputs with rows called m, whatever the exporter has called them."""
    shape = list(kind.spec.shape)
    wide = {artifact.CONTENT, artifact.TRANSFORMED}
    for value in [*branch.graph.input, *branch.graph.output]:
        dtype = value.type.tensor_type.elem_type
        dims: list[str | int | None] = ["m", *(shape if value.name in wide else ())]
        value.CopyFrom(helper.make_tensor_value_info(value.name, dtype, dims))
    return branch
