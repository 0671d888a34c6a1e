"""Arrays with labels, whatever their kind: data sets, their splits, what is said of them, and the seam (`kind.py`)."""

from training.data.dataset import Dataset
from training.data.errors import DataError
from training.data.reading import Reading
from training.data.subset import Samples, Subset

__all__ = ["DataError", "Dataset", "Reading", "Samples", "Subset"]
