"""What the data that is there now was made from: when, by which code, under which dependencies, and its versions.

This is what staleness is told from (`storage/staleness.py`). It counts what *is* there, whether or not automation may
see it yet, and an attempt that failed changes nothing in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyroaring import BitMap

from .positions import Column
from .rare import noted, nothing

MOST_CHANGES = 16  # of data versions kept of one partition: what was made before the oldest of them counts as changed

MadeWith = tuple[str | None, tuple[str, ...] | None]
"""The code version and the keys of the dependencies that a step made something under; None where nobody told."""


@dataclass(slots=True)
class Provenance:
    """Of the partitions of one asset."""

    made_at: Column = field(default_factory=Column)
    """The offset of the newest materialization, or of the newest observation with a new version."""
    read_at: Column = field(default_factory=Column)
    """Through which offset the step had read that made it; of a report, its own offset."""
    made_with: dict[MadeWith, BitMap] = field(default_factory=nothing)
    """Where a step made it. What was reported stands nowhere in it."""
    changes: dict[int, list[tuple[int, str]]] = field(default_factory=nothing)
    """Each change of the data version with its offset, oldest first; "" stands for data without a version."""

    def updated(self, ordinal: int, *, at: int, read_at: int, version: str | None) -> None:
        """New data of a partition. With the version that it had before it is the same data."""
        self.made_at[ordinal], self.read_at[ordinal] = at, read_at
        changes = self.changes.get(ordinal)
        if changes is None:
            if version is not None:
                self.changes = noted(self.changes, ordinal, [(at, version)])
            return
        if version is None or changes[-1][1] != version:
            changes.append((at, version or ""))
            if len(changes) > MOST_CHANGES:
                del changes[0]

    def made_by(self, ordinal: int, how: MadeWith | None) -> None:
        """A step made it with `how`; None where it was reported."""
        bits = None if how is None else self.made_with.get(how)
        if bits is not None and ordinal in bits:
            return
        for others in self.made_with.values():
            others.discard(ordinal)
        if bits is not None:
            bits.add(ordinal)
        elif how is not None:
            self.made_with = noted(self.made_with, how, BitMap([ordinal]))

    def has_changed(self, ordinal: int, since: int) -> bool:
        """Whether the data of a partition is other than it was at the offset `since`."""
        if self.made_at[ordinal] <= since:
            return False
        changes = self.changes.get(ordinal)
        if not changes or not changes[-1][1]:
            return True
        then = next((version for at, version in reversed(changes) if at <= since), "")
        return then != changes[-1][1]

    def forget(self, ordinal: int) -> None:
        self.made_at[ordinal] = self.read_at[ordinal] = 0
        self.changes.pop(ordinal, None)
        self.made_by(ordinal, None)

    def move_to(self, target: Provenance, ordinal: int, there: int) -> None:
        """Copy what is known of one partition into another table."""
        if made_at := self.made_at[ordinal]:
            target.made_at[there], target.read_at[there] = made_at, self.read_at[ordinal]
        if ordinal in self.changes:
            target.changes = noted(target.changes, there, self.changes[ordinal])
        target.made_by(there, next((how for how, bits in self.made_with.items() if ordinal in bits), None))
