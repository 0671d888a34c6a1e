"""Optional libraries, imported when first used."""

from __future__ import annotations

import importlib
from typing import Any

from augmint.errors import MissingExtra


def load(module: str, extra: str) -> Any:
    """Import a module that belongs to an extra of this distribution.

    module:  e.g. "PIL.Image"; extra: e.g. "images".
    raises:  MissingExtra, naming what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise MissingExtra(f"this needs {library}: pip install 'augmint[{extra}]'") from error
