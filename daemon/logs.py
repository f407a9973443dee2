"""The daemon's own log: readable lines on a terminal, JSON lines otherwise. What user code prints is not in it."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(*, level: str = "info", json_lines: bool | None = None) -> None:
    """Set up structlog for a daemon process. `json_lines` None: JSON where stderr is not a terminal."""
    if json_lines is None:
        json_lines = not sys.stderr.isatty()
    render = (
        structlog.processors.JSONRenderer() if json_lines else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if json_lines:
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
