"""Where the user wrote the definition that is being made: the nearest line above that is not of this package."""

from __future__ import annotations

import sys

from .source import SourceLine


def caller() -> SourceLine:
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__package__") == __package__:
        frame = frame.f_back
    return SourceLine(frame.f_code.co_filename, frame.f_lineno)
