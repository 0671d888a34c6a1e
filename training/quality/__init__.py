"""What samples are worth: `measure` makes the quality card, `render` shows it, `quick` is a glance during training."""

from training.quality.card import measure
from training.quality.gate import carry_over, decide, worse
from training.quality.measures.sampling import Draw
from training.quality.quick import Check, quick
from training.quality.table import render

__all__ = ["Check", "Draw", "carry_over", "decide", "measure", "quick", "render", "worse"]
