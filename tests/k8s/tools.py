"""The tools of `make tools`. A test that needs one asks here, and is skipped by the tool's name where there is none."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"


def tool(name: str) -> str:
    """Path of a program: from .tools, else from the machine's own; skips the test if there is none."""
    found = shutil.which(name, path=TOOLS) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here; `make tools` gets it where apt-get and npm can")
    return found


def crds() -> Path:
    """Folder of the npm packages that know the custom resources; skips the test if they or Node are missing."""
    tool("node")
    if not (TOOLS / "crds/node_modules/@kubernetes-models/gateway-api").is_dir():
        pytest.skip("the npm packages @kubernetes-models are not here; `make tools` gets them where npm can")
    return TOOLS / "crds"


def axe() -> Path:
    """The script that looks for barriers in a page; skips the test if it is missing."""
    script = TOOLS / "axe/node_modules/axe-core/axe.min.js"
    if not script.is_file():
        pytest.skip("the npm package axe-core is not here; `make tools` gets it where npm can")
    return script
