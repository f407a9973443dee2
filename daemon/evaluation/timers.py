"""Timers: the next instant at which time alone could change a decision.

One timer per distinct cron and zone and one per distinct partitions definition, not one per asset; plus the instants at
which requests that were put off (the interval between equal requests, the back-off after setbacks) come due.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import operands as op
from ...definitions.partitions import TimeWindowPartitionsDefinition
from ...definitions.snapshot import DefinitionsSnapshot
from .firing import last_firing

Cron = tuple[str, str]
"""A cron schedule and its time zone."""


class Timers:
    """Which assets read which crons and windows, for one set of definitions."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self._crons: dict[Cron, set[str]] = {}
        self._windows: dict[str, tuple[TimeWindowPartitionsDefinition, set[str]]] = {}
        crons: dict[int, set[Cron]] = {}  # by the condition, which many assets may have
        for key, asset in definitions.assets.items():
            if asset.condition is not None:
                if id(asset.condition) not in crons:
                    crons[id(asset.condition)] = set(crons_of(asset.condition))
                for cron in crons[id(asset.condition)]:
                    self._crons.setdefault(cron, set()).add(key)
            for windows in asset.partitions.time_windows if asset.partitions else ():
                self._windows.setdefault(f"{windows.to_json()}", (windows, set()))[1].add(key)

    def due(self, *, after: datetime, until: datetime) -> set[str]:
        """The assets for which a cron fired or a partition came to exist in (after, until]."""
        keys: set[str] = set()
        for (schedule, zone), readers in self._crons.items():
            if last_firing(schedule, zone, after=after, until=until) is not None:
                keys |= readers
        for windows, readers in self._windows.values():
            boundary = windows.next_boundary(after)
            if boundary is not None and boundary <= until:
                keys |= readers
        return keys

    def next_due(self, now: datetime) -> datetime | None:
        """The first instant after `now` at which a cron fires or a partition comes to exist."""
        from cronsim import CronSim

        instants = [next(CronSim(schedule, now.astimezone(ZoneInfo(zone)))) for schedule, zone in self._crons]
        boundaries = [windows.next_boundary(now) for windows, _ in self._windows.values()]
        return min([*instants, *(b for b in boundaries if b is not None)], default=None)


def crons_of(condition: AutomationCondition) -> Iterator[Cron]:
    """Every cron that a condition reads."""
    if isinstance(condition, op.CronTickPassed):
        yield condition.cron_schedule, condition.cron_timezone
    for child in condition.children:
        yield from crons_of(child)


def backoff(count: int) -> timedelta:
    """How long to wait before the next attempt after `count` setbacks in a row: 1 s, 5 s, 25 s."""
    return timedelta(seconds=5 ** (count - 1))
