"""Missed periods: a schedule ticked, and nothing was asked for until it ticked again.

That is so where dependencies were not updated in the period, since `on_cron` waits for them, and also where no daemon
ran: several instants of a schedule count as one. A period is over when the next one begins; whoever made the asset in
it, automation or a hand, it was not missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ...definitions.conditions import AllDepsMatch, CronTickPassed, Since
from ...definitions.snapshot import AssetSnapshot
from ...storage.log import EventLog
from .firing import last_firings
from .moment import Moment
from .past_moment import offset_at
from .requests_of import requests_of

MOST_PERIODS = 5  # of one schedule, the newest
MOST_RUNS = 5_000  # runs that are looked through; what lies before them is not told of

_UPDATES = ("asset_materialized", "asset_observed")


@dataclass(frozen=True, slots=True)
class MissedPeriod:
    """From one instant of a schedule to the next."""

    schedule: str
    timezone: str
    begins: datetime
    ends: datetime
    lacking: tuple[str, ...]
    """The dependencies that were not updated in it; none, where the condition does not wait for them or they were."""


def missed_periods(log: EventLog, moment: Moment, asset: AssetSnapshot, *, first: datetime) -> list[MissedPeriod]:
    """The missed among the last periods that are over, newest first. `first` is when the asset was first evaluated as
    it is defined now: of what was before nothing is said."""
    crons = dict.fromkeys(_latched_schedules(asset))
    if not crons:
        return []
    made = _asked_for_or_made(log, moment, asset, after=first)
    missed = []
    for schedule, zone in crons:
        instants = last_firings(schedule, zone, after=first, until=moment.at, most=MOST_PERIODS + 1)
        for begins, ends in pairwise(instants):
            if not any(begins <= at < ends for at in made):
                missed.append(MissedPeriod(schedule, zone, begins, ends, _lacking(log, asset, begins, ends)))
    return sorted(missed, key=lambda period: period.begins, reverse=True)


def _latched_schedules(asset: AssetSnapshot) -> Iterator[tuple[str, str]]:
    """The schedules that make the asset due until it is made."""
    assert asset.condition is not None
    for node in asset.condition.walk():
        if isinstance(node, Since) and isinstance(trigger := node.children[0], CronTickPassed):
            yield trigger.cron_schedule, trigger.cron_timezone


def _asked_for_or_made(log: EventLog, moment: Moment, asset: AssetSnapshot, *, after: datetime) -> list[datetime]:
    through, key = moment.state.through, asset.key
    requests = requests_of(log, moment.state, key, moment.existing(key), through=through, most=MOST_RUNS)
    asked = [stored.at for stored in requests]
    made = log.query(asset_key=key, types=_UPDATES, newest_first=True, limit=MOST_RUNS, before=through + 1)
    return asked + [stored.at for stored in made if stored.at > after]


def _lacking(log: EventLog, asset: AssetSnapshot, begins: datetime, ends: datetime) -> tuple[str, ...]:
    assert asset.condition is not None
    looks = [node for node in asset.condition.walk() if isinstance(node, AllDepsMatch)]
    after, before = offset_at(log, begins), offset_at(log, ends) + 1
    return tuple(
        dep.key
        for dep in asset.deps
        if any(look.looks_at(dep.key) for look in looks)
        and not log.query(asset_key=dep.key, types=_UPDATES, after=after, before=before, limit=1)
    )
