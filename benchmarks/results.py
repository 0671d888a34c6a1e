"""What benchmarks measured, kept: lines of JSON that they write (--out), and the tables of pages that are made of them.

    python -m benchmarks.NAME --out benchmarks/results/FILE.jsonl    # one line for each row of what it prints
    python -m benchmarks.results                                     # then: the tables in benchmarks/results/*.md

A page says where a file's tables go, `<!-- made of FILE.jsonl -->` to `<!-- end -->`; of one of them with `: TABLE`
behind the file. A run replaces the lines of the same command and leaves those of others. The unit of a value is in the
name of its column; a list of values, one for each round, is shown as median (least to most).
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks/results"
LIBRARIES = ("numpy", "onnxruntime", "onnxruntime-gpu", "grpcio", "torch")
# Of those that a processor has, the ones that decide how fast it multiplies matrices.
INSTRUCTION_SETS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "sve")
MARKED = re.compile(r"(<!-- made of (\S+\.jsonl)(?:: (.+?))? -->\n).*?(<!-- end -->)", re.DOTALL)

# Of a first column of names, at least: the later ones may be longer than the first.
NAME_WIDTH = 40

Value = str | float | list[float] | None


class Parser(argparse.ArgumentParser):
    """The command line of a benchmark, with --out; `results` takes the rows."""

    def __init__(self, module: str, doc: str | None) -> None:
        """module: of the benchmark, e.g. benchmarks.serving. doc: of that module."""
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=f"python -m {module}", description=doc, formatter_class=formatter)
        self.add_argument("--out", type=Path, metavar="FILE.jsonl", help="also write the rows there, as lines of JSON")
        self._module = module
        self._given: list[str] = []
        self._out: Path | None = None

    def options(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse them, by default those of the program; ends with a message where --out cannot be written."""
        self._given = list(sys.argv[1:] if arguments is None else arguments)
        options = self.parse_args(self._given)
        self._out = options.out
        if self._out is not None:
            try:
                read(self._out)
                self._out.touch()
            except (OSError, ValueError) as error:
                self.error(f"--out {self._out}: {error}")
        return options

    @contextmanager
    def results(self) -> Iterator[Results]:
        """Takes the rows of this run; what --out names is written at the end, unless the run fails."""
        taken = Results()
        yield taken
        if self._out is not None:
            command = shlex.join(["python", "-m", self._module, *_without_out(self._given)])
            circumstances: dict[str, Any] = {
                "command": command,
                "date": datetime.date.today().isoformat(),
                "commit": commit(),
            }
            circumstances |= {"machine": machine(), "versions": versions()}
            kept = [line for line in read(self._out) if line["command"] != command]
            lines = [*kept, *({"benchmark": self._module, **row, **circumstances} for row in taken.rows)]
            self._out.write_text("".join(json.dumps(line) + "\n" for line in lines))


class Results:
    """Rows as they are measured: printed at once, in Markdown."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []  # each with its `table` and its `row`
        self._widths: dict[str, int] = {}

    def row(self, table: str, row: Mapping[str, Value]) -> None:
        """Print a row, below the names of its columns if the row before was of another table or lacked one of them.

        table: its title. row: values by column. Raises TypeError for what is no JSON, as NumPy's integers.
        """
        kept = json.loads(json.dumps(dict(row)))  # here, not at the end of an hour, it is seen what is no JSON
        cells = {column: cell(column, value) for column, value in row.items()}
        if not self.rows or self.rows[-1]["table"] != table or not cells.keys() <= self._widths.keys():
            self._widths = {column: max(len(column), len(text)) for column, text in cells.items()}
            first = next(iter(row))
            if isinstance(row[first], str):
                self._widths[first] = max(self._widths[first], NAME_WIDTH)
            print(f"\n{table}\n")
            print(_line([column.ljust(width) for column, width in self._widths.items()]))
            print(_line(["-" * width for width in self._widths.values()]))
        self._widths = {column: max(width, len(cells.get(column, ""))) for column, width in self._widths.items()}
        print(_line([cells.get(column, "").ljust(width) for column, width in self._widths.items()]), flush=True)
        self.rows.append({"table": table, "row": kept})


# -- the circumstances ----------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Of the process: cores that it may use, the processor's name and instruction sets, memory in GiB."""
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    facts: dict[str, str] = dict(re.findall(r"^(model name|flags|Features)\s*: (.*)$", told, re.MULTILINE))
    has = set(facts.get("flags", facts.get("Features", "")).split())
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": facts.get("model name", platform.machine()),
        "instruction_sets": [each for each in INSTRUCTION_SETS if each in has],
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
    }


def versions() -> dict[str, str]:
    """Of Python and the libraries that decide about speed, as far as they are installed."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Of the checkout, "-dirty" behind it if something is changed; "unknown" without git.

    What measurements have written into benchmarks/results/ before changes no measurement.
    """
    git = ["git", "-C", str(ROOT)]
    changed = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)benchmarks/results"]
    try:
        named = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        found = subprocess.run([*git, *changed], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return named.stdout.strip() + ("-dirty" if found.stdout.strip() else "")


def _without_out(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word != "--out" and not word.startswith("--out="):
            kept.append(word)
        skip = word == "--out"
    return kept


# -- the tables -----------------------------------------------------------------------------------------------


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a file; none if there is no file. Raises ValueError for what is no such line."""
    lines = []
    for number, text in enumerate(path.read_text().splitlines() if path.exists() else [], start=1):
        try:
            lines.append(json.loads(text))
            _ = lines[-1]["table"], lines[-1]["row"], lines[-1]["command"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"line {number} is not what a benchmark wrote with --out") from None
    return lines


def cell(column: str, value: Value) -> str:
    """What people read: two or three digits, one after the point for percentages.

    value: a number, one for each round, or text; None for nothing.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("|", "\\|")
    if isinstance(value, list):
        if not value:
            return ""
        middle, least, most = (cell(column, number) for number in (statistics.median(value), min(value), max(value)))
        return middle if len(value) == 1 else f"{middle} ({least} to {most})"
    if column.endswith("%"):
        return f"{value:.1f}"
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows: Sequence[Mapping[str, Value]]) -> list[str]:
    """Lines of Markdown; columns in the order in which they first come."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [_line(columns), "|" + "---|" * len(columns)]
    return lines + [_line([cell(column, row.get(column)) for column in columns]) for row in rows]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def section(lines: Sequence[Mapping[str, Any]]) -> str:
    """What a page shows of some lines: their commands, when and where they ran, and their tables."""
    shown = [f"    {command}" for command in dict.fromkeys(line["command"] for line in lines)]
    shown += ["", *dict.fromkeys(_circumstances(line) for line in lines)]
    titles = list(dict.fromkeys(line["table"] for line in lines))
    for title in titles:
        shown += ["", *([f"{title}:", ""] if len(titles) > 1 else [])]
        shown += table([line["row"] for line in lines if line["table"] == title])
    return "\n".join(["", *shown, "", ""])


def _circumstances(line: Mapping[str, Any]) -> str:
    on, libraries = line["machine"], line["versions"]
    sets = f", {' '.join(on['instruction_sets'])}" if on["instruction_sets"] else ""
    told = ", ".join(f"{name} {version}" for name, version in libraries.items())
    return (
        f"{line['date']}, commit {line['commit']}; {on['cores']} cores ({on['processor']}{sets}), "
        f"{on['memory_gib']:.0f} GiB; {told}."
    )


def page(text: str, folder: Path = FOLDER) -> str:
    """The text of a page with its tables made anew. Raises ValueError where it names lines that are not there."""

    def made(match: re.Match[str]) -> str:
        begin, name, title, end = match.groups()
        lines = [line for line in read(folder / name) if title in (None, line["table"])]
        if not lines:
            raise ValueError(f"{begin.strip()}: there are no such lines")
        return begin + section(lines) + end

    return MARKED.sub(made, text)


def main() -> int:
    argparse.ArgumentParser(
        prog="python -m benchmarks.results", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    for path in sorted(FOLDER.glob("*.md")):
        old = path.read_text()
        try:
            new = page(old)
        except ValueError as error:
            print(f"error: {path.name}: {error}", file=sys.stderr)
            return 1
        if new != old:
            path.write_text(new)
            print(f"{path.name} has new tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
