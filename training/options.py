"""What the options of commands mean: the same ones in every command, and the order that those of `fit` make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError

from training.config.presets import PresetError
from training.places import RunError, prove_file, prove_folder

if TYPE_CHECKING:
    from training.run.folder import Order

Levels = Annotated[
    str | None,
    typer.Option(
        metavar="LOW..HIGH", help="Values that are black and full, e.g. 0..16; by default made out from DATA."
    ),
]
Pickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Read arrays of Python objects, which may run code, as np.load does.")
]
DropScarce = Annotated[
    bool, typer.Option("--drop-scarce", help="Leave out classes with too few samples, instead of refusing DATA.")
]
Label = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Of a table of pictures: the labels; by default found by its name.")
]
File = Annotated[
    str | None,
    typer.Option(
        "--file", metavar="COLUMN", help="Of a table of pictures: their names; by default found by what it holds."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Publish even what the gate withholds.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Publish under a name whose last version has other classes or sizes.")
]


def order_of(**values: Any) -> Order:
    from training.run.folder import Order

    try:
        return Order(**values)
    except ValidationError as error:
        raise RunError(_of_option(error)) from None


def resumed(ctx: typer.Context, order: Order) -> Order:
    """The order of a run with what may be asked anew; raises RunError for what may not."""
    changes: dict[str, Any] = {}
    for name, value in ctx.params.items():
        if ctx.get_parameter_source(name).name != "COMMANDLINE":  # type: ignore[union-attr]
            continue
        if name in ("data", "out", "name"):
            changes[name] = str(value)
        elif name not in ("resume", "force", "replace_", "runs"):
            option = name.strip("_").replace("_", "-")
            raise RunError(f"--{option} is settled when a run starts; with --resume it cannot be changed")
    return order_of(**{**order.model_dump(), "config": order.config, **changes}) if changes else order


def setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise PresetError(f"--set {text!r} is not NAME=VALUE, e.g. --set width=32")
    return name.strip(), value.strip()


def _of_option(error: ValidationError) -> str:
    fault = error.errors()[0]
    name, message = ".".join(map(str, fault["loc"])), fault["msg"]
    if name == "name":
        message = "begin with a lower-case letter or a digit and go on with those, '.', '_' or '-', 63 in all"
    return f"--{name}: {message} (got {fault['input']!r})"


def prove(wanted: Any) -> None:
    """Raise CannotWrite, before anything is measured, where a conclusion could not be written."""
    prove_file(wanted.json_path, "--json")
    prove_file(wanted.report_path, "--report")
    if wanted.publish and wanted.out is not None:
        prove_folder(wanted.out, "--out")


def reading(
    levels: str | None, allow_pickle: bool, drop_scarce: bool, label: str | None, file: str | None
) -> dict[str, Any]:
    """How a source is read: what training.kinds.load takes beside it and its size."""
    from training.kinds.image.levels import parse

    return {
        "levels": parse(levels) if levels else None,
        "allow_pickle": allow_pickle,
        "drop_scarce": drop_scarce,
        "label": label,
        "file": file,
    }
