"""What a user of Triton writes: `python -m tests.stock_client HOST:PORT`; prints what it got as JSON.

A program of its own, since the messages of tritonclient have the names of ours and no process can hold both.
"""

import json
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.grpc import model_config_pb2, service_pb2


def main() -> None:
    if sys.argv[1] == "descriptors":
        for module in (service_pb2, model_config_pb2):
            print(module.DESCRIPTOR.serialized_pb.hex())  # noqa: T201
        return
    client = triton.InferenceServerClient(sys.argv[1])
    metadata = client.get_model_metadata("tiny", as_json=True)
    config = client.get_model_config("tiny", as_json=True)["config"]
    labels = json.loads(config["parameters"]["labels"]["string_value"])

    label = triton.InferInput("label", [3], "BYTES")
    label.set_data_from_numpy(np.array([labels[3], labels[1], labels[4]], dtype=object))
    seed = triton.InferInput("seed", [1], "UINT64")
    seed.set_data_from_numpy(np.array([2**64 - 7], np.uint64))
    index = triton.InferInput("index", [3], "UINT64")
    index.set_data_from_numpy(np.array([9, 2, 5], np.uint64))
    scattered = client.infer("tiny", [label, seed, index], request_id="mine")

    one = triton.InferInput("label", [1, 1], "INT64")
    one.set_data_from_numpy(np.array([[7]], np.int64))
    wanted = [triton.InferRequestedOutput("sample")]
    parameters = {"n": 5, "start_index": 100, "seed": 7, "truncation": 0.5}
    run = client.infer("tiny", [one], model_version="1", outputs=wanted, parameters=parameters)

    try:
        label.set_data_from_numpy(np.array(["no", "such", "label"], dtype=object))
        client.infer("tiny", [label])
        refused = ""
    except triton.InferenceServerException as error:
        refused = f"{error.status()}: {error.message()}"

    answer = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": [client.is_model_ready(name) for name in ("tiny", "none")],
        "server": client.get_server_metadata(as_json=True),
        "index": client.get_model_repository_index(as_json=True)["models"],
        "metadata": metadata,
        "config": config,
        "labels": labels,
        "scattered": {name: scattered.as_numpy(name).tolist() for name in ("sample", "index", "class_index", "seed")},
        "scattered_id": scattered.get_response().id,
        "digest": scattered.get_response().parameters["digest"].string_param,
        "run": run.as_numpy("sample").tolist(),
        "run_outputs": [output.name for output in run.get_response().outputs],
        "refused": refused,
    }
    print(json.dumps(answer))  # noqa: T201


if __name__ == "__main__":
    main()
