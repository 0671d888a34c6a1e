"""The `augmint` command: list generators, describe one, draw samples into a file."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

# gRPC's own log lines; what they tell comes as an error with a sentence. Set before gRPC is imported.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from augmint.client import Client
from augmint.errors import AugmintError, InvalidRequest
from augmint.generators import Description
from augmint.samples import Samples

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 2 for an error (one line on stderr), 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        with Client(options.target, timeout=options.timeout) as client:
            options.run(client, options)
        sys.stdout.flush()
        return 0
    except BrokenPipeError:
        # The reader (`| head`) has enough. Python flushes stdout once more on its way out: give it somewhere to go.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (AugmintError, OSError) as error:
        print(f"augmint: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("augmint: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--target", default="localhost:50051", help="HOST:PORT of the service (%(default)s)")
    common.add_argument("--timeout", type=float, default=60.0, help="seconds to wait for a page (%(default)s)")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument("--generator", help="name of the generator (the only one)")
    which.add_argument("--version", type=int, help="version of the generator (the default one)")

    parser = argparse.ArgumentParser(prog="augmint", description="Draw labelled synthetic samples from a service.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("list", parents=[common], help="list the service's generators")
    command.set_defaults(run=_list)
    command = commands.add_parser("describe", parents=[common, which], help="labels, quality and origin of a generator")
    command.set_defaults(run=_describe)
    command = commands.add_parser(
        "generate",
        parents=[common, which],
        help="draw samples into a file",
        description="Draw n samples of each label. A picture gets a row per label; .npz holds array, class_indices, "
        "labels and addresses.",
    )
    command.add_argument("--label", action="append", help="class name; may be repeated (all classes)")
    command.add_argument("-n", type=int, default=16, help="samples of each label (%(default)s)")
    command.add_argument("--seed", type=int, help="seed of the random stream (a random one)")
    command.add_argument("--start-index", type=int, default=0, help="position in the stream (%(default)s)")
    command.add_argument("--truncation", type=float, help="in (0, 2]; below 1 more typical, less varied (1)")
    command.add_argument("--out", type=Path, required=True, help=f"FILE.npz, or FILE{', '.join(IMAGE_SUFFIXES)}")
    command.set_defaults(run=_generate)
    return parser


def _list(client: Client, options: argparse.Namespace) -> None:
    rows = [("GENERATOR", "VERSION", "STATE", "LABELS", "SAMPLES/S", "DIGEST")]
    notes = []
    for status in client.generators():
        rows.append(
            (
                status.name,
                f"{status.version}{' (default)' if status.is_default else ''}",
                status.state,
                str(len(status.labels)),
                f"{status.capacity_samples_per_second:,.0f}",
                status.digest[:12],
            )
        )
        if status.reason:
            notes.append(f"{status.name}/{status.version}: {status.reason}")
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for note in notes:
        print(note)


def _describe(client: Client, options: argparse.Namespace) -> None:
    description = client.describe(options.generator, options.version)
    origin = description.message.provenance
    for name, value in (
        ("generator", f"{description.name}/{description.version}"),
        ("digest", description.digest),
        ("sample", f"{description.kind}, {description.dtype.name} {list(description.shape)}"),
        ("labels", ", ".join(description.labels)),
        ("capacity", f"{description.capacity_samples_per_second:,.0f} samples/s"),
        ("preset", origin.preset),
        ("data", f"{origin.data_name} {origin.data_digest[:12]}".strip()),
        ("created", origin.created_at),
        ("code", origin.code_revision),
    ):
        if value:
            print(f"{name:10} {value}")
    _print_quality(description)


def _print_quality(description: Description) -> None:
    if not description.measured:
        print("quality    not measured")
        return
    card = description.message.quality
    print(f"quality    measured on {card.real_samples} real and {card.synthetic_samples} synthetic samples")
    for name, value, beside in (
        ("classification accuracy score", card.classification_accuracy_score, f"real {card.real_accuracy:.3f}"),
        ("label fidelity", card.label_fidelity, ""),
        ("Fréchet distance", card.frechet_distance, f"floor {card.frechet_distance_floor:.3f}"),
        ("kernel distance", card.kernel_distance, f"floor {card.kernel_distance_floor:.3f}"),
        ("density", card.density, ""),
        ("coverage", card.coverage, f"ceiling {card.coverage_ceiling:.3f}"),
    ):
        print(f"  {name:30} {value:8.3f}  {beside}".rstrip())
    if card.classes:
        width = max(5, *(len(one.label) for one in card.classes))
        print(f"  {'class':{width}}  score  real   fidelity  spread")
        for one in card.classes:
            print(
                f"  {one.label:{width}}  {one.classification_accuracy_score:.3f}  {one.real_accuracy:.3f}  "
                f"{one.label_fidelity:.3f}     {one.spread_ratio:.2f}"
            )
    for warning in card.warnings:
        print(f"  warning: {warning}")


def _generate(client: Client, options: argparse.Namespace) -> None:
    suffix = options.out.suffix.lower()
    if suffix not in (".npz", *IMAGE_SUFFIXES):
        raise InvalidRequest(f"--out {options.out}: the name must end in .npz, {', '.join(IMAGE_SUFFIXES)}")
    if options.n < 1:
        raise InvalidRequest(f"-n is {options.n}; it must be at least 1")
    description = client.describe(options.generator, options.version)
    labels = options.label or list(description.labels)
    indices = np.repeat([description.class_index(label) for label in labels], options.n)
    samples = client.generate(
        classes=indices,
        seed=options.seed,
        start_index=options.start_index,
        truncation=options.truncation,
        generator=description.name,
        version=description.version,
        digest=description.digest,
    )
    if suffix == ".npz":
        _write_npz(options.out, samples)
    else:
        _write_sheet(options.out, samples, labels, options.n)
    print(f"{options.out}: {len(samples)} samples of {description.name}/{description.version}, seed {samples.seed}")


def _write_npz(path: Path, samples: Samples) -> None:
    np.savez_compressed(
        path,
        array=samples.array,
        class_indices=samples.class_indices,
        labels=np.array(samples.labels),
        addresses=np.array([str(address) for address in samples.addresses]),
    )


def _write_sheet(path: Path, samples: Samples, labels: Sequence[str], n: int) -> None:
    from augmint.sheet import contact_sheet

    if samples.description.kind != "image":
        raise InvalidRequest(
            f"generator {samples.description.name!r} makes {samples.description.kind}: use --out FILE.npz"
        )
    source = samples.description
    caption = f"{source.name}/{source.version}   {source.digest[:12]}   seed {samples.seed}"
    rows = [samples.array[start : start + n] for start in range(0, len(samples), n)]
    contact_sheet(rows, labels, caption=caption).save(path)


if __name__ == "__main__":
    sys.exit(main())
