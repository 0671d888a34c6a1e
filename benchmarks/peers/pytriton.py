"""PyTriton: Triton in front, two callables of one Python process behind it, dynamic batching up to 256 rows, over gRPC.

python -m benchmarks.peers.pytriton FILE PORT
"""

import sys

import numpy as np
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from benchmarks.peers.model import ROW, Model


def main() -> None:
    model = Model(sys.argv[1])

    @batch
    def run(rows: np.ndarray) -> list[np.ndarray]:
        samples = model.run(np.ascontiguousarray(rows))
        return [samples.reshape(len(samples), -1).view(np.uint8)]

    config = TritonConfig(
        grpc_address="127.0.0.1", grpc_port=int(sys.argv[2]), allow_http=False, allow_metrics=False, exit_on_error=True
    )
    with Triton(config=config) as triton:
        triton.bind(
            model_name="generator",
            infer_func=[run, run],
            inputs=[Tensor(name="rows", dtype=np.uint8, shape=(ROW.itemsize,))],
            outputs=[Tensor(name="sample", dtype=np.uint8, shape=(-1,))],
            config=ModelConfig(max_batch_size=256, batcher=DynamicBatcher()),
        )
        triton.serve()


if __name__ == "__main__":
    main()
