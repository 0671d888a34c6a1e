"""What other teams install: light to import, complete in its wheel."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import augmint
from augmint.arrays import ArrayStream
from augmint.torch import SyntheticDataset, SyntheticStream

CLIENT = Path(__file__).parents[2] / "client"
HEAVY = (
    *("torch", "tensorflow", "jax", "datasets", "pyarrow", "webdataset", "PIL", "pandas", "scipy"),
    *("sklearn", "imblearn", "mido"),
    *("argcomplete", "rich", "onnxruntime", "onnx", "service", "training"),
)


def test_importing_augmint_imports_no_framework():
    code = f"import sys, augmint, augmint.sheet; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_the_torch_plug_in_names_its_extra_when_torch_is_missing():
    code = "import sys; sys.modules['torch'] = None; import augmint.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "MissingExtra: this needs PyTorch: pip install 'augmint[torch]'" in done.stderr


GONE = "left_behind.py"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """From a copy, since a build leaves its files beside the sources; after a build of one module more."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "client"
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(folder)]
    for gone in (False, True):
        module = source / "augmint" / GONE
        module.unlink() if gone else module.touch()
        subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], timeout=120, check=True)
        (built,) = folder.glob("augmint-*.whl")
        assert (f"augmint/{GONE}" in zipfile.ZipFile(built).namelist()) is not gone
    return built


def test_the_wheel_holds_types_and_stubs_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        path.relative_to(CLIENT).as_posix()
        for path in (CLIENT / "augmint").rglob("*")
        if path.suffix in (".py", ".pyi") or path.name == "py.typed" or path.parent.name in ("static", "templates")
    }
    assert names == sources
    assert wheel.stat().st_size < 320_000
    assert {"augmint/py.typed", "augmint/v1/generator_pb2.pyi", "augmint/v1/generator_pb2_grpc.py"} <= names


PROJECT = """
import asyncio
from pathlib import Path

import augmint
from augmint.arrays import ArrayStream


def draw(target: str) -> list[str]:
    with augmint.Client(target, tls=augmint.Tls(ca=Path("ca.pem")), token=Path("token"), hedge_after=0.5) as client:
        samples = client.generate("3", 64, seed=7, keep=1, of=4)
        again: augmint.Samples = client.replay(str(samples.address))
        first: augmint.Sample = again[0]
        try:
            client.fetch([1, 2], classes=["3", "5"], seed=7)
        except augmint.Unavailable as error:
            print(error.connected, error.retry_after_s)
        return [first.label, *samples.labels, *(status.name for status in client.generators())]


async def draw_async(target: str) -> augmint.Address:
    async with augmint.AsyncClient(target) as client:
        return (await client.generate(classes=["3"])).address


def read(target: str) -> int:
    with ArrayStream(target, batch_size=8, seed=7) as stream:
        return sum(len(images) + int(labels.sum()) for images, labels in stream)


asyncio.run(draw_async("localhost:50051"))
"""


def test_the_types_pass_a_strict_check_in_a_users_project(wheel, tmp_path):
    # Installed as users have it, so that the wheel's py.typed counts, too; NumPy comes from here.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], timeout=120, check=True)
    (packages,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (packages / "others.pth").write_text(f"{Path(np.__file__).parents[1]}\n")

    (tmp_path / "right.py").write_text(PROJECT)
    (tmp_path / "seed.py").write_text(PROJECT.replace("seed=7, keep=1", "seed=7.5, keep=1"))
    (tmp_path / "batch.py").write_text(PROJECT.replace("batch_size=8", "batch_size='8'"))
    python = str(tmp_path / "venv" / "bin" / "python")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", "cache"]
    environment = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    done = subprocess.run(
        [*command, "right.py", "seed.py", "batch.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    *faults, end = done.stdout.splitlines()
    assert end == "Found 2 errors in 2 files (checked 3 source files)", done.stdout + done.stderr
    of_batch, of_seed = sorted(faults)
    assert re.match(r'seed.py:\d+: .*Argument "seed" to "generate" of "Client" has incompatible type "float"', of_seed)
    assert re.match(r'batch.py:\d+: .*Argument "batch_size" to "ArrayStream" has incompatible type "str"', of_batch)


@pytest.mark.parametrize("loader", [ArrayStream, SyntheticDataset, SyntheticStream])
def test_help_explains_every_argument_of_a_loader(loader):
    explained = re.findall(r"(\w+)(?=[\w, ]*:)", loader.__init__.__doc__)  # "keep, of: ..."
    assert set(inspect.signature(loader).parameters) <= set(explained)


def test_a_module_that_is_gone_is_not_installed_by_the_next_build(wheel):
    """pip builds in the checkout, and setuptools packs what its build folder has."""
    assert f"augmint/{GONE}" not in zipfile.ZipFile(wheel).namelist()


def test_the_version_is_that_of_the_wheel(wheel):
    assert wheel.name.startswith(f"augmint-{augmint.__version__}-")
