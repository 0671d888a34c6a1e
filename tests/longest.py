"""Files that take a processor 20 seconds and more, longest first.

They begin before the others: one of them at the end would keep one worker busy while the rest have nothing to do.
"""

LONGEST = (
    "tests/training/gan/test_compiling.py",
    "tests/training/run/test_processes.py",
    "tests/training/test_fit.py",
    "tests/training/kinds/audio/test_path.py",
    "tests/client/torch/test_workers.py",
    "tests/training/run/test_loop.py",
    "tests/training/kinds/test_seam.py",
    "tests/benchmarks/loaders/test_loaders.py",
    "tests/benchmarks/fleet/test_proof.py",
    "tests/training/kinds/text/test_path.py",
    "tests/client/wire/test_frozen.py",
    "tests/training/kinds/audio/test_form.py",
    "tests/client/test_recipes.py",
    "tests/test_privacy.py",
)
