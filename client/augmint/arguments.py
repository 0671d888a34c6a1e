"""What may be written behind `augmint`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from augmint import __version__, commands
from augmint.formats import FORMATS
from augmint.near import did_you_mean

# As it stands: argparse would break the last line at its hyphens, and then it could not be copied.
EPILOG = """exit codes:
  0    done
  2    the request, the address or the credentials are wrong
  3    the service is away, full or late: worth repeating later
  130  interrupted (143: terminated)

completion in bash, with pip install 'augmint[cli]':
  eval "$(register-python-argcomplete augmint)\""""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that asks what was meant."""

    commands: Mapping[str, Parser] = MappingProxyType({})

    def error(self, message: str) -> NoReturn:
        """As argparse's."""
        chosen = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        unknown = re.search(r"unrecognized arguments: .*?(--[^\s=]+)", message)
        if chosen:
            message += did_you_mean(chosen[1], re.findall(r"[\w.-]+", chosen[2]))
        elif unknown:
            helps = " ".join(one.format_help() for one in (self, *self.commands.values()))
            message += did_you_mean(unknown[1], re.findall(r"(?<![\w-])--[a-z-]+", helps))
        super().error(message)


def _number(text: str) -> int:
    """12, 50k, 1M or 2G."""
    found = re.fullmatch(r"(\d{1,15})([kMG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no number such as 500, 50k or 1M")
    return int(found[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[found[2]]


def _seed(text: str) -> int:
    """As the shell or JSON has it: digits, in quotes or not."""
    found = re.fullmatch(r"""(["']?)(-?[0-9]{1,40})\1""", text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(found[2])


def _shards(text: str) -> int:
    """100, or 0..99: the shards of the whole export."""
    found = re.fullmatch(r"(?:0\.\.)?(\d{1,6})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a count (100) nor all of the numbers (0..99)")
    return int(found[1]) + text.startswith("0..")


def _range(text: str) -> range:
    """7, or 7..9."""
    found = re.fullmatch(r"(\d{1,6})(?:\.\.(\d{1,6}))?", text)
    if not found or int(found[2] or found[1]) < int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a shard (7) nor a range of them (7..9)")
    return range(int(found[1]), int(found[2] or found[1]) + 1)


def parser() -> Parser:
    """Of the whole command; `run` of what it reads is the function to call."""
    whole = Parser(
        prog="augmint",
        description="Draw labelled synthetic samples from a service.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"augmint {__version__}")
    subparsers = whole.add_subparsers(required=True, metavar="COMMAND")
    common, which, channel, draw = _connection(), _generator(), _channel(), _drawing()
    command = subparsers.add_parser("list", parents=[common], help="list the service's generators")
    command.set_defaults(run=commands.list_generators)
    command = subparsers.add_parser(
        "show", parents=[common, which, channel], help="labels, quality and origin of a generator"
    )
    command.set_defaults(run=commands.show)
    _generate(subparsers, [common, which, channel, draw])
    _transform(subparsers, [common, which, channel])
    _export(subparsers, [common, which, draw])
    _bench(subparsers, [common])
    _browse(subparsers, [_connection(seconds=10.0)])
    whole.commands = subparsers.choices
    return whole


def _connection(seconds: float = 60.0) -> Parser:
    """What every command takes. seconds: its patience, unless it is told."""
    common = Parser(add_help=False)
    common.add_argument("--target", default="localhost:50051", help="HOST:PORT of the service (%(default)s)")
    common.add_argument("--timeout", type=float, default=seconds, help="seconds to wait for a page (%(default)s)")
    common.add_argument("--json", action="store_true", help="print JSON, for scripts")
    common.set_defaults(at=None)
    reach = common.add_argument_group("TLS and tokens")
    reach.add_argument("--tls", action="store_true", help="speak TLS, with the public authorities")
    reach.add_argument("--ca", type=Path, metavar="FILE", help="PEM file of the authorities to trust instead")
    reach.add_argument("--certificate", type=Path, metavar="FILE", help="PEM file of one's own certificate")
    reach.add_argument("--key", type=Path, metavar="FILE", help="PEM file of its key")
    reach.add_argument("--server-name", metavar="NAME", help="name in the service's certificate (the target's host)")
    reach.add_argument("--token-file", type=Path, metavar="FILE", help="file that holds a bearer token")
    reach.add_argument("--plain", action="store_true", help="send the token without TLS: something else encrypts")
    return common


def _generator() -> Parser:
    which = Parser(add_help=False)
    which.add_argument("--generator", help="name of the generator (the only one)")
    which.add_argument("--version", type=int, help="version of the generator (the default one)")
    return which


def _channel() -> Parser:
    channel = Parser(add_help=False)
    channel.add_argument("--channel", help="name for a version, instead of --version")
    return channel


def _drawing() -> Parser:
    draw = Parser(add_help=False)
    draw.add_argument("--label", action="append", help="class name; may be repeated (all classes)")
    draw.add_argument("--seed", type=_seed, help="seed of the random stream (a random one)")
    draw.add_argument("--start-index", type=int, default=0, help="position in the stream (%(default)s)")
    draw.add_argument("--truncation", type=float, help="in (0, 2]; below 1 more typical, less varied (1)")
    draw.add_argument("--keep", type=int, help="with --of: the best KEEP of every OF candidates (all)")
    draw.add_argument("--of", type=int, help="candidates of which --keep are kept")
    return draw


def _generate(subparsers: Any, parents: list[Parser]) -> None:
    command = subparsers.add_parser(
        "generate",
        parents=parents,
        help="draw samples into a file",
        description="Draw n samples of each label. A picture gets a row per label; .npz holds array, class_indices, "
        f"labels and addresses; {', '.join(commands.ONE_SUFFIXES)} holds one sample, a folder a file of each; "
        f"{', '.join(commands.MANY_SUFFIXES)} hold rows of a table with their types, or texts. Without --out rows of a "
        "table and texts are printed.",
    )
    command.add_argument("-n", "--n", type=_number, help="samples of each label (16; printed: 5; in a file of one: 1)")
    suffixes = (*commands.IMAGE_SUFFIXES, *commands.ONE_SUFFIXES, *commands.MANY_SUFFIXES)
    command.add_argument("--out", type=Path, help=f"FILE.npz, FILE{', '.join(suffixes)}, or FOLDER")
    command.add_argument("--font", type=Path, metavar="FILE", help="font with the letters of the labels, for a picture")
    command.set_defaults(run=commands.generate)


def _transform(subparsers: Any, parents: list[Parser]) -> None:
    command = subparsers.add_parser(
        "transform",
        parents=parents,
        help="carry samples in files into another class",
        description="Carry real samples into another class: what is not the class stays. A folder gets files of the "
        "same names: a picture or a sound for each, rows and texts in one file, .npz for .npz and .npy (of `array`). "
        "For a generator that was trained with --transform.",
    )
    command.add_argument("samples", type=Path, metavar="FILE_OR_FOLDER", help="of the size that the generator makes")
    command.add_argument("--label", required=True, help="class name to carry them into")
    command.add_argument("--source", help="class name that all of them are of (a classifier finds out)")
    command.add_argument("--strength", type=float, default=1.0, help="in [0, 1]; 0 makes each again (%(default)s)")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if it is not there")
    command.set_defaults(run=commands.transform)


def _export(subparsers: Any, parents: list[Parser]) -> None:
    command = subparsers.add_parser(
        "export",
        parents=parents,
        help="write many samples into shards",
        description="Write n samples, labels in turn, into shards of which each can be made alone, on any machine, and "
        "is the same file whenever it is made again. Run it again to go on after an interruption: shards that are "
        "there are left alone. manifest.json says where everything comes from.",
    )
    command.add_argument("--n", "-n", type=_number, required=True, help="samples in all shards together, e.g. 1M")
    command.add_argument("--shards", type=_shards, default=1, help="how many: 100, or 0..99 (%(default)s)")
    command.add_argument("--shard", type=_range, metavar="NUMBER", help="only this one, or these: 7 or 7..9 (all)")
    command.add_argument("--format", choices=FORMATS, default="webdataset", help="(%(default)s)")
    command.add_argument("--digest", help="SHA-256 of the ONNX file that it must be")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if it is not there")
    command.set_defaults(run=commands.export)


def _bench(subparsers: Any, parents: list[Parser]) -> None:
    command = subparsers.add_parser(
        "bench",
        parents=parents,
        help="measure a live service",
        description="Ask for samples on several threads for a while; throughput, times per call, capacity of every "
        "replica and, with --rate, how long readers that consume so much would wait.",
    )
    command.add_argument("at", nargs="?", metavar="HOST:PORT", help="instead of --target")
    command.add_argument("--generator", help="name of the generator (the only one)")
    command.add_argument("--seconds", type=float, default=10.0, help="how long to measure (%(default)s)")
    command.add_argument("--readers", type=int, default=4, help="threads (%(default)s)")
    command.add_argument("--rows", type=_number, default=256, help="samples per call (%(default)s)")
    command.add_argument("--rate", type=float, help="samples/s that all readers together consume (all they get)")
    command.set_defaults(run=commands.bench)


def _browse(subparsers: Any, parents: list[Parser]) -> None:
    command = subparsers.add_parser(
        "browse",
        parents=parents,
        help="look at the generators in a web browser",
        description="Show a service's generators on a page: what there is, how good it is, samples, and the lines that "
        "make them again. For whoever sits at this machine, unless --host and --allow-host say otherwise.",
    )
    command.add_argument("at", nargs="?", metavar="HOST:PORT", help="instead of --target")
    command.add_argument("--port", type=int, help="port of the page (8421, or another one if that is taken)")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    command.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which the page is reached from elsewhere; may be repeated",
    )
    command.add_argument("--no-open", action="store_true", help="open no browser")
    command.set_defaults(run=commands.browse)
