"""Arrows between the folders of benchmarks/: which may use which, so that none runs in a circle."""

from benchmarks.results import ROOT
from tests.test_architecture import imports_of, sources

COMMON = {"results", "demo", "systems"}
ARROWS: dict[str, set[str]] = {
    "serving": {"faults"},
    "fleet": {"serving"},
    "peers": {"serving", "fleet"},
    "faults": set(),
    "image": set(),
    "loaders": set(),
    "music": set(),
    "quality": set(),
    "sounds": set(),
    "tables": {"peers"},
    "texts": set(),
    "transform": set(),
}


def test_folders_use_what_the_table_says():
    used: dict[str, set[str]] = {folder: set() for folder in ARROWS}
    for path in sources("benchmarks"):
        folder, *rest = path.relative_to(ROOT / "benchmarks").parts
        names = {module.split(".")[1] for module in imports_of(path) if module.startswith("benchmarks.")}
        if rest:
            used[folder] |= names - {folder} - COMMON
        else:
            assert names <= COMMON, path.name
    assert used == ARROWS


def test_what_a_peer_of_its_own_environment_imports_is_nothing_of_this_project():
    for name in ("peers/model.py", "serving/row.py", "peers/__init__.py", "serving/__init__.py"):
        found = {module.partition(".")[0] for module in imports_of(ROOT / "benchmarks" / name)}
        assert found <= {"benchmarks", "numpy", "onnxruntime"}, name


def test_what_a_generator_of_its_own_environment_imports_is_nothing_of_this_project():
    for path in sources("benchmarks/tables/peers"):
        ours = {module for module in imports_of(path) if module.startswith(("benchmarks", "service", "training"))}
        assert ours <= {"benchmarks.tables.peers", "benchmarks.tables.peers.program"}, path.name
