"""One thread for numerical libraries, in this process and those that tests start: on two cores, threads of two
programs that wait for each other make both a hundred times slower."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before PyTorch is imported
