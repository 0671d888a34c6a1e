"""A generator as one ONNX file: graph, addresses, parity with PyTorch, metadata."""
