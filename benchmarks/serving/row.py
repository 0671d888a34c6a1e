"""What is asked for in the protocols that are not ours; needs NumPy and nothing of this project."""

import numpy as np

# A request to a peer is its rows and nothing else, one record a row: so a batch is the requests' bytes joined, and no
# peer parses, merges or copies four tensors where one would do.
ROW = np.dtype([("seed", "<u8"), ("index", "<u8"), ("label", "<i8"), ("truncation", "<f4")])
