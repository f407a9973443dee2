"""The newest updates of a table in order: what was updated between two offsets, without a look at each partition."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

RECENT = 4096  # updates kept at least: more than can land between the choice of a step's keys and its start

Update = tuple[int, int]
"""An offset, and the partition that was updated there."""


class Recent:
    """Updates, oldest first. Once there are twice as many as have to be kept, the older half goes."""

    __slots__ = ("_numbers",)

    def __init__(self, updates: Iterable[Update] = ()) -> None:
        self._numbers = array("q", [number for update in updates for number in update])
        """Offset and partition in turn: a fifth of what pairs of them would need."""

    def to_bytes(self) -> bytes:
        return self._numbers.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Recent:
        """What `to_bytes` was called on."""
        recent = cls()
        recent._numbers.frombytes(data)
        return recent

    def append(self, offset: int, ordinal: int) -> None:
        numbers = self._numbers
        if len(numbers) == 4 * RECENT:
            del numbers[: 2 * RECENT]
        numbers.append(offset)
        numbers.append(ordinal)

    def reaches(self, since: int) -> bool:
        """Whether all updates behind an offset are here."""
        return len(self) < RECENT or self._numbers[0] <= since

    def between(self, since: int, until: int) -> set[int]:
        """The partitions with an update in (since, until]."""
        found: set[int] = set()
        for offset, ordinal in self._newest_first():
            if offset <= since:
                break
            if offset <= until:
                found.add(ordinal)
        return found

    def _newest_first(self) -> Iterator[Update]:
        return zip(self._numbers[-2::-2], self._numbers[::-2], strict=True)

    def __iter__(self) -> Iterator[Update]:
        return zip(self._numbers[::2], self._numbers[1::2], strict=True)

    def __len__(self) -> int:
        return len(self._numbers) // 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recent) and self._numbers == other._numbers
