"""augmint's offline training: labelled data in, a measured class-conditional generator out, as one ONNX file."""

import service  # noqa: F401 - before PyTorch, which may import ONNX Runtime: see there
