"""When crons fire, found by going forward in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def last_firing(schedule: str, zone: str, *, after: datetime, until: datetime) -> datetime | None:
    """The last instant in (after, until] at which a cron fires, or None.

    Found by going forward, as the timers do: the library's way back skips firings in an hour that occurs twice.
    """
    from cronsim import CronSim

    for span in (timedelta(hours=26), timedelta(days=32), timedelta(days=400), None):
        start = after if span is None else max(after, until - span)
        last = None
        for local in CronSim(schedule, start.astimezone(ZoneInfo(zone))):
            instant = local.astimezone(UTC)  # local times of an hour that occurs twice compare as unequal to any other
            if instant > until:
                break
            last = instant
        if last is not None or start == after:
            return last if last is None or last > after else None
    return None


def last_firings(schedule: str, zone: str, *, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The last instants in (after, until] at which a cron fires, oldest first; `most` of them at most."""
    found: list[datetime] = []
    while len(found) < most and (at := last_firing(schedule, zone, after=after, until=until)) is not None:
        found.append(at)
        until = at - timedelta(microseconds=1)
    return found[::-1]


def next_firing(schedule: str, zone: str, *, after: datetime) -> datetime:
    """The first instant after another at which a cron fires."""
    from cronsim import CronSim

    return next(CronSim(schedule, after.astimezone(ZoneInfo(zone)))).astimezone(UTC)
