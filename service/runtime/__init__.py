"""Arrays in, arrays out, on a device; ONNX Runtime lives here only."""
