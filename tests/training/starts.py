"""Other initial weights for all networks, if TEST_SHIFT is set: what then fails rests on what they come to."""

import os

import torch


def shift() -> None:
    if by := int(os.environ.get("TEST_SHIFT", "0")):
        seed = torch.manual_seed
        torch.manual_seed = lambda number: seed(number + by)
