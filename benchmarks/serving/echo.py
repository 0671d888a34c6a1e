"""What gRPC itself costs: the service's grpc server, answering with what was made ready before the first call.

    python -m benchmarks.serving.echo FILE

The answer to n rows is that to the first n of seed 1 and label 0, whatever was asked for: no row is computed, no
request read further than its number of rows. No server of the same answers by the same transport can take less than
this and the network together. Prints `echo grpc=HOST:PORT`; ends when stdin does.
"""

from __future__ import annotations

import functools
import sys
from concurrent import futures
from pathlib import Path

import grpc

from augmint.v1 import generator_pb2 as pb
from benchmarks.serving.ceiling import Ceiling
from service.rpc import deferred


class Echo:
    """A grpc behaviour."""

    def __init__(self, content: bytes) -> None:
        self._ceiling = Ceiling(content)
        self._ready = functools.cache(self._make)
        if deferred.POOL is not None:
            self.experimental_thread_pool = deferred.POOL

    def _make(self, n: int) -> bytes:
        return pb.GenerateResponse(data=self._ceiling.samples(1, n), class_indices=[0] * n, seed=1).SerializeToString()

    def __call__(self, raw: bytes, context: grpc.ServicerContext) -> bytes:
        return deferred.wait(self, raw, context)

    def begin(self, raw: bytes, context: grpc.ServicerContext, finish: deferred.Finish) -> None:
        """Answer at once."""
        n = len(pb.GenerateRequest.FromString(raw).class_indices)
        finish(grpc.StatusCode.OK, self._ready(n), "", deferred.NO_TRAILERS)


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(1), options=[("grpc.so_reuseport", 0)])
    method = grpc.unary_unary_rpc_method_handler(Echo(Path(sys.argv[1]).read_bytes()))
    service = pb.DESCRIPTOR.services_by_name["GeneratorService"].full_name
    server.add_registered_method_handlers(service, {"Generate": method})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"echo grpc=127.0.0.1:{port}", flush=True)
    sys.stdin.read()
    server.stop(0).wait()


if __name__ == "__main__":
    main()
