"""The source text of a function, line by line, and the objects that it names.

What is written into the text are expressions of our own, names of local variables and numbers. Whatever comes from a
definition (keys, labels, schedules) is an object that the text has a name for, and never text itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Source:
    """A function under way. `let` and `name` give names that nothing else has."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 1
        self._count = 0
        self._objects: dict[str, Any] = {}

    def line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """The lines within belong to `head`, which ends in a colon."""
        self.line(head)
        self._depth += 1
        yield
        self._depth -= 1

    def let(self, expression: str) -> str:
        """A new local variable with the value of an expression. What is a name or a number already stays as it is."""
        if expression.isidentifier() or expression.isdecimal():
            return expression
        self._count += 1
        name = f"v{self._count}"
        self.line(f"{name} = {expression}")
        return name

    def new(self, value: str) -> str:
        """A new local variable that later lines assign to."""
        self._count += 1
        name = f"v{self._count}"
        self.line(f"{name} = {value}")
        return name

    def name(self, one: object) -> str:
        """The name by which the text speaks of an object."""
        name = f"O{len(self._objects)}"
        self._objects[name] = one
        return name

    def function(self, parameters: str, prologue: str, result: str) -> Callable[..., Any]:
        """What has been written, as a function."""
        lines = [f"def evaluated({parameters}):", *prologue.splitlines(), *self._lines, f"    return {result}"]
        exec(compile("\n".join(lines), "<condition>", "exec"), self._objects)
        found: Callable[..., Any] = self._objects["evaluated"]
        return found
