"""Where a definition stands in the user's code, so that an error can name its file and line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class SourceLine(NamedTuple):
    """A line of a file; `str()` gives `file:line`, the file relative to the working directory if it lies in it."""

    file: str
    line: int

    @classmethod
    def of(cls, function: Callable[..., Any]) -> SourceLine:
        """Where `function` begins (its first decorator). What has no Python code of its own stands at its module."""
        while (wrapped := getattr(function, "__wrapped__", None)) is not None:
            function = wrapped
        function = getattr(function, "func", function)  # functools.partial
        code = getattr(function, "__code__", None)
        if code is not None:
            return cls(code.co_filename, code.co_firstlineno)
        return cls(f"<{getattr(function, '__module__', None) or type(function).__module__}>", 0)

    @classmethod
    def here(cls, depth: int = 0) -> SourceLine:
        """The line that calls this method; `depth=1` is the caller of the function that does, and so on."""
        frame = sys._getframe(1 + depth)
        return cls(frame.f_code.co_filename, frame.f_lineno)

    def __str__(self) -> str:
        return f"{_short(self.file)}:{self.line}" if self.line else _short(self.file)


def _short(file: str) -> str:
    here = os.getcwd() + os.sep
    return file.removeprefix(here)
