import service  # noqa: F401 - before anything imports ONNX Runtime: see there
