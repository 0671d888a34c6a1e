"""augmint's offline training: labelled data in, a measured class-conditional generator out, as one ONNX file."""
