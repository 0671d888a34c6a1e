"""BentoML: two workers of one service over HTTP, with its adaptive batching of requests.

    python -m benchmarks.peers.bentoml FILE PORT

A batched method takes and gives lists, and the server takes them as JSON only (pickles are refused, files cannot be
batched). JSON of numbers, one a byte, would be several times slower: so each request and answer is one string, base64.
"""

import base64
import os
import sys
from pathlib import Path

import bentoml

from benchmarks.peers.model import Model


@bentoml.service(workers=2, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Samples:
    def __init__(self) -> None:
        self.model = Model(os.environ["GENERATOR"])

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=10_000)
    def predict(self, rows: list[str]) -> list[str]:
        answers = self.model.run_requests([base64.b64decode(each) for each in rows])
        return [base64.b64encode(each).decode() for each in answers]


def main() -> None:
    os.environ["GENERATOR"] = str(Path(sys.argv[1]).resolve())
    os.environ["BENTOML_DO_NOT_TRACK"] = "true"
    command = [sys.executable, "-m", "bentoml", "serve", "benchmarks.peers.bentoml:Samples"]
    os.execv(command[0], [*command, "--host", "127.0.0.1", "--port", sys.argv[2], "--working-dir", "."])


if __name__ == "__main__":
    main()
