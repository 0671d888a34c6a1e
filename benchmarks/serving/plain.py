"""Fifty lines of grpcio around ONNX Runtime: what a team would write instead, to compare the service with.

    python -m benchmarks.serving.plain FILE [PORT]

A thread per call runs the session on the rows of that call; no batching, no queue, no limits, no metrics. Speaks
augmint.v1.GeneratorService/Generate as far as a reader with class indices needs. Prints `plain grpc=HOST:PORT`; ends
when stdin does. Threads are chosen in its favour: as many calls at once as there are cores, each with one thread of
ONNX Runtime.
"""

from __future__ import annotations

import os
import sys
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np

from augmint.v1 import generator_pb2 as pb
from service import artifact
from service.runtime.session import Session


def answer(session: Session, request: pb.GenerateRequest) -> pb.GenerateResponse:
    """The samples of a request with class indices."""
    n = len(request.class_indices)
    rows = artifact.Rows(
        np.full(n, artifact.mix_seed(request.seed), np.uint64),
        np.arange(request.start_index, request.start_index + n, dtype=np.uint64),
        np.array(request.class_indices, np.int64),
        np.ones(n, np.float32),
    )
    samples = session.run(rows)
    return pb.GenerateResponse(data=samples.tobytes(), class_indices=request.class_indices, seed=request.seed)


def main() -> None:
    session = Session(Path(sys.argv[1]).read_bytes())
    server = grpc.server(
        futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))),
        options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)],
    )
    method = grpc.unary_unary_rpc_method_handler(
        lambda request, _: answer(session, request),
        request_deserializer=pb.GenerateRequest.FromString,
        response_serializer=pb.GenerateResponse.SerializeToString,
    )
    service = pb.DESCRIPTOR.services_by_name["GeneratorService"].full_name
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Generate": method}),))
    port = server.add_insecure_port(f"127.0.0.1:{sys.argv[2] if len(sys.argv) > 2 else 0}")
    server.start()
    print(f"plain grpc=127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.stop(0).wait()


if __name__ == "__main__":
    main()
