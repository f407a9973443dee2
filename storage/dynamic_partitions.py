"""Dynamic partitions in the log: which keys a name has, and the events that change that.

Keys are facts like any other. Adding one that is there and deleting one that is not change nothing, and write nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..definitions.partitions.base import DynamicPartitionsStore, PartitionsDefinition
from ..definitions.partitions.dynamic import checked_keys
from .events import DynamicPartitionsAdded, DynamicPartitionsDeleted, Event
from .log import EventLog, StoredEvent

PAGE = 1_000


class DynamicKeys:
    """The keys of each name, in the order in which they were added; one that returns stands at the end."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, None]] = {}
        self._through = 0

    def catch_up(self, log: EventLog) -> DynamicKeys:
        """Take into account what has landed since; reads the events that changed keys, and no other."""
        for stored in changes(log, after=self._through):
            self.note(stored.event)
            self._through = stored.offset
        return self

    def note(self, event: Event) -> None:
        """Take one event into account; those about something else say nothing."""
        if isinstance(event, DynamicPartitionsAdded):
            self._keys.setdefault(event.name, {}).update(dict.fromkeys(event.keys))
        elif isinstance(event, DynamicPartitionsDeleted):
            for key in event.keys:
                self._keys.get(event.name, {}).pop(key, None)

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        return list(self._keys.get(partitions_def_name, ()))

    def has(self, partitions_def_name: str, key: str) -> bool:
        return key in self._keys.get(partitions_def_name, ())

    def names(self) -> list[str]:
        """The names under which there are keys, or were."""
        return sorted(self._keys)


def dynamic_keys(log: EventLog) -> DynamicKeys:
    """The keys of every name at the end of the log."""
    return DynamicKeys().catch_up(log)


def changes(log: EventLog, *, after: int = 0) -> Iterator[StoredEvent]:
    """The events behind an offset that added or deleted keys, oldest first."""
    while page := log.query(types=("dynamic_partitions_added", "dynamic_partitions_deleted"), after=after, limit=PAGE):
        yield from page
        after = page[-1].offset


def known_keys(partitions: PartitionsDefinition, keys: DynamicPartitionsStore) -> str:
    """Which keys there are, in the words of a message: what was added at run time comes from `keys`."""
    added = []
    for name in sorted(partitions.dynamic_names):
        there = list(keys.get_dynamic_partitions(name))
        shown = ", ".join(map(repr, there[-5:]))
        newest = f", the newest {shown}" if there else ""
        added.append(
            f"{len(there)} keys were added as {name!r}{newest} (`headwater partition add {name} KEY` adds one)"
        )
    return "; ".join([partitions.describe(), *added])


def add(log: EventLog, name: str, keys: Sequence[str], *, known: DynamicKeys | None = None) -> tuple[str, ...]:
    """Write that keys were added; returns those that are new. None of them is: nothing is written. Whoever adds often
    keeps what is `known`, so that the log is not read from its beginning each time.

    Raises:
        InvalidDefinitionError: one of them cannot be a partition key; none is added.
    """
    known, wanted = (known or DynamicKeys()).catch_up(log), checked_keys(keys)
    fresh = tuple(key for key in wanted if not known.has(name, key))
    if fresh:
        log.append([DynamicPartitionsAdded(name=name, keys=fresh)])
    return fresh


def delete(log: EventLog, name: str, keys: Sequence[str], *, known: DynamicKeys | None = None) -> tuple[str, ...]:
    """Write that keys were deleted; returns those that were there. None of them was: nothing is written."""
    known = (known or DynamicKeys()).catch_up(log)
    gone = tuple(key for key in dict.fromkeys(keys) if known.has(name, key))
    if gone:
        log.append([DynamicPartitionsDeleted(name=name, keys=gone)])
    return gone
