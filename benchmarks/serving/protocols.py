"""How readers speak to a server: what they send for some rows, and where the samples are in what comes back."""

from __future__ import annotations

import base64
import functools
import http.client
import json
import struct
from collections.abc import Callable

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from benchmarks.serving.row import ROW
from service import artifact
from service.rpc.inference import grpc_predict_v2_pb2 as v2

OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
]


class Protocol:
    """gRPC, as far as its calls are alike."""

    method: str
    multiplexed = True  # several calls at once on one connection

    def __init__(self, name: str) -> None:
        self._name = name

    def connect(self, target: str) -> Callable[[bytes], bytes]:
        """A connection of its own: request in, answer out."""
        call = grpc.insecure_channel(f"ipv4:{target}" if "," in target else target, OPTIONS).unary_unary(self.method)
        return functools.partial(call, timeout=60)

    def request(self, seed: int, start: int, n: int) -> bytes:
        """Ask for rows start to start + n - 1 of a seed, label 0."""
        raise NotImplementedError

    def samples(self, answer: bytes) -> bytes:
        """What the answer carries."""
        raise NotImplementedError

    def h2load(self, target: str, request: bytes) -> tuple[bytes, list[str]]:
        """The body that h2load sends, and its flags."""
        flags = ["-H", "content-type: application/grpc", "-H", "te: trailers", f"http://{target}{self.method}"]
        return b"\0" + struct.pack(">I", len(request)) + request, flags  # gRPC's frame: not compressed, length


class Augmint(Protocol):
    method = "/augmint.v1.GeneratorService/Generate"

    def request(self, seed: int, start: int, n: int) -> bytes:
        message = pb.GenerateRequest(generator=self._name, class_indices=[0] * n, seed=seed, start_index=start)
        return message.SerializeToString()

    def samples(self, answer: bytes) -> bytes:
        return pb.GenerateResponse.FromString(answer).data


class OpenInference(Protocol):
    method = "/inference.GRPCInferenceService/ModelInfer"

    def request(self, seed: int, start: int, n: int) -> bytes:
        message = v2.ModelInferRequest(model_name=self._name, raw_input_contents=[_rows(seed, start, n)])
        message.inputs.add(name="rows", datatype="UINT8", shape=[n, ROW.itemsize])
        return message.SerializeToString()

    def samples(self, answer: bytes) -> bytes:
        return v2.ModelInferResponse.FromString(answer).raw_output_contents[0]


class OpenInferenceBytes(OpenInference):
    def request(self, seed: int, start: int, n: int) -> bytes:
        rows = _rows(seed, start, n)
        message = v2.ModelInferRequest(model_name=self._name, raw_input_contents=[struct.pack("<I", len(rows)) + rows])
        message.inputs.add(name="rows", datatype="BYTES", shape=[1])
        return message.SerializeToString()

    def samples(self, answer: bytes) -> bytes:
        return super().samples(answer)[4:]


class Http(Protocol):
    multiplexed = False
    content_type = "application/octet-stream"

    def connect(self, target: str) -> Callable[[bytes], bytes]:
        connection = http.client.HTTPConnection(target, timeout=60)

        def send(request: bytes) -> http.client.HTTPResponse:
            connection.request("POST", self._name, request, {"content-type": self.content_type})
            return connection.getresponse()

        def call(request: bytes) -> bytes:
            try:
                answer = send(request)
            except ConnectionError:
                # Servers close what was idle for some seconds.
                connection.close()
                answer = send(request)
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise ValueError(f"HTTP status {answer.status}: {body[:200]!r}")
            return body

        return call

    def request(self, seed: int, start: int, n: int) -> bytes:
        return _rows(seed, start, n)

    def samples(self, answer: bytes) -> bytes:
        return answer

    def h2load(self, target: str, request: bytes) -> tuple[bytes, list[str]]:
        return request, ["--h1", "-H", f"content-type: {self.content_type}", f"http://{target}{self._name}"]


class Json(Http):
    content_type = "application/json"

    def request(self, seed: int, start: int, n: int) -> bytes:
        return b'{"rows":["%s"]}' % base64.b64encode(_rows(seed, start, n))

    def samples(self, answer: bytes) -> bytes:
        return base64.b64decode(json.loads(answer)[0])


PROTOCOLS = {"augmint": Augmint, "v2": OpenInference, "v2-bytes": OpenInferenceBytes, "http": Http, "json": Json}


def _rows(seed: int, start: int, n: int) -> bytes:
    rows = np.zeros(n, ROW)
    rows["seed"], rows["truncation"] = artifact.mix_seed(seed), 1
    rows["index"] = np.arange(start, start + n)
    return rows.tobytes()
