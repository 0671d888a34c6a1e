"""Optional libraries, imported when first used."""

from __future__ import annotations

import importlib
from typing import Any

from augmint.errors import MissingExtra

# As people know them, and as they are to be installed, where the module is called otherwise.
_NAMES = {
    "PIL": "Pillow",
    "jinja2": "Jinja2",
    "starlette": "Starlette",
    "uvicorn": "uvicorn",
    "imblearn": "imbalanced-learn",
    "datasets": "Hugging Face's datasets",
    "nvidia": "NVIDIA DALI",
    "tensorflow": "TensorFlow",
    "sklearn": "scikit-learn",
    "torch": "PyTorch",
}


def load(module: str, extra: str) -> Any:
    """Import a module that belongs to an extra of this distribution.

    module:  e.g. "PIL.Image"; extra: e.g. "images".
    raises:  MissingExtra, naming what to install, or why what is installed does not work.
    """
    try:
        return importlib.import_module(module)
    # Libraries with parts in C++, such as torchcodec without FFmpeg, fail by these two.
    except (ImportError, OSError, RuntimeError) as error:
        root = module.partition(".")[0]
        library = _NAMES.get(root, root)
        if not isinstance(error, ModuleNotFoundError) or (error.name or "").partition(".")[0] != root:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise MissingExtra(f"{library} is installed and cannot be imported: {reason}") from error
        raise MissingExtra(f"this needs {library}: pip install 'augmint[{extra}]'") from error
