"""augmint's gRPC service: serves ONNX generators. Start it with `python -m service`."""

import os

# ONNX Runtime from 1.29 on tells Microsoft of every model that it loads, and keeps an identifier of the machine under
# HOME. It reads this when it is imported, which only modules of this package do. A value of 0 is left alone.
if os.environ.get("ORT_DISABLE_TELEMETRY", "").lower() not in ("0", "false"):
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
