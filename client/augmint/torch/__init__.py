"""Synthetic samples in PyTorch: a data set, a stream, and both mixed with real data. `pip install 'augmint[torch]'`."""

from augmint.torch.dataset import SyntheticDataset
from augmint.torch.loader import Loader
from augmint.torch.mixed import MixedDataset, mix
from augmint.torch.stream import SyntheticStream
from augmint.torch.tensors import unit_interval
from augmint.torch.transform import Transform

__all__ = ["Loader", "MixedDataset", "SyntheticDataset", "SyntheticStream", "Transform", "mix", "unit_interval"]
