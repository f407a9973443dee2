"""Typed columns: one number per partition, in arrays and not in dicts of objects.

A column is kept in pages, and only those that were written to: time windows count from an epoch decades back, and of a
thousand million combinations of keys most are never used. What was never written reads as 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

PAGE = 64  # numbers: half a kilobyte at most, since combinations that are used may lie far apart


class Column:
    """Numbers by ordinal: log offsets ("q") or positions between them ("d")."""

    __slots__ = ("_pages", "_typecode")

    def __init__(self, typecode: str = "q") -> None:
        self._typecode = typecode
        self._pages: dict[int, array[Any]] = {}
        """Each as long as the last number written to it asks for: most assets have no partitions, and one number."""

    def __getitem__(self, ordinal: int) -> int | float:
        page, place = self._pages.get(ordinal // PAGE), ordinal % PAGE
        return 0 if page is None or place >= len(page) else page[place]

    def __setitem__(self, ordinal: int, value: int | float) -> None:
        page, place = self._pages.get(ordinal // PAGE), ordinal % PAGE
        if page is not None and place < len(page):
            page[place] = value
            return
        if not value:
            return
        if page is None:
            page = self._pages[ordinal // PAGE] = array(self._typecode)
        page.frombytes(bytes((place + 1 - len(page)) * page.itemsize))
        page[place] = value

    def largest(self) -> int | float:
        """The largest number in it, or 0."""
        return max([max(page) for page in self._pages.values()], default=0) if self._pages else 0

    def items(self) -> Iterator[tuple[int, int | float]]:
        """Ordinals and values of what is not 0, in order."""
        for number in sorted(self._pages):
            for place, value in enumerate(self._pages[number]):
                if value:
                    yield number * PAGE + place, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and dict(self.items()) == dict(other.items())
