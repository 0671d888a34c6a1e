"""LitServe: two workers behind two HTTP servers, batches of at most eight requests, the body's bytes taken as they are.

    python -m benchmarks.peers.litserve FILE PORT

Requests and answers are pickled between the HTTP servers and the workers; that is how LitServe works. Its batch timeout
of 0 is a loop that takes a whole core while nothing comes, so it waits for 1 ms.
"""

import sys
from typing import Annotated

import litserve
from fastapi import Depends, Request, Response

from benchmarks.peers.model import Model


async def body(request: Request) -> bytes:
    return await request.body()


class Samples(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Model(sys.argv[1])

    def decode_request(self, request: Annotated[bytes, Depends(body)]) -> bytes:
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        return inputs

    def predict(self, inputs: list[bytes]) -> list[bytes]:
        return self.model.run_requests(inputs)

    def unbatch(self, output: list[bytes]) -> list[bytes]:
        return output

    def encode_response(self, output: bytes) -> Response:
        return Response(output)


def main() -> None:
    api = Samples(max_batch_size=8, batch_timeout=0.001)
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=2, timeout=False)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
