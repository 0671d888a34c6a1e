"""Synthetic samples in PyTorch: a data set, a stream, and both mixed with real data. `pip install 'augmint[torch]'`."""

from augmint.torch.dataset import SyntheticDataset
from augmint.torch.tensors import unit_interval

__all__ = ["SyntheticDataset", "unit_interval"]
