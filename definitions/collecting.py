"""Collecting definition errors, so that a load reports all of them and not the first.

Whatever finds something wrong in a definition calls `report` and goes on with the best it has. Outside a load the
error is raised at once, at the user's line; inside `collecting()` it is kept, the module is imported to its end, and
whoever opened the block raises everything together.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .errors import DefinitionError

_collected: ContextVar[list[DefinitionError] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting() -> Iterator[list[DefinitionError]]:
    """The list that grows by every error reported inside the block."""
    errors: list[DefinitionError] = []
    token = _collected.set(errors)
    try:
        yield errors
    finally:
        _collected.reset(token)


def report(error: DefinitionError) -> None:
    """Keep `error` for the end of the load; raise it where no load is under way."""
    errors = _collected.get()
    if errors is None:
        raise error
    errors.append(error)
