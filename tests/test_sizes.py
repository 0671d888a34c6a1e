"""How long files and functions may be, and which tests are long."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.longest import LONGEST

ROOT = Path(__file__).parents[1]

MOST_LINES, MOST_STEPS = 350, 60
# Longer than that, and why it is the clearer thing.
MAY_BE_LONG = {
    "service/metrics.py:__init__": "the table of all metrics, read by comparing, under a heading for each group",
}


def too_long(name: str, source: str) -> set[str]:
    """A file beyond MOST_LINES; its functions whose bodies, without the docstring, go beyond MOST_STEPS."""
    lines = source.count("\n")
    found = {name} if lines > MOST_LINES else set()
    for node in functions(ast.parse(source)) if lines > MOST_STEPS else ():
        steps = node.body[ast.get_docstring(node) is not None :]
        if steps and (node.end_lineno or 0) - steps[0].lineno >= MOST_STEPS:
            found.add(f"{name}:{node.name}")
    return found


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All of them, at any depth. Expressions, most of a tree, hold none and are not walked."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, field, ()):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node
            yield from functions(node)


def test_files_and_functions_are_read_in_one_sitting():
    folders = ("service", "training", "client", "benchmarks", "tests", "k8s")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "_pb2" not in path.name]
    found = {one for path in files for one in too_long(path.relative_to(ROOT).as_posix(), path.read_text())}
    assert found == {*MAY_BE_LONG}


def test_what_is_too_long_would_be_found():
    body = "".join(f"    x{number} = {number}\n" for number in range(MOST_STEPS))
    assert too_long("a.py", f'def f():\n    """One.\n\n    Two.\n    """\n{body}') == set()
    assert too_long("a.py", f"class A:\n  def f():\n{body}    return 0\n") == {"a.py:f"}
    assert too_long("a.py", f"try:\n  pass\nexcept E:\n  def f():\n{body}    return 0\n") == {"a.py:f"}
    assert too_long("a.py", "x = 0\n" * (MOST_LINES + 1)) == {"a.py"}


def test_files_that_begin_first_are_there():
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []
