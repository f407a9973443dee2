"""Libraries that come with an extra: named where they are missing."""

from __future__ import annotations

from importlib.util import find_spec


class MissingLibrary(ImportError):
    """A library that is needed here is not installed."""

    def __init__(self, library: str, *, extra: str, needed_by: str) -> None:
        super().__init__(
            f"{needed_by} needs {library}, which is not installed: pip install 'headwater[{extra}]'.", name=library
        )


def need(*libraries: str, extra: str, needed_by: str) -> None:
    """Make sure that libraries are there, without importing them.

    Raises:
        MissingLibrary: one is not.
    """
    for library in libraries:
        if find_spec(library) is None:
            raise MissingLibrary(library, extra=extra, needed_by=needed_by)
