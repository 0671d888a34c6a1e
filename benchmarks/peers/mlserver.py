"""MLServer: two parallel workers behind its adaptive batcher, over the Open Inference Protocol on gRPC.

    python -m benchmarks.peers.mlserver FILE PORT

MLServer turns raw tensors into lists of numbers, byte by byte, but for the type BYTES, whose elements it keeps: so a
request is one string with its rows, and an answer one string with its samples.
"""

import asyncio
import sys

import mlserver
from mlserver import types
from mlserver.settings import ModelSettings, Settings

from benchmarks.peers.model import Model


class Samples(mlserver.MLModel):
    async def load(self) -> bool:
        assert self.settings.parameters is not None
        self.model = Model(self.settings.parameters.uri or "")
        return True

    async def predict(self, payload: types.InferenceRequest) -> types.InferenceResponse:
        answers = self.model.run_requests(payload.inputs[0].data.root)
        output = types.ResponseOutput(name="sample", datatype="BYTES", shape=[len(answers)], data=answers)
        return types.InferenceResponse(model_name=self.name, outputs=[output])


async def serve(file: str, port: int) -> None:
    settings = {"host": "127.0.0.1", "http_port": 0, "grpc_port": port, "metrics_endpoint": None}
    server = mlserver.MLServer(Settings(parallel_workers=2, debug=False, **settings))
    model = {"name": "generator", "implementation": "benchmarks.peers.mlserver.Samples", "parameters": {"uri": file}}
    await server.start([ModelSettings(max_batch_size=8, max_batch_time=0.001, **model)])


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
