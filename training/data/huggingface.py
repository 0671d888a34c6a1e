"""What Hugging Face Datasets writes beside the columns of Parquet and Arrow files: their kinds, names of classes."""

from __future__ import annotations

import json
from typing import Any


def features(schema: Any) -> dict[str, dict[str, Any]]:
    """What Datasets wrote of each column of an Arrow schema, by name; empty if it did not write the file.

    https://huggingface.co/docs/datasets/about_dataset_features
    """
    try:
        content = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        found = content.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return {name: each for name, each in found.items() if isinstance(each, dict)} if isinstance(found, dict) else {}


def class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """Names of the classes of each ClassLabel column, by its name, in the order of their numbers."""
    return {
        name: tuple(str(each).strip() for each in names)
        for name, feature in features(schema).items()
        if feature.get("_type") == "ClassLabel" and isinstance(names := feature.get("names"), list) and names
    }
