"""The wall clock may jump: nothing that the service does may depend on it, only what it shows."""

import ast
from pathlib import Path

SERVICE = Path(__file__).parents[2] / "service"

WALL = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today")}
# Compares the ends of certificates, which are dates, for a metric.
SHOWN = {"tls.py"}


def looks(source):
    """Calls of the wall clock, as (module or class, function)."""
    functions = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {
        (getattr(function.value, "attr", getattr(function.value, "id", "")), function.attr)
        for function in functions
        if isinstance(function, ast.Attribute)
    } & WALL


def test_time_is_measured_by_clocks_that_never_go_back():
    users = {path.name for path in SERVICE.rglob("*.py") if looks(path.read_text())}
    assert users == SHOWN


def test_a_look_at_the_wall_clock_would_be_found():
    assert looks("import time\ndef f():\n    return time.time() + 1") == {("time", "time")}
