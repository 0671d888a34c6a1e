"""Between tensors and samples to be carried into other classes: the counterpart of service.rpc.carrying.

A request that has the input `content` becomes the TransformRequest that asks for the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.errors import InvalidRequest, choices
from service.repository.versions import Identity
from service.rpc.carrying import Sent
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.rpc.inference import tensors
from service.rpc.inference.inputs import FLOATS, INTEGERS, inputs_of
from service.scheduling.order import Carry

OUTPUTS = (artifact.TRANSFORMED, artifact.RECOGNISED)
PARAMETERS = ("digest", "channel", "strength")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, in terms of the contract of augmint."""

    sent: Sent
    outputs: list[str]  # names, in the order wanted


def inputs(dtype: np.dtype) -> dict[str, tuple[str, ...]]:
    """The inputs, and the datatypes that each may have, first the one that the metadata name. dtype: of samples."""
    return {
        artifact.CONTENT: (tensors.DATATYPES[dtype][0],),
        artifact.TARGET: ("BYTES", *INTEGERS),
        artifact.SOURCE: ("BYTES", *INTEGERS),
        artifact.STRENGTH: FLOATS,
    }


def carries(request: oip.ModelInferRequest) -> bool:
    """Whether samples are to be carried into other classes, rather than made."""
    return any(tensor.name == artifact.CONTENT for tensor in request.inputs)


def decode(request: oip.ModelInferRequest, classes: dict[str, int], dtype: np.dtype, shape: tuple[int, ...]) -> Asked:
    """What is asked for; raises InvalidRequest naming the input or parameter, its value and what is allowed.

    classes: class index of each label of the generator. dtype, shape: of one of its samples.
    """
    given = inputs_of(request, inputs(dtype), {artifact.CONTENT: shape})
    parameters = tensors.read_parameters(request, PARAMETERS)
    if artifact.TARGET not in given:
        raise InvalidRequest(f"there is no input 'target', BYTES [1] or [n]; labels: {choices(list(classes))}")
    found = pb.TransformRequest()
    found.label, indices = tensors.one_or_each(artifact.TARGET, given[artifact.TARGET], classes)
    found.class_indices.extend(indices)
    if artifact.SOURCE in given:
        found.source_label, indices = tensors.one_or_each(artifact.SOURCE, given[artifact.SOURCE], classes)
        found.source_class_indices.extend(indices)
    strength = tensors.one_value(artifact.STRENGTH, given, parameters)
    if strength is not None:
        found.strength = strength
    return Asked(Sent(found, given[artifact.CONTENT]), tensors.read_outputs(request, OUTPUTS))


def encoder(
    asked: Asked, request_id: str
) -> Callable[[Carry, Identity], Callable[[tuple[np.ndarray, np.ndarray]], bytes]]:
    """As service.rpc.carrying.encoder, of a ModelInferResponse."""
    names = asked.outputs

    def of(carry: Carry, identity: Identity) -> Callable[[tuple[np.ndarray, np.ndarray]], bytes]:
        def encode(result: tuple[np.ndarray, np.ndarray]) -> bytes:
            samples, recognised = result
            arrays = {
                artifact.TRANSFORMED: (tensors.DATATYPES[samples.dtype][0], samples),
                artifact.RECOGNISED: ("INT64", recognised),
            }
            return tensors.write(identity, request_id, {name: arrays[name] for name in names})

        return encode

    return of
