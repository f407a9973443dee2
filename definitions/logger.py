"""The logger of user code: `context.log` in assets, and `get_logger()` in whatever these call.

>>> log = get_logger(__name__)
>>> log.info("%s rows", 3)

Both write to the log of the step that is running, and to wherever the user's own logging sends them. What came from
the environment is taken out of every line first. Outside of a run they are ordinary loggers of the standard library.
"""

from __future__ import annotations

import logging
from typing import TypeAlias

from .env import redacted

RUN_LOGGER = "headwater.run"

LogManager: TypeAlias = logging.Logger
"""What `context.log` is, for annotations."""


def get_logger(name: str | None = None) -> logging.Logger:
    """A logger whose lines reach the log of the step that is running. It may be made at import."""
    logger = logging.getLogger(RUN_LOGGER if name is None else f"{RUN_LOGGER}.{name}")
    logger.addFilter(without_secrets)  # on each: filters of a logger do not see what its children pass up
    return logger


def without_secrets(record: logging.LogRecord) -> bool:
    """Take what came from the environment out of a record, before any handler sees it."""
    try:
        text = record.getMessage()
        if (hidden := redacted(text)) != text:
            record.msg, record.args = hidden, None
        if record.exc_info and not record.exc_text:
            trace = logging.Formatter().formatException(record.exc_info)
            if (hidden := redacted(trace)) != trace:
                record.exc_text, record.exc_info = hidden, None
    except Exception:  # a message that cannot be formatted: the handlers report it in their way
        return True
    return True
