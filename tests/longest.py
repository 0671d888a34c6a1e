"""Files that take 20 seconds and more, longest first.

They begin before the others: one of them at the end would keep one worker busy while the rest have nothing to do.
"""

LONGEST = (
    "tests/client/wire/test_frozen.py",
    "tests/training/gan/test_compiling.py",
    "tests/training/test_fit.py",
    "tests/client/torch/test_workers.py",
    "tests/training/run/test_processes.py",
    "tests/training/test_systems.py",
    "tests/client/browse/test_in_browser.py",
    "tests/training/kinds/audio/test_path.py",
    "tests/benchmarks/fleet/test_proof.py",
    "tests/training/transform/test_carrier.py",
    "tests/training/quality/test_card.py",
    "tests/training/export/test_graph.py",
    "tests/training/test_command.py",
    "tests/benchmarks/faults/test_faults.py",
    "tests/k8s/test_monitoring.py",
    "tests/client/test_threads.py",
    "tests/training/kinds/music/test_path.py",
    "tests/benchmarks/loaders/test_loaders.py",
)
