"""Runs programs of docs/recipes.md: `python -m tests.client.recipes HOST:PORT=HEADING ...`; JSON of the outcomes.

In a process of its own, because some of them fork, and a process that has run a gRPC server cannot be.
"""

import contextlib
import importlib.util
import json
import re
import sys
import traceback
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"

# Not everybody has them; everything else that a recipe imports comes with the tests.
OPTIONAL = ("accelerate", "ignite", "jax", "keras", "lightning", "nvidia", "tensorflow", "transformers")


def programs() -> dict[str, str]:
    """Heading to program."""
    found = re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    blocks = {heading: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for heading, text in found}
    assert all(len(one) == 1 for one in blocks.values())
    return {heading: one[0] for heading, one in blocks.items()}


def missing(program: str) -> list[str]:
    """Optional libraries that it imports and that are not installed."""
    imported = set(re.findall(r"^(?:import|from) (\w+)", program, re.MULTILINE))
    if "augmint.tensorflow" in program:
        imported.add("tensorflow")
    return [name for name in OPTIONAL if name in imported and not importlib.util.find_spec(name)]


def run(program: str, target: str) -> str:
    """ "passed", "skipped: ..." or what went wrong."""
    lacks = missing(program)
    if lacks:
        return f"skipped: {', '.join(lacks)} is not installed"
    try:
        with contextlib.redirect_stdout(sys.stderr):
            exec(compile(program.replace("localhost:50051", target), "recipe", "exec"), {"__name__": "recipe"})
    except Exception:
        return traceback.format_exc()
    return "passed"


def main(arguments: list[str]) -> None:
    asked = [argument.split("=", 1) for argument in arguments]
    print(json.dumps({name: run(programs()[name], target) for target, name in asked}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
