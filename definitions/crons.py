"""Cron schedules of definitions: what can be written, and the instants at which they fire.

Five fields, or one of `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly` and `@annually`, in a time
zone. Daylight saving follows the rule of Debian's cron(8): a time of day that is skipped fires at the first instant
after the jump; one that occurs twice fires the first time only. Jobs whose minute or hour is a wildcard follow the
clock instead: every hour that is lived through fires once, so that an hour that occurs twice fires twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from .errors import InvalidDefinitionError
from .zones import zone

SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def checked_cron(schedule: str) -> str:
    """The schedule in five fields.

    Raises:
        InvalidDefinitionError: it cannot be read.
    """
    from cronsim import CronSim, CronSimError

    if not isinstance(schedule, str):
        raise InvalidDefinitionError(f"cron_schedule must be a str or a list of str, not {schedule!r}")
    text = SHORTHANDS.get(schedule.strip().lower(), schedule.strip())
    fields = text.split()
    if len(fields) != 5:
        raise InvalidDefinitionError(
            f"cron_schedule {schedule!r} has {len(fields)} fields instead of five: minute, hour, day, month, weekday"
        )
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as exc:
        raise InvalidDefinitionError(f"cron_schedule {schedule!r} cannot be read: {exc}") from exc
    return " ".join(fields)


def firings(crons: Sequence[str], timezone: str, *, after: datetime) -> Iterator[datetime]:
    """The instants after `after` at which any of `crons` fires, in UTC, each once, without end."""
    import heapq

    last = after
    for instant in heapq.merge(*(_of_one(cron, timezone, after) for cron in crons)):
        if instant > last:
            last = instant
            yield instant


def firings_between(
    crons: Sequence[str], timezone: str, *, after: datetime, until: datetime, limit: int
) -> tuple[list[datetime], int]:
    """The last `limit` instants in (after, until], oldest first, and how many there were before them."""
    from collections import deque

    kept: deque[datetime] = deque(maxlen=limit)
    count = 0
    for instant in firings(crons, timezone, after=after):
        if instant > until:
            break
        kept.append(instant)
        count += 1
    return list(kept), count - len(kept)


def _of_one(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    from cronsim import CronSim

    for local in CronSim(cron, after.astimezone(zone(timezone))):
        yield local.astimezone(UTC)
