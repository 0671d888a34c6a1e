"""What the options of commands mean: the same ones in every command, and the order that those of `fit` make."""

from __future__ import annotations

import copy
import functools
import inspect
import os
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from training.commands.outcome import in_one_sentence
from training.config.presets import PresetError
from training.places import RunError, prove_file, prove_folder
from training.source import SHAPE, SourceOptions, flag

if TYPE_CHECKING:
    from training.run.folder import Order

Force = Annotated[bool, typer.Option("--force", help="Publish even what the gate withholds.")]
CardFile = Annotated[Path | None, typer.Option("--json", help="Write the card here.")]
ReportFile = Annotated[Path | None, typer.Option(help="Write an HTML report here.")]
Publish = Annotated[bool, typer.Option("--publish", help="Publish it as a new version with the new card.")]
Repository = Annotated[Path | None, typer.Option(help="Repository; by default the one that FILE lies in.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Publish under a name whose last version has other classes or sizes.")
]


def reads_source(command: Callable[..., None] | None = None, *, shape: bool = False) -> Any:
    """Gives a command the options of a source, all of which it gets as one, `source`, in whose place they stand.

    shape: also those that say what shape samples get; what is published has one.
    """
    if command is None:
        return functools.partial(reads_source, shape=shape)
    rows = SourceOptions.model_fields
    wanted = {name: row for name, row in rows.items() if shape or SHAPE not in row.metadata}

    @functools.wraps(command)
    def with_source(**values: Any) -> None:
        with in_one_sentence(speaks=lambda: os.environ.get("RANK", "0") == "0"):
            source = SourceOptions(**{name: values.pop(f"{name}_") for name in wanted})
        command(**values, source=source)

    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for each in signature.parameters.values():
        if each.name == "source":
            parameters += [_parameter(name, row) for name, row in wanted.items()]
        else:
            parameters.append(each)
    with_source.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_source.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_source


def _parameter(name: str, row: FieldInfo) -> inspect.Parameter:
    """What Typer makes the option of a row from; its name is none that the command itself has."""
    single = {*get_args(row.annotation)} - {types.NoneType} or {row.annotation}
    kind = row.annotation if single <= {int, float, str, bool} else str | None
    option = copy.copy(next(each for each in row.metadata if isinstance(each, typer.models.OptionInfo)))
    option.param_decls = (flag(name),)
    anywhere = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(f"{name}_", anywhere, default=row.default, annotation=Annotated[kind, option])


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
        elif name in ("transform", "transform_share"):
            changes[name] = value  # it comes after the training, and does not change what that has made
        elif name not in ("resume", "force", "replace_", "runs"):
            raise RunError(f"{flag(name.strip('_'))} is settled when a run starts; with --resume it cannot be changed")
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
    return f"{flag(name)}: {message} (got {fault['input']!r})"


def prove(wanted: Any) -> None:
    """Raise CannotWrite, before anything is measured, where a conclusion could not be written."""
    prove_file(wanted.json_path, "--json")
    prove_file(wanted.report_path, "--report")
    if wanted.publish and wanted.out is not None:
        prove_folder(wanted.out, "--out")
