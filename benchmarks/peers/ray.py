"""Ray Serve: two replicas that batch whatever waits, over its HTTP proxy, the body's bytes taken as they are.

    python -m benchmarks.peers.ray FILE PORT

No waiting for a batch to fill; the model runs on a thread, so that the next batch gathers meanwhile.
"""

import asyncio
import os
import sys
import threading

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.peers.model import Model


@serve.deployment(num_replicas=2, max_ongoing_requests=64, ray_actor_options={"num_cpus": 0})
class Samples:
    def __init__(self, file: str) -> None:
        self.model = Model(file)

    @serve.batch(max_batch_size=32, batch_wait_timeout_s=0)
    async def run(self, requests: list[bytes]) -> list[bytes]:
        return await asyncio.to_thread(self.model.run_requests, requests)

    async def __call__(self, request: Request) -> Response:
        return Response(await self.run(await request.body()))


def main() -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(sys.argv[2])}, logging_config={"enable_access_log": False}
    )
    serve.run(Samples.bind(sys.argv[1]))  # type: ignore[attr-defined]
    threading.Event().wait()


if __name__ == "__main__":
    main()
