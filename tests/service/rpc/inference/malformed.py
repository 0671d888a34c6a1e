"""Requests of the Open Inference Protocol that hardly one server would take."""

from __future__ import annotations

import random
from typing import Any

from service.rpc.inference import grpc_predict_v2_pb2 as oip

_INPUTS = ("label", "seed", "index", "truncation", "x", "", "label", "content", "target", "source", "strength")
_DATATYPES = ("BYTES", "INT64", "UINT64", "FP32", "FP64", "INT8", "FP16", "BOOL", "", "bytes")
_PARAMETERS = ("n", "seed", "start_index", "truncation", "digest", "keep", "of", "priority", "x")
_FIELDS = [field.name for field in oip.InferTensorContents.DESCRIPTOR.fields]


class Malformed:
    """Makes them, each by the next of the random numbers."""

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose

    def request(self) -> bytes:
        """A ModelInferRequest as it goes over the wire, or what is none."""
        choose = self._choose
        if choose.random() < 0.15:
            return choose.randbytes(choose.randrange(80))
        request = oip.ModelInferRequest(
            model_name=choose.choice(("tiny", "tiny", "other", "other", "", "none", "../x")),
            model_version=choose.choice(("", "", "", "1", "9", "0", "-1", "99999999999", "\n")),
            id=choose.choice(("", "ü" * 100)),
        )
        self._add_inputs(request)
        for _ in range(choose.choice((0, 0, 0, 1, 2))):
            output = request.outputs.add(name=choose.choice(("sample", "index", "x", "sample")))
            if choose.random() < 0.1:
                self._set_parameter(output.parameters["classification"])
        for _ in range(choose.choice((0, 0, 1, 2))):
            self._set_parameter(request.parameters[choose.choice(_PARAMETERS)])
        whole = bytearray(request.SerializeToString())
        if choose.random() < 0.2 and whole:
            whole[choose.randrange(len(whole))] = choose.randrange(256)
        return bytes(whole)

    def _add_inputs(self, request: oip.ModelInferRequest) -> None:
        choose = self._choose
        raw = choose.random() < 0.5
        for _ in range(choose.choice((0, 1, 1, 2, 3))):
            rank = choose.choice((0, 1, 1, 2, 9))
            shape = [self._number() for _ in range(rank)] if choose.random() < 0.6 else [1]
            tensor = request.inputs.add(name=choose.choice(_INPUTS), datatype=choose.choice(_DATATYPES), shape=shape)
            if not raw or choose.random() < 0.1:
                self._add_contents(tensor.contents)
            if choose.random() < 0.1:
                self._set_parameter(tensor.parameters["shared_memory_region"])
            if raw and choose.random() < 0.95:
                word = choose.choice((b"", b"3", b"\x01\x00\x00\x003", b"\xff\xff\xff\xff", bytes(8), bytes(24)))
                request.raw_input_contents.append(word)

    def _add_contents(self, contents: oip.InferTensorContents) -> None:
        choose, number = self._choose, self._number
        field = choose.choice(_FIELDS)
        values: dict[str, Any] = {
            "bool": True,
            "bytes": choose.choice((b"3", b"\xff", b"")),
            "fp32": 0.5,
            "fp64": 1e300,
            "int": number() % 2**31,
            "int64": number(),
            "uint": abs(number()) % 2**32,
            "uint64": abs(number()),
        }
        getattr(contents, field).extend([values[field.removesuffix("_contents")]] * choose.choice((0, 1, 1, 3)))

    def _set_parameter(self, one: oip.InferParameter) -> None:
        choose = self._choose
        kind = choose.choice(("bool_param", "int64_param", "string_param", "double_param", "uint64_param", None))
        if kind is None:
            one.SetInParent()
        elif kind == "string_param":
            one.string_param = "ä\n"
        elif kind == "bool_param":
            one.bool_param = True
        elif kind == "double_param":
            one.double_param = choose.choice((0.5, float("nan"), 1e300))
        else:
            setattr(one, kind, abs(self._number()) if kind == "uint64_param" else self._number())

    def _number(self) -> int:
        choose = self._choose
        return choose.choice((0, 1, 2, 3, -1, 2**31 - 1, 2**63 - 1, -(2**63), choose.randrange(2**20)))
