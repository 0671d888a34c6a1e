"""Synthetic samples in PyTorch: a data set, a stream, and both mixed with real data. `pip install 'augmint[torch]'`."""

from augmint.torch.dataset import SyntheticDataset
from augmint.torch.loader import Loader
from augmint.torch.mixed import MixedDataset, mix
from augmint.torch.stream import SyntheticStream
from augmint.torch.tensors import unit_interval

__all__ = ["Loader", "MixedDataset", "SyntheticDataset", "SyntheticStream", "mix", "unit_interval"]
