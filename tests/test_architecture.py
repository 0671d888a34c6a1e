"""The arrows between the parts: who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Folder or file -> modules that it must not import, wherever in the file. A file keeps its folder's rule and its own.
FORBIDDEN = {
    "client/augmint": {
        *("service", "training", "benchmarks", "tests", "onnxruntime", "onnx"),
        *("torch", "tensorflow", "jax", "datasets", "pyarrow", "webdataset", "nvidia", "PIL", "pandas"),
    },
    "service": {"training", "benchmarks", "tests", "torch", "onnx", "lightning"},
    "service/artifact": {"grpc", "onnxruntime"},
    "service/runtime/cuda.py": {"grpc"},
    "service/runtime/device.py": {"grpc"},
    "service/runtime/engine.py": {"grpc", "onnxruntime"},
    "service/runtime/session.py": {"grpc"},
    "service/errors.py": {"grpc", "service"},
    "service/scheduling/scheduler.py": {"grpc", "onnxruntime"},
    "service/scheduling/queue.py": {"grpc", "onnxruntime"},
    "service/scheduling/delivery.py": {"grpc", "onnxruntime"},
    "training": {"benchmarks", "tests"},
}

# The plug-ins for a framework; they take it when they are used themselves.
PLUG_INS = {"client/augmint/torch": {"torch"}}

# For types only: not imported when the program runs.
TYPES_ONLY = {"service/artifact/metadata.py": {"onnx"}, "client/augmint/sheet.py": {"PIL"}}

# What training may take from the service.
TRAINING_MAY_IMPORT = {"service.artifact", "service.runtime.engine", "service.errors", "service.runtime.session"}

# In order from the outside in: no file imports one to its left.
SERVICE_LAYERS = ("__main__", "server", "servicer", "scheduler", "answers", "request", "engine", "session", "artifact")


def sources(folder: str) -> list[Path]:
    """Python files of a folder, generated stubs left out."""
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if "_pb2" not in path.name]


def imports(source: str, package: str) -> set[str]:
    """Full names of all modules that a source imports, wherever in it; `from a import b` counts as a and a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def imports_of(path: Path) -> set[str]:
    relative = path.relative_to(ROOT / "client" if (ROOT / "client") in path.parents else ROOT)
    return imports(path.read_text(), ".".join(relative.parent.parts))


def broken_arrows(name: str, found: set[str]) -> set[str]:
    """What a file (path from the root) imports against the rules."""
    forbidden: set[str] = set()
    for place, modules in FORBIDDEN.items():
        if name == place or name.startswith(f"{place}/"):
            forbidden |= modules
    for place, modules in PLUG_INS.items():
        if name.startswith(f"{place}/"):
            forbidden -= modules
    forbidden -= TYPES_ONLY.get(name, set())
    return {module for module in found if module.partition(".")[0] in forbidden}


@pytest.mark.parametrize("folder", ["client/augmint", "service", "training"])
def test_no_file_imports_what_its_folder_must_not(folder):
    broken = {}
    for path in sources(folder):
        name = path.relative_to(ROOT).as_posix()
        if wrong := broken_arrows(name, imports_of(path)):
            broken[name] = wrong
    assert broken == {}


def test_training_takes_only_the_artifact_and_the_engine_from_the_service():
    taken = {module for path in sources("training") for module in imports_of(path) if module.startswith("service.")}
    allowed = TRAINING_MAY_IMPORT
    assert {module for module in taken if not any(f"{module}.".startswith(f"{name}.") for name in allowed)} == set()


def test_the_service_imports_only_inwards():
    broken = []
    for path in sources("service"):
        if path.stem not in SERVICE_LAYERS:
            continue
        outer = SERVICE_LAYERS[: SERVICE_LAYERS.index(path.stem)]
        broken += [(path.stem, layer) for layer in outer if f"service.{layer}" in imports_of(path)]
    assert broken == []


def test_onnxruntime_is_known_to_the_session_and_its_device_only():
    users = {path.name for path in sources("service") if "onnxruntime" in imports_of(path)}
    assert users <= {"cuda.py", "device.py", "session.py"}


def test_types_only_exceptions_are_used_for_types_only():
    for name, modules in TYPES_ONLY.items():
        outside = [
            node for node in ast.parse((ROOT / name).read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        top = {module for node in outside for module in imports(ast.unparse(node), "")}
        assert not {module.partition(".")[0] for module in top} & modules, name


@pytest.mark.parametrize(
    ("name", "source", "wrong"),
    [
        ("service/rpc/codec.py", "def f():\n    import torch.nn", {"torch.nn"}),
        ("service/runtime/engine.py", "from grpc import aio", {"grpc", "grpc.aio"}),
        ("client/augmint/client.py", "from service import artifact", {"service", "service.artifact"}),
        ("client/augmint/samples.py", "import torch", {"torch"}),
        ("client/augmint/torch/dataset.py", "import torch", set()),
        ("training/loop.py", "import torch", set()),
    ],
)
def test_a_wrong_import_would_be_found(name, source, wrong):
    assert broken_arrows(name, imports(source, "")) == wrong
