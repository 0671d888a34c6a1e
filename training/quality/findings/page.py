"""docs/findings.md, made from the kinds of findings and their limits: `python -m training.quality.findings.page`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "findings.md"

_OF = {
    "data.py": "Data, before training",
    "training.py": "A run, at each look",
    "samples.py": "Samples, in the card",
    "carrying.py": "Carrying into other classes, in the card",
    "copying.py": "Copies, in the card",
}


def kinds() -> list[tuple[str, str]]:
    """Each kind of finding as it is written in a card, and what it means."""
    return re.findall(r'^    [A-Z_]+ = "([a-z-]+)"  # (.+)$', (HERE / "finding.py").read_text(), re.MULTILINE)


def limits(path: Path) -> list[tuple[str, str, str]]:
    """Constants of a module: name, value, and what the comment behind or above it says."""
    source = path.read_text()
    lines, found = source.splitlines(), []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            name, value = node.targets[0].id, ast.unparse(node.value)
            if not name.startswith("_") and re.fullmatch(r"[-\d.e(), /]+", value):
                behind = re.search(r"  # (.*)$", lines[node.lineno - 1])
                found.append((name, value, behind[1] if behind else ""))
    return found


def text() -> str:
    """The page."""
    parts = [
        "# Findings",
        "",
        "What training, the card and a study may say of data, runs and samples. A note tells; a warning lets a",
        "generator pass *with warnings*; a failure withholds the class or the generator. Each names its number, the",
        "limit, and what to do. This page is made by `python -m training.quality.findings.page`.",
        "",
        "| finding | what it means |",
        "|---|---|",
        *(f"| `{kind}` | {meaning} |" for kind, meaning in kinds()),
        "",
        "## Limits",
        "",
        "They stand at the top of one file each in [training/quality/findings](../training/quality/findings). Two",
        "values: warning, failure. What is measured of one kind of data alone has its limit in the kind's folder.",
    ]
    for name, title in _OF.items():
        rows = limits(HERE / name)
        if rows:
            parts += ["", f"### {title} (`{name}`)", "", "| limit | value | |", "|---|---|---|"]
            parts += [f"| `{key}` | {value} | {said} |" for key, value, said in rows]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text())
