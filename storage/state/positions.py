"""Typed columns: one number per partition, in arrays and not in dicts of objects.

A column begins at the lowest ordinal written to it, since time windows count from an epoch decades back. What was never
written reads as 0.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any


class Column:
    """Numbers by ordinal: log offsets ("q") or positions between them ("d")."""

    __slots__ = ("_first", "_values")

    def __init__(self, typecode: str = "q") -> None:
        self._first = 0
        self._values: array[Any] = array(typecode)

    def __getitem__(self, ordinal: int) -> int | float:
        place = ordinal - self._first
        return self._values[place] if 0 <= place < len(self._values) else 0

    def __setitem__(self, ordinal: int, value: int | float) -> None:
        values = self._values
        if not values:
            self._first = ordinal
        place = ordinal - self._first
        if place < 0:
            values[0:0] = array(values.typecode, bytes(-place * values.itemsize))
            self._first, place = ordinal, 0
        elif place >= len(values):
            values.frombytes(bytes((place + 1 - len(values)) * values.itemsize))
        values[place] = value

    def items(self) -> Iterator[tuple[int, int | float]]:
        """Ordinals and values of what is not 0."""
        for place, value in enumerate(self._values):
            if value:
                yield self._first + place, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and dict(self.items()) == dict(other.items())

    __hash__ = None  # type: ignore[assignment]
