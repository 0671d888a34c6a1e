"""service/logs.py"""

import io
import json

import pytest
import structlog

from service import logs


@pytest.fixture
def stream():
    yield io.TextIOWrapper(io.BytesIO())
    structlog.reset_defaults()


def written(stream: io.TextIOWrapper) -> list[str]:
    stream.flush()
    return stream.buffer.getvalue().decode().splitlines()


def test_json_is_one_object_a_line_whatever_is_in_it(stream):
    logs.configure("json", "info", stream)
    values = {
        "line": "one\nlevel=error forged",
        "path": "not UTF-8: \udcff",
        "seed": 2**64 - 1,
        "large": 2**70,
        "odd": {1, 2},
    }
    structlog.get_logger("any").info("call", **values)
    (line,) = written(stream)
    read = json.loads(line)
    assert read["event"] == "call"
    assert {name: read[name] for name in ("line", "path", "seed", "large")} == {
        name: values[name] for name in ("line", "path", "seed", "large")
    }


def test_a_traceback_stays_inside_its_line(stream):
    logs.configure("json", "info", stream)
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError:
        structlog.get_logger("any").exception("failed")
    (line,) = written(stream)
    assert "RuntimeError: first\nsecond" in json.loads(line)["exception"]


def test_less_important_lines_are_left_out(stream):
    logs.configure("console", "warning", stream)
    structlog.get_logger("any").info("unimportant")
    structlog.get_logger("any").warning("important")
    (line,) = written(stream)
    assert "important" in line
    assert "unimportant" not in line
