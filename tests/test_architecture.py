"""The arrows between the parts: who may import whom."""

import ast
import functools
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Folder or file -> modules that it must not import, wherever in the file. A file keeps its folder's rule and its own.
FORBIDDEN = {
    "client/augmint": {
        *("service", "training", "benchmarks", "tests", "onnxruntime", "onnx"),
        *("torch", "tensorflow", "jax", "datasets", "pyarrow", "webdataset", "nvidia", "PIL", "pandas"),
        *("sklearn", "imblearn", "scipy", "mido", "jinja2", "starlette", "uvicorn"),
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
PLUG_INS = {"client/augmint/torch": {"torch"}, "client/augmint/browse": {"jinja2", "starlette", "uvicorn"}}

# For types only: not imported when the program runs.
TYPES_ONLY = {"service/artifact/metadata.py": {"onnx"}, "client/augmint/sheet.py": {"PIL"}}

# What training may take from the service: the contract of the file, and what runs it.
TRAINING_MAY_IMPORT = {"service.artifact", "service.runtime", "service.errors"}

# Files that every room of their package may import, and that import nothing else of it.
COMMON = {
    "service": {"call", "errors", "files", "logs", "malloc", "metrics", "periodic", "settings", "signals", "tracing"},
    "training": {"errors", "places", "precision", "source", "terminal"},
    "client/augmint": {"checks", "errors", "extras", "near", "progress", "said", "threads", "v1"},
}
# Packages whose every file has a room in ARROWS.
WHOLE = ("service", "training", "client/augmint")

# Package -> room -> rooms that it may import. A room is a folder, or a file beside the folders. In WHOLE
# packages each file has one, and they stand from the top down: no arrow goes up. In the others a room without a row may
# import any.
ARROWS: dict[str, dict[str, set[str]]] = {
    "service": {
        "__main__": {"server", "runtime"},
        "server": {"rpc", "repository", "scheduling", "runtime", "access"},
        "rpc": {"repository", "scheduling", "artifact"},
        "repository": {"runtime", "scheduling", "artifact"},
        "scheduling": {"artifact"},
        "runtime": {"artifact"},
        "access": set(),
        "artifact": set(),
    },
    "training": {
        "__main__": {"commands"},
        "commands": {"fit", "remeasure", "study", "publishing", "run", "kinds", "config"},
        "fit": {
            *("report", "publishing", "transform", "run", "quality", "export", "judge", "kinds", "networks", "config"),
            "data",
        },
        "remeasure": {"report", "publishing", "run", "quality", "data"},
        "report": {"run", "quality", "export", "data"},
        "study": {"publishing", "transform", "quality", "gan", "export", "judge", "config", "data"},
        "publishing": {"run", "quality", "export", "kinds", "data"},
        "transform": {"run", "gan", "judge", "networks", "config", "data"},
        "run": {"quality", "gan", "export", "judge", "networks", "config", "data"},
        "quality": {"judge", "data"},
        "gan": {"networks", "config", "data"},
        "export": {"judge", "networks", "data"},
        "judge": {"data"},
        "networks": {"config", "data"},
        "kinds": {"data"},
        "config": {"data"},
        "data": set(),
    },
    "client/augmint": {
        "__main__": {"arguments", "client", "wire"},
        "arguments": {"commands", "formats"},
        "commands": {
            "carry",
            "browse",
            "cards",
            "printing",
            "bench",
            "export",
            "client",
            "formats",
            "samples",
            "generators",
            "kinds",
            "sheet",
        },
        "browse": {
            *("async_client", "wire", "formats", "samples", "generators", "kinds", "sheet", "address"),
        },
        "printing": {"samples", "kinds"},
        "cards": {"generators", "kinds"},
        "bench": {"client", "wire", "generators"},
        "carry": {"client", "formats", "samples", "generators", "kinds"},
        "export": {"reading", "client", "formats", "address"},
        "dali": {"arrays", "client"},
        "tensorflow": {"arrays"},
        "huggingface": {"reading", "generators", "kinds"},
        "sklearn": {"client", "wire", "generators", "kinds", "address"},
        "torch": {"reading", "client", "samples", "generators", "kinds"},
        "arrays": {"reading", "client", "samples", "generators"},
        "reading": {"client", "samples", "generators", "address"},
        "client": {"calls", "wire", "samples", "generators", "address"},
        "async_client": {"calls", "wire", "samples", "generators", "address"},
        "calls": {"samples", "generators", "kinds", "address"},
        "wire": {"generators"},
        "formats": {"samples", "generators", "kinds"},
        "samples": {"generators", "notebook", "kinds", "address"},
        "generators": {"notebook"},
        "notebook": {"sheet", "kinds"},
        "sheet": {"lettering", "fonts"},
        "lettering": {"fonts"},
        "fonts": set(),
        "kinds": set(),
        "address": set(),
    },
}


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


@functools.cache
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


@functools.cache
def modules(folder: str) -> dict[str, Path]:
    """Files of a package by the names that they are imported by."""
    root = (ROOT / folder).parent
    names = {path: path.relative_to(root).with_suffix("").parts for path in sources(folder)}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in names.items()}


def arrows(source: str, package: str, known: Collection[str]) -> set[str]:
    """The known modules that a source imports, wherever in it; `from a import b` counts as a.b if that is a module."""
    found = {""}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                node.names = [alias]
                found.add(max(imports(ast.unparse(node), package) & {*known}, key=len, default=""))
    return found - {""}


@functools.cache
def graph(folder: str) -> dict[str, set[str]]:
    """Of each module of a package, the others that it imports."""
    known = modules(folder)
    return {
        name: arrows(path.read_text(), ".".join(path.relative_to((ROOT / folder).parent).parent.parts), known) - {name}
        for name, path in known.items()
    }


def room(folder: str, module: str) -> str:
    """Where a module of a package belongs: a folder, or a file beside the folders; "" for the package itself."""
    path = modules(folder)[module].relative_to(ROOT / folder)
    stem = "" if path.stem == "__init__" else path.stem
    return path.parts[0] if len(path.parts) > 1 else stem


def circles(arrows: Mapping[str, set[str]]) -> list[set[str]]:
    """Groups of modules each of which can be reached from every other of its group."""

    def reached(start: str) -> set[str]:
        seen, waiting = set(), [start]
        while waiting:
            new = arrows[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    far = {name: reached(name) for name in arrows}
    groups = {frozenset(other for other in far[name] if name in far[other]) for name in arrows}
    return [set(group) for group in groups if group]


@pytest.mark.parametrize("folder", WHOLE)
def test_every_file_has_a_room(folder):
    rooms = {room(folder, module) for module in modules(folder)} - {""}
    assert rooms == {*ARROWS[folder], *COMMON[folder]}


@pytest.mark.parametrize("folder", WHOLE)
def test_no_arrow_of_the_table_goes_up(folder):
    order = list(ARROWS[folder])
    for number, (name, others) in enumerate(ARROWS[folder].items()):
        assert others <= set(order[number + 1 :]), name


@pytest.mark.parametrize("folder", list(ARROWS))
def test_rooms_import_only_those_that_the_table_names(folder):
    rows = ARROWS[folder]
    common = COMMON[folder]
    free = common | {""}
    broken = set()
    for module, others in graph(folder).items():
        here = room(folder, module)
        if not here:
            continue  # the face of the package, which has all of it
        allowed = rows.get(here, set() if folder in WHOLE else None)
        if allowed is not None:
            there = {room(folder, other) for other in others} - {here}
            broken |= {(module, other) for other in there - allowed - (free if here not in common else {"", "errors"})}
    assert broken == set()


@pytest.mark.parametrize("folder", list(ARROWS))
def test_no_module_is_imported_in_a_circle(folder):
    # Wherever an import stands: in a function or under TYPE_CHECKING it only sleeps.
    found = circles(graph(folder))
    assert found == []


def test_a_circle_would_be_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == [{"b", "c"}]
    sleeping = "if TYPE_CHECKING:\n    from p.b import B\ndef f():\n    from p import c"
    assert arrows(sleeping, "p", {"p", "p.b", "p.c"}) == {"p.b", "p.c"}
    assert arrows("from p import a, name", "p", {"p", "p.a"}) == {"p", "p.a"}


def test_onnxruntime_is_known_to_the_session_and_its_device_only():
    users = {path.name for path in sources("service") if "onnxruntime" in imports_of(path)}
    assert users == {"cuda.py", "device.py", "session.py"}


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
        ("training/run/loop.py", "import torch", set()),
    ],
)
def test_a_wrong_import_would_be_found(name, source, wrong):
    assert broken_arrows(name, imports(source, "")) == wrong
