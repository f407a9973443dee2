"""Since when a node of a condition is what it is, and through which event: looked up in the log, for `explain`.

A node that is true because of something has its position from the evaluation. Of a leaf that is not, and of a level
that is, the newest event of its asset is looked for that can have made it so: for the partitions that are explained,
and for no others. An operator changed with the newest of its parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...definitions.conditions import CronTickPassed, Missing
from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from .explained_tree import Found
from .firing import last_firing
from .moment import Moment
from .requests_of import MOST_RUNS, requests_of

BY_SCHEDULE = "schedule"
MOST_KEYS = 500  # partitions whose own events are looked for; of more, those of the whole asset
YEAR = timedelta(days=366)  # how far back the last firing of a schedule is looked for


@dataclass(frozen=True, slots=True)
class Change:
    """What made a node what it is. The firing of a schedule is no event: it has an instant and no offset."""

    at: datetime
    by: str
    offset: int | None = None


class LastChanges:
    """Of the nodes of one condition at one moment of the log."""

    def __init__(self, log: EventLog, moment: Moment, through: int) -> None:
        self._log, self._moment, self._through = log, moment, through

    def of(self, found: Found, children: Iterable[Change | None]) -> Change | None:
        """`children` are the changes of its parts, where it has some. None where nothing has happened to it, ever."""
        why = found.truth.why.within(found.concerned)
        if found.is_true and why and not isinstance(found.node, Missing):
            return self._at(why.groups[0][0], found)
        if found.children:
            return max((change for change in children if change), key=lambda change: change.at, default=None)
        return self._touched(found)

    def _at(self, position: float, found: Found) -> Change | None:
        """What stands at a position; between two events that is the firing of a schedule."""
        if position < 1:
            return None
        if position % 1 and (instant := self._firing(position, found)) is not None:
            return Change(instant, BY_SCHEDULE)
        return self._event(min(math.floor(position), self._through))

    def _firing(self, position: float, found: Found) -> datetime | None:
        crons = {(n.cron_schedule, n.cron_timezone) for n in found.node.walk() if isinstance(n, CronTickPassed)}
        around = self._log.read(int(position) - 1, 2)
        if not crons or not around:
            return None
        until = around[1].at if len(around) == 2 and around[1].offset <= self._through else self._moment.at
        after = around[0].at - timedelta(microseconds=1)  # an event of the very instant stands behind the firing
        fired = (last_firing(schedule, zone, after=after, until=until) for schedule, zone in crons)
        return max((instant for instant in fired if instant is not None), default=None)

    def _event(self, offset: int) -> Change:
        return _of_event(self._log.read(offset - 1, 1)[0])

    def _touched(self, found: Found) -> Change | None:
        """The newest event that can have made a leaf what it is."""
        name, key = type(found.node).name, found.key.partition(":")[0]
        if isinstance(found.node, CronTickPassed):
            until = self._moment.at
            fired = last_firing(found.node.cron_schedule, found.node.cron_timezone, after=until - YEAR, until=until)
            return Change(fired, BY_SCHEDULE) if fired else None
        if isinstance(found.node, Missing):
            return self._made_first(found, key)
        if name in _UNDER_WAY:
            return self._under_way(found, key)
        if name == "handled":
            handled = self._moment.state.asset(found.key).table.handled
            offset = max((int(handled[n]) for n in list(found.concerned)[:MOST_KEYS]), default=0)
            return self._event(min(offset, self._through)) if offset else None
        return self._newest(key, KINDS.get(name, ()), self._keys(found))

    def _newest(self, key: str, types: tuple[str, ...], keys: list[str] | None) -> Change | None:
        newest = self._log.query(
            asset_key=key, types=types, partitions=keys, newest_first=True, limit=1, before=self._through + 1
        )
        return _of_event(newest[0]) if newest else None

    def _made_first(self, found: Found, key: str) -> Change | None:
        """Missing since it was wiped last, if ever; not missing since it was made the first time after that."""
        wiped = self._wiped(found, key)
        if found.is_true:
            return _of_event(wiped) if wiped else None
        keys, updates = self._keys(found), ("asset_materialized", "asset_observed")
        if keys is None or len(keys) == 1:
            after = wiped.offset if wiped else 0
            first = self._log.query(asset_key=key, types=updates, partitions=keys, after=after, limit=1)
            return _of_event(first[0]) if first and first[0].offset <= self._through else None
        return self._newest(key, updates, keys)

    def _wiped(self, found: Found, key: str) -> StoredEvent | None:
        wipes = self._log.query(
            asset_key=key, types=["asset_wiped"], newest_first=True, limit=MOST_KEYS, before=self._through + 1
        )
        space = self._moment.state.space(key)
        for wipe in wipes:
            if isinstance(wipe.event, e.AssetWiped):
                ranges = wipe.event.partitions
                if ranges is None or space.bits(ranges) & found.concerned:
                    return wipe
        return None

    def _under_way(self, found: Found, key: str) -> Change | None:
        """Under way since the run or the backfill was requested; not since the last one has made it or ended."""
        asset = self._moment.state.asset(found.key)
        requests = requests_of(self._log, self._moment.state, key, found.concerned, through=self._through)
        if found.is_true:
            under_way = asset.unmade.keys() | asset.backfills.keys()
            since = (r for r in requests if _id(r.event) in under_way)
            return next(map(_of_event, since), None)
        for request in requests:
            if (ended := self._ended(request, key, self._keys(found))) is not None:
                return ended
        return None

    def _ended(self, request: StoredEvent, key: str, keys: list[str] | None) -> Change | None:
        run_id = _id(request.event)
        if isinstance(request.event, e.BackfillRequested):
            ends = self._log.query(types=["backfill_ended"], after=request.offset, limit=MOST_RUNS)
            return next((_of_event(s) for s in ends if _id(s.event) == run_id and s.offset <= self._through), None)
        made = ("asset_materialized", "asset_observed", "step_failed")
        for stored in self._log.query(run_id=run_id, types=[*made, *_RUN_ENDS], after=request.offset):
            if stored.offset > self._through:
                break
            is_own = getattr(stored.event, "asset_key", None) == key
            partition = getattr(stored.event, "partition", None)
            if stored.event.type in _RUN_ENDS or (is_own and (keys is None or partition is None or partition in keys)):
                return _of_event(stored)
        return None

    def _keys(self, found: Found) -> list[str] | None:
        """The keys of the partitions that are explained; None where there are none, or too many to ask for each."""
        if len(found.concerned) > MOST_KEYS:
            return None
        space = self._moment.state.space(found.key.partition(":")[0])
        keys = [space.key(ordinal) for ordinal in found.concerned]
        return None if None in keys or not keys else [key for key in keys if key is not None]


def _of_event(stored: StoredEvent) -> Change:
    return Change(stored.at, stored.event.type, stored.offset)


def _id(event: e.Event) -> str | None:
    return getattr(event, "run_id", None) or getattr(event, "backfill_id", None)


_UNDER_WAY = ("in_progress", "run_in_progress", "backfill_in_progress")
_RUN_ENDS = ("run_succeeded", "run_failed", "run_cancelled")
_UPDATES = ("asset_materialized", "asset_observed", "asset_wiped")
_RESULTS = ("asset_check_evaluated", "asset_materialized")
KINDS: dict[str, tuple[str, ...]] = {
    "newly_updated": _UPDATES,
    "data_version_changed": _UPDATES,
    "executed_with_root_target": _UPDATES,
    "executed_with_tags": _UPDATES,
    "any_new_update_has_run_tags": _UPDATES,
    "all_new_updates_have_run_tags": _UPDATES,
    "execution_failed": ("step_failed", "step_skipped", "asset_materialized"),
    "gated": _RESULTS,
    "check_passed": _RESULTS,
    "check_failed": _RESULTS,
    "freshness_passed": ("freshness_changed",),
    "freshness_warned": ("freshness_changed",),
    "freshness_failed": ("freshness_changed",),
    "python": ("condition_evaluated",),
}
"""Per operand, the types of events of its asset that can change it."""
