"""What other teams install: light to import, complete in its wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "client"
HEAVY = ("torch", "PIL", "onnxruntime", "onnx", "pandas", "service", "training")


def test_importing_augmint_imports_no_framework():
    code = f"import sys, augmint, augmint.sheet; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_the_torch_plug_in_names_its_extra_when_torch_is_missing():
    code = "import sys; sys.modules['torch'] = None; import augmint.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "MissingExtra: this needs torch: pip install 'augmint[torch]'" in done.stderr


def test_the_wheel_holds_types_and_stubs_and_nothing_else(tmp_path):
    # From a copy: a build leaves its files beside the sources.
    source = tmp_path / "client"
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], timeout=120, check=True)
    (wheel,) = tmp_path.glob("augmint-*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        path.relative_to(CLIENT).as_posix()
        for path in (CLIENT / "augmint").rglob("*")
        if path.suffix in (".py", ".pyi") or path.name == "py.typed"
    }
    assert names == sources
    assert {"augmint/py.typed", "augmint/v1/generator_pb2.pyi", "augmint/v1/generator_pb2_grpc.py"} <= names
