"""Columns: one offset per partition, in arrays and not in dicts of objects.

A column is kept in pages, and only those that were written to: time windows count from an epoch decades back, and of a
thousand million combinations of keys most are never used. What was never written reads as 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from .rare import NOTHING, noted

PAGE = 64  # numbers: half a kilobyte at most, since combinations that are used may lie far apart


class Column:
    """Log offsets by ordinal."""

    __slots__ = ("first", "pages")

    def __init__(self, first: int = 0, pages: dict[int, array[int]] = NOTHING) -> None:
        self.first: int = first
        """The number of ordinal 0, which stands in no page: most assets have no partitions, and this is all."""
        self.pages: dict[int, array[int]] = pages
        """Each as long as the last number written to it asks for."""

    def __getitem__(self, ordinal: int) -> int:
        if not ordinal:
            return self.first
        page, place = self.pages.get(ordinal // PAGE), ordinal % PAGE
        return 0 if page is None or place >= len(page) else page[place]

    def __setitem__(self, ordinal: int, value: int) -> None:
        if not ordinal:
            self.first = value
            return
        page, place = self.pages.get(ordinal // PAGE), ordinal % PAGE
        if page is not None and place < len(page):
            page[place] = value
            return
        if not value:
            return
        if page is None:
            page = array("q")
            self.pages = noted(self.pages, ordinal // PAGE, page)
        page.frombytes(bytes((place + 1 - len(page)) * page.itemsize))
        page[place] = value

    def largest(self) -> int:
        """The largest number in it, or 0."""
        return max([self.first, *map(max, self.pages.values())]) if self.pages else self.first

    def items(self) -> Iterator[tuple[int, int]]:
        """Ordinals and values of what is not 0, in order."""
        if self.first:
            yield 0, self.first
        for number in sorted(self.pages):
            for place, value in enumerate(self.pages[number]):
                if value:
                    yield number * PAGE + place, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and dict(self.items()) == dict(other.items())
