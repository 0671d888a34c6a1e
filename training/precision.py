"""Where bfloat16 is fast, decided once."""

from __future__ import annotations

import torch


def supports_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is fast on the device; where it is only emulated, float32 is faster."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    # The processor may have it and oneDNN be told not to use it (ONEDNN_MAX_CPU_ISA): convolutions would then be
    # PyTorch's own, ten times slower than in float32.
    allowed = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return bool(allowed) and any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
