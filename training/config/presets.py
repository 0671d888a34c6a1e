"""Configurations: of a row of the preset table, with settings put on top, from a file and into one."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from training.config.config import Config
from training.config.rules import faults, unfit, untransformed
from training.config.systems import PRESETS, Preset
from training.errors import TrainingError

if TYPE_CHECKING:  # PyTorch takes seconds, and a misspelt option should not wait for it
    from training.data.kind import Kind

__all__ = ["AUTO", "PRESETS", "Config", "Preset", "PresetError", "from_toml", "prove", "resolve", "to_toml"]


class PresetError(TrainingError, ValueError):
    """The preset does not exist or a setting does not hold; the message says which are allowed."""


# The name of a choice by the data (training.config.config.auto), which ends in one of the rows.
AUTO = "auto"


def resolve(preset: str, overrides: dict[str, Any] | None = None) -> Config:
    """The configuration of a preset with some settings replaced; of `auto`, before it has seen data, the defaults.

    Raises PresetError.
    """
    if preset not in PRESETS and preset != AUTO:
        raise PresetError(f"no preset {preset!r}; there are: {', '.join(PRESETS)}; or {AUTO}, to choose by the data")
    overrides = {
        name: None if value == "none" and _may_be_none(name) else value for name, value in (overrides or {}).items()
    }
    try:
        config = Config(**{**(PRESETS[preset].settings if preset != AUTO else {}), **overrides})
    except ValidationError as error:
        raise PresetError(f"preset {preset}: {'; '.join(_in_words(fault) for fault in error.errors())}") from error
    if found_faults := faults(config):
        raise PresetError(f"preset {preset}: {'; '.join(found_faults)}")
    return config


def prove(config: Config, kind: Kind, transform: bool = False) -> None:
    """Raise PresetError if the configuration cannot be trained on samples of the kind.

    transform: whether its generator is to carry samples into other classes.
    """
    if found := unfit(config, kind) + (untransformed(config, kind) if transform else []):
        raise PresetError("; ".join(found))


def _in_words(fault: ErrorDetails) -> str:
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] != "extra_forbidden":
        return f"{name}: {fault['msg']} (got {fault['input']!r})"
    near = difflib.get_close_matches(name, Config.model_fields, n=1)
    return f"no setting {name!r}" + (
        f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(Config.model_fields)}"
    )


def _may_be_none(name: str) -> bool:
    return name in Config.model_fields and Config.model_fields[name].default is None


def from_toml(path: Path) -> tuple[str | None, dict[str, Any]]:
    """The preset that a configuration file starts from, if it names one, and its settings. Raises PresetError."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PresetError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PresetError(f"{path} is not a TOML file: {error}") from error
    preset = settings.pop("preset", None)
    if preset is not None and not isinstance(preset, str):
        raise PresetError(f"{path}: preset must be a name in quotes (got {preset!r})")
    tables = [name for name, value in settings.items() if isinstance(value, dict | list)]
    if tables:
        raise PresetError(f"{path}: {', '.join(tables)}: a setting is one value; the file has no tables or lists")
    return preset, settings


def to_toml(preset: str) -> str:
    """A configuration file with every setting of a preset, what it means, and what else it may be.

    Raises PresetError.
    """
    if preset == AUTO:
        raise PresetError(f"{AUTO} has no settings of its own before it has seen data; name a preset, e.g. rpgan")
    config = resolve(preset)
    lines = [
        f"# {PRESETS[preset].source}",
        "# Settings that are left out have the preset's value.",
        f'preset = "{preset}"',
    ]
    for name, field in Config.model_fields.items():
        value = getattr(config, name)
        choices = _choices(field.annotation)
        lines += ["", *(f"# {text}" for text in (field.description, choices and f"one of: {choices}") if text)]
        if value is None:
            lines.append(f'# {name} = "none"')
        elif isinstance(value, bool):
            lines.append(f"{name} = {str(value).lower()}")
        else:
            lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value!r}")
    return "\n".join(lines) + "\n"


def _choices(annotation: Any) -> str:
    choices = getattr(annotation, "__args__", ())
    return ", ".join(choices) if choices and all(isinstance(choice, str) for choice in choices) else ""
