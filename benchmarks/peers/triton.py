"""Triton, its C++ server with its Python backend: two instances, dynamic batching up to 256 rows, over gRPC.

    python -m benchmarks.peers.triton FILE PORT

The server is the binary that the wheel nvidia-pytriton carries; it comes with no ONNX Runtime backend, so each instance
is a Python process with a session of its own, which gets its tensors through shared memory.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

STUB = "triton_python_backend_stub"
CONFIGURATION = """
name: "generator"
backend: "python"
max_batch_size: 256
input [{ name: "rows", data_type: TYPE_UINT8, dims: [28] }]
output [{ name: "sample", data_type: TYPE_UINT8, dims: [-1] }]
instance_group [{ count: 2, kind: KIND_CPU }]
dynamic_batching { }
"""


class TritonPythonModel:
    """What Triton's Python backend loads."""

    def initialize(self, args: dict[str, str]) -> None:
        from benchmarks.peers.model import Model

        self.model = Model(os.environ["GENERATOR"])

    def execute(self, requests: list[Any]) -> list[Any]:
        import triton_python_backend_utils as backend

        rows = [backend.get_input_tensor_by_name(request, "rows").as_numpy() for request in requests]
        samples = self.model.run(rows[0] if len(rows) == 1 else np.concatenate(rows))
        flat = samples.reshape(len(samples), -1).view(np.uint8)
        ends = np.cumsum([len(each) for each in rows])
        parts = np.split(flat, ends[:-1])
        return [backend.InferenceResponse([backend.Tensor("sample", part)]) for part in parts]


def main() -> None:
    file, port = sys.argv[1:]
    spec = importlib.util.find_spec("pytriton")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    home = package / "tritonserver"
    scratch = Path(tempfile.mkdtemp(prefix="triton-"))
    version = scratch / "models" / "generator" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(CONFIGURATION)
    (version / "model.py").write_text("from benchmarks.peers.triton import TritonPythonModel\n")
    # The wheel has a stub for each release of Python, and the server looks for one beside its backend.
    backend = scratch / "backends" / "python"
    shutil.copytree(home / "backends" / "python", backend)
    shutil.copy(home / "python_backend_stubs" / "{}.{}".format(*sys.version_info) / STUB, backend / STUB)
    libraries = [str(package.parent / "nvidia_pytriton.libs"), sysconfig.get_config_var("LIBDIR")]
    environment = os.environ | {
        "GENERATOR": str(Path(file).resolve()),
        # The stub looks for its packages where the first python3 of the path has them, and nowhere else.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent.absolute()), os.environ["PATH"]]),
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),
    }
    command = [str(home / "bin" / "tritonserver"), f"--model-repository={scratch / 'models'}"]
    command += [f"--backend-directory={scratch / 'backends'}", "--grpc-address=127.0.0.1", f"--grpc-port={port}"]
    command += ["--allow-http=false", "--allow-metrics=false", "--log-info=false"]
    # The memory that server and instances share grows from 1 MiB as needed, and a stub died (signal 11) under load when
    # it did.
    command += ["--backend-config=python,shm-default-byte-size=268435456"]
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
