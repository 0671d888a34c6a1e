"""What can be configured: by flag (`--queue-limit-seconds 5`) or variable (`AUGMINT_QUEUE_LIMIT_SECONDS=5`).

A flag beats a variable. Unknown ones of either kind are refused with the nearest valid name: a misspelt setting that is
silently ignored is found out in production.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

PREFIX = "AUGMINT_"
# What Kubernetes sets in a pod for each Service beside it, here for one whose name begins with augmint.
_OF_A_SERVICE = re.compile(r"AUGMINT_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
_NO_LINKS = "Kubernetes sets it for a Service of this name; set enableServiceLinks to false in the pod's spec"


def _path(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


Port = Annotated[int, Field(ge=0, le=65535)]
# An empty variable is an absent one.
OptionalPath = Annotated[Path | None, BeforeValidator(lambda given: given or None)]
OptionalPort = Annotated[Port | None, BeforeValidator(lambda given: None if given == "" else given)]


# Headings of --help, each with the first setting under it.
GROUPS = {
    "models": "generators",
    "host": "ports",
    "tls_certificate": "access",
    "device": "device and queue",
    "drain_seconds": "operation",
}


class SettingsError(ValueError):
    """A setting is unknown or its value is not allowed; the message names it."""


class Settings(BaseModel):
    """Read once, in __main__, then handed down as plain values.

    Not a pydantic-settings class: that ignores unknown variables, and `load` must see them all anyway.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Annotated[str, BeforeValidator(_path)] = Field(
        min_length=1,
        description="Generators, <models>/<generator>/<version>/model.onnx: a folder, or a URL that fsspec opens, "
        "e.g. s3://bucket/models, gs://... (needs s3fs, gcsfs, ...).",
    )
    watch_seconds: float = Field(
        10, ge=0, le=86400, description="Seconds between two looks at the models for changes; 0: only at start."
    )
    start_empty: bool = Field(
        False, description="Start without a generator that can be served, not ready, and wait for one."
    )
    keep_versions: int = Field(
        4, ge=1, le=1000, description="Highest good versions of each generator held in memory, beside its channels'."
    )
    retire_seconds: float = Field(
        600, ge=0, description="Seconds without a request for it after which a replaced version is unloaded."
    )
    retiring_versions: int = Field(
        2,
        ge=0,
        le=1000,
        description="Replaced versions of each generator that may stay meanwhile; each costs its memory.",
    )
    allow_withheld: bool = Field(False, description="Also serve files that their own quality card withholds.")
    cache_folder: str = Field(
        "", description="Folder that keeps files fetched from a URL; empty: fetched at each start."
    )
    cache_bytes: int = Field(10 * 2**30, ge=0, description="Most that the cache folder may hold.")
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 or [::] to be reached from elsewhere.")
    port: Port = Field(50051, description="gRPC port; 0 takes a free one and prints it.")
    metrics_host: str = Field("", description="Address of the metrics; empty: as --host.")
    metrics_port: Port = Field(9464, description="HTTP port of the metrics; 0 takes a free one and prints it.")
    health_port: OptionalPort = Field(
        None, description="Another gRPC port, without TLS, that answers grpc.health.v1 and nothing else; 0: a free one."
    )
    tls_certificate: OptionalPath = Field(
        None, description="PEM file of the server's certificate and its chain: the gRPC port then speaks TLS only."
    )
    tls_key: OptionalPath = Field(None, description="PEM file of the key of --tls-certificate, not encrypted.")
    tls_client_ca: OptionalPath = Field(
        None, description="PEM file of authorities; clients must then show a certificate of one of them (mutual TLS)."
    )
    tokens: OptionalPath = Field(
        None,
        description="File of lines `name sha256hex`; calls must then bring a token (python -m service.access NAME).",
    )
    quotas: OptionalPath = Field(None, description="TOML file of the limits of each client; see docs/access.md.")
    insecure: bool = Field(
        False,
        description="Listen beyond this machine with neither TLS nor tokens: the network must keep strangers out.",
    )
    device: str = Field(
        "cpu",
        pattern=r"^(cpu(,cpu)*|cuda(:\d{1,3})?(,cuda(:\d{1,3})?)*)$",
        description="cpu, cuda or cuda:N, or several GPUs, cuda:0,cuda:1; never replaced.",
    )
    cuda_graphs: Literal["auto", "off"] = Field(
        "auto", description="auto: a GPU is given each batch as one CUDA graph, where that works; off: never."
    )
    tf32: bool = Field(
        False, description="A GPU multiplies matrices faster and less exactly: samples differ from those without."
    )
    lanes: int = Field(
        0, ge=0, le=256, description="Batches that run at the same time; 0: one per core on a CPU, two on a GPU."
    )
    max_batch: int = Field(1024, ge=1, le=65536, description="Largest batch tried at load; costs memory.")
    max_samples: int = Field(
        16384, ge=1, le=2**20, description="Largest n of one call; a large answer is held in memory until it is sent."
    )
    queue_limit_seconds: float = Field(
        10, gt=0, le=3600, description="Predicted work that may wait; more is refused. Lower answers sooner under load."
    )
    unread_bytes: int = Field(
        256 * 2**20,
        ge=2**20,
        description="Bytes of answers that callers have not read yet, each in memory twice, and of samples that they "
        "have sent to be transformed; beyond, calls are refused.",
    )
    concurrent_calls: int = Field(1024, ge=1, description="Calls open at a time on one connection; more wait there.")
    connection_age_seconds: float = Field(
        300, ge=1, description="Clients reconnect after this, so that new replicas get their share of the load."
    )
    drain_seconds: float = Field(
        0, ge=0, le=3600, description="On SIGTERM, time to go on serving while load balancers notice NOT_SERVING."
    )
    stop_seconds: float = Field(30, ge=0, le=3600, description="On SIGTERM, time to finish what was accepted.")
    traces: bool = Field(
        False, description="Send OpenTelemetry traces to OTEL_EXPORTER_OTLP_ENDPOINT; needs the extra otel."
    )
    reflection: bool = Field(True, description="Tell callers which services and messages there are (gRPC reflection).")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="How log lines are written, to stderr; auto: console on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least important level written; calls are logged at info."
    )


def load(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from command line and environment.

    arguments: without the program's name. `--help` and `--version` print what they say and raise SystemExit(0).
    Raises SettingsError.
    """
    flags = [_flag(name) for name in Settings.model_fields]
    parser = _parser()
    try:
        given, unknown = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise SettingsError(str(error)) from error
    if vars(given).pop("version", False):
        print(_versions())  # noqa: T201
        raise SystemExit(0)
    if unknown and not unknown[0].startswith("-"):
        raise SettingsError(f"unknown argument {unknown[0]!r}; did you mean --models {unknown[0]}?")
    if unknown:
        raise SettingsError(f"unknown argument {unknown[0]!r}{_nearest(unknown[0].partition('=')[0], flags)}")
    values: dict[str, str] = {**_variables(environment), **vars(given)}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "missing":
            raise SettingsError(f"{_flag(name)} (or {_variable(name)}) is required") from error
        linked = str(first["input"]).startswith("tcp://") and name not in vars(given)
        hint = f"; {_NO_LINKS}" if linked else ""
        raise SettingsError(f"{_flag(name)} is {first['input']!r}: {first['msg']}{hint}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service",
        usage="%(prog)s --models VALUE [setting ...]",
        description="Serve the generators of a folder over gRPC.",
        epilog=f"Each can also be set by a variable, e.g. {PREFIX}MODELS.",
        allow_abbrev=False,
        exit_on_error=False,
    )
    parser.add_argument("--version", action="store_true", default=argparse.SUPPRESS, help="print versions and end")
    group: argparse._ActionsContainer = parser
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            group = parser.add_argument_group(GROUPS[name])
        default = "none" if field.default is None else repr(field.default)
        told = "required" if field.is_required() else f"default: {default}"
        help, metavar, nargs, const = f"{field.description} ({told})", "VALUE", None, None
        if field.annotation is bool:
            metavar, nargs, const = "true|false", "?", "true"
        group.add_argument(_flag(name), metavar=metavar, nargs=nargs, const=const, default=argparse.SUPPRESS, help=help)
    return parser


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Values by name of the setting; raises SettingsError for a variable that is none."""
    variables = {_variable(name): name for name in Settings.model_fields}
    values: dict[str, str] = {}
    for variable, value in environment.items():
        if variable.upper().startswith(PREFIX):
            if variable not in variables and _OF_A_SERVICE.fullmatch(variable):
                raise SettingsError(f"unknown variable {variable}: {_NO_LINKS}")
            if variable not in variables:
                raise SettingsError(f"unknown variable {variable}{_nearest(variable, list(variables))}")
            values[variables[variable]] = value
    return values


def _versions() -> str:
    """Of the service and of what decides about its samples."""
    found = []
    for name, distribution in (
        ("augmint service", "augmint-platform"),
        ("ONNX Runtime", "onnxruntime-gpu"),
        ("grpcio", "grpcio"),
    ):
        try:
            found.append(f"{name} {importlib.metadata.version(distribution)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} unknown ({distribution} is not installed)")
    return ", ".join([*found, f"Python {platform.python_version()}"])


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _nearest(given: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(given, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; valid are {', '.join(valid)}"
