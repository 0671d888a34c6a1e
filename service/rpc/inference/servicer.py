"""One method per call of the protocol."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.call import Call, Later
from service.errors import GeneratorNotFound, GeneratorNotReady, InvalidRequest, quote
from service.repository.repository import Loaded, Repository
from service.rpc import codec
from service.rpc.carrying import check_transforms
from service.rpc.inference import carrying, tensors
from service.rpc.inference import grpc_predict_v2_pb2 as oip
from service.rpc.servicer import answer, carry
from service.scheduling.scheduler import Scheduler

SERVICE = oip.DESCRIPTOR.services_by_name["GRPCInferenceService"]
PLATFORM = "augmint"
# For probes, which have no token: these tell no more than grpc.health.v1 does.
OPEN = frozenset({"ServerLive", "ServerReady", "ModelReady"})
# Methods whose requests may be as large as their answers.
BODIES = frozenset({"ModelInfer"})

_STATES = {
    pb.GENERATOR_STATE_LOADING: "LOADING",
    pb.GENERATOR_STATE_READY: "READY",
    pb.GENERATOR_STATE_RETIRING: "READY",
    pb.GENERATOR_STATE_FAILED: "UNAVAILABLE",
}


class InferenceServicer:
    """inference.GRPCInferenceService, from bytes to bytes."""

    def __init__(
        self, repository: Repository, scheduler: Scheduler, ready: Callable[[], bool], live: Callable[[], bool]
    ) -> None:
        """
        ready: whether calls are welcome.
        live:  whether they may ever be again; false asks for a restart of the process.
        """
        self._repository = repository
        self._scheduler = scheduler
        self._ready = ready
        self._live = live

    def ServerLive(self, raw: bytes, call: Call) -> bytes:
        codec.read(raw, oip.ServerLiveRequest)
        return oip.ServerLiveResponse(live=self._live()).SerializeToString()

    def ServerReady(self, raw: bytes, call: Call) -> bytes:
        codec.read(raw, oip.ServerReadyRequest)
        return oip.ServerReadyResponse(ready=self._ready()).SerializeToString()

    def ModelReady(self, raw: bytes, call: Call) -> bytes:
        request = codec.read(raw, oip.ModelReadyRequest)
        try:
            self._get(request.name, request.version)
        except (GeneratorNotFound, GeneratorNotReady):
            return oip.ModelReadyResponse(ready=False).SerializeToString()
        return oip.ModelReadyResponse(ready=self._ready()).SerializeToString()

    def ServerMetadata(self, raw: bytes, call: Call) -> bytes:
        codec.read(raw, oip.ServerMetadataRequest)
        return oip.ServerMetadataResponse(
            name="augmint", version=_version(), extensions=["model_configuration"]
        ).SerializeToString()

    def ModelMetadata(self, raw: bytes, call: Call) -> bytes:
        request = codec.read(raw, oip.ModelMetadataRequest)
        generator = self._get(request.name, request.version)
        name = generator.identity.name
        tensor = oip.ModelMetadataResponse.TensorMetadata
        return oip.ModelMetadataResponse(
            name=name,
            versions=sorted({str(other.version) for other in self._repository.ready() if other.name == name}, key=int),
            platform=PLATFORM,
            inputs=[
                tensor(name=each, datatype=datatype, shape=shape)
                for each, (datatype, shape, _) in _inputs(generator).items()
            ],
            outputs=[
                tensor(name=each, datatype=datatype, shape=shape)
                for each, (datatype, _, shape) in _outputs(generator).items()
            ],
        ).SerializeToString()

    def ModelConfig(self, raw: bytes, call: Call) -> bytes:
        request = codec.read(raw, oip.ModelConfigRequest)
        generator = self._get(request.name, request.version)
        config = oip.ModelConfig(
            name=generator.identity.name,
            platform=PLATFORM,
            backend=PLATFORM,
            input=[
                oip.ModelInput(
                    name=each,
                    data_type="TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}",
                    dims=shape,
                    optional=optional,
                )
                for each, (datatype, shape, optional) in _inputs(generator).items()
            ],
            output=[
                oip.ModelOutput(name=each, data_type=kind, dims=shape)
                for each, (_, kind, shape) in _outputs(generator).items()
            ],
        )
        config.parameters["labels"].string_value = json.dumps(list(generator.message.labels), ensure_ascii=False)
        config.parameters["max_samples"].string_value = str(generator.max_samples)
        return oip.ModelConfigResponse(config=config).SerializeToString()

    def ModelInfer(self, raw: bytes, call: Call) -> Later:
        request = codec.read(raw, oip.ModelInferRequest)
        generator = self._get(request.model_name, request.model_version, *tensors.pins(request))
        identity, number = generator.identity, request.id
        if carrying.carries(request):
            check_transforms(generator)
            engine = generator.queue.engine
            moved = carrying.decode(request, generator.classes, engine.sample_dtype, engine.sample_shape)
            return carry(self._scheduler, generator, moved.sent, call, carrying.encoder(moved, number))
        asked = tensors.decode(request, generator.classes)
        return answer(
            self._scheduler,
            generator,
            asked.request,
            call,
            lambda samples, order: tensors.encode(asked, number, samples, order, identity),
        )

    def RepositoryIndex(self, raw: bytes, call: Call) -> bytes:
        request = codec.read(raw, oip.RepositoryIndexRequest)
        if request.repository_name:
            raise InvalidRequest(
                f"repository_name is {quote(request.repository_name)}; leave it empty, there is one repository"
            )
        models = [
            oip.RepositoryIndexResponse.ModelIndex(
                name=status.name, version=str(status.version), state=_STATES[status.state], reason=status.reason
            )
            for status in self._repository.statuses()
        ]
        return oip.RepositoryIndexResponse(
            models=[model for model in models if model.state == "READY" or not request.ready]
        ).SerializeToString()

    def _get(self, name: str, version: str, digest: str = "", channel: str = "") -> Loaded:
        if version and not artifact.VERSION.fullmatch(version):
            raise InvalidRequest(
                f"version {quote(version)} is none: a whole number from 1, without sign and leading zeros, or empty"
            )
        return self._repository.get(name, int(version or 0), digest, channel)


def _inputs(generator: Loaded) -> dict[str, tuple[str, list[int], bool]]:
    """Datatype and shape of each input, and whether a request may leave it out.

    Of a file that transforms a request has `label` or `content`, so that neither has to be there.
    """
    many = ("label", "index", artifact.TARGET, artifact.SOURCE)
    engine = generator.queue.engine
    known = tensors.INPUTS | (carrying.inputs(engine.sample_dtype) if generator.message.transforms else {})
    found = {
        name: (datatypes[0], [-1] if name in many else [1], name != "label" or generator.message.transforms)
        for name, datatypes in known.items()
    }
    if generator.message.transforms:
        found[artifact.CONTENT] = (known[artifact.CONTENT][0], [-1, *engine.sample_shape], True)
    return found


def _outputs(generator: Loaded) -> dict[str, tuple[str, oip.DataType, list[int]]]:
    """Datatype, Triton's number for it, and shape of each output."""
    engine = generator.queue.engine
    samples = (*tensors.DATATYPES[engine.sample_dtype], [-1, *engine.sample_shape])
    found = {
        "sample": samples,
        "index": ("UINT64", oip.TYPE_UINT64, [-1]),
        "class_index": ("INT64", oip.TYPE_INT64, [-1]),
        "seed": ("UINT64", oip.TYPE_UINT64, [1]),
    }
    if generator.message.transforms:
        found |= {artifact.TRANSFORMED: samples, artifact.RECOGNISED: ("INT64", oip.TYPE_INT64, [-1])}
    return found


def _version() -> str:
    try:
        return importlib.metadata.version("augmint-platform")
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"
