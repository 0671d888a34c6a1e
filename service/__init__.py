"""augmint's gRPC service: serves ONNX generators. Start it with `python -m service`."""
