"""The keys to hand to a step when no plan names them: read from the log, for runs that are made in this process.

The daemon chooses them from State when it launches a run (`handing.py`). A run that somebody starts by hand has no
State to look into; for the one dependency that it reads whole, the events of that asset are enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pyroaring import BitMap

from ...definitions.definitions import Definitions
from ...storage import dynamic_partitions
from ...storage.events import AssetCheckEvaluated, AssetMaterialized, Event, KeyRanges
from ...storage.log import EventLog
from ...storage.state.ordinals import Spaces
from .execute import ChooseKeys

PAGE = 1_000


def choose_from_log(log: EventLog, definitions: Definitions, *, now: datetime) -> ChooseKeys:
    """Chooses the partitions that have been made, exist at `now`, and, where only those count, passed their checks."""

    def choose(asset_key: str, only_passed: bool) -> tuple[KeyRanges, int]:
        through = log.head().offset
        definition = definitions.get(asset_key).partitions_def
        spaces = spaces_of(log)
        space = spaces.of(definition)
        made: set[str | None] = set()
        shut: dict[str, set[str | None]] = {}
        for event in _history(log, asset_key, through):
            if isinstance(event, AssetMaterialized):
                made.add(event.partition)
            elif isinstance(event, AssetCheckEvaluated) and event.blocking:
                _note(event, shut.setdefault(event.check_name, set()), made)
        if only_passed:
            made.difference_update(*shut.values())
        bits = BitMap([ordinal for key in made if (ordinal := space.find(key)) is not None])
        return space.ranges(bits & spaces.existing(definition, now)) or (), through

    return choose


def spaces_of(log: EventLog) -> Spaces:
    """Spaces in which the keys exist that were added at run time, up to the end of the log."""
    spaces = Spaces()
    for stored in dynamic_partitions.changes(log):
        spaces.note(stored.event)
    return spaces


def _note(event: AssetCheckEvaluated, shut: set[str | None], made: set[str | None]) -> None:
    """Which partitions the check keeps shut after `event`; one without a partition speaks for all that were made."""
    partitions = made if event.partition is None else {event.partition}
    if event.passed or event.severity == "WARN":
        shut.difference_update(partitions)
    else:
        shut.update(partitions)


def _history(log: EventLog, asset_key: str, through: int) -> Iterator[Event]:
    """What was made and checked of an asset, up to the offset `through`."""
    after = 0
    types = ("asset_materialized", "asset_check_evaluated")
    while page := log.query(asset_key=asset_key, types=types, after=after, limit=PAGE):
        for stored in page:
            if stored.offset > through:
                return
            yield stored.event
        after = page[-1].offset
