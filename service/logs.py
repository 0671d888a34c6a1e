"""The log: structured lines on stderr, for people or for machines."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog


def configure(style: str, level: str, stream: TextIO | None = None) -> None:
    """Set up the log of the process.

    style:  "console", "json" (one object a line, and half the cost), or "auto": console on a terminal, else json.
    level:  least important level written: "debug", "info", "warning" or "error".
    stream: where to; None: stderr.
    """
    stream = stream or sys.stderr
    rendering: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if style == "json" or (style == "auto" and not stream.isatty()):
        # A value is escaped by JSON, so nothing in it can begin a new line.
        rendering += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        rendering += [structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)]
    structlog.configure(
        processors=rendering,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    # Libraries that use the standard log (grpc, asyncio) come out beside ours.
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(levelname)s %(name)s: %(message)s", force=True)
