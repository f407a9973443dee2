"""When schedules and sensors on time are due: the instants of crons, and intervals since the last evaluation."""

from __future__ import annotations

from datetime import datetime, timedelta

from ...definitions.automation_snapshot import ScheduleSnapshot, SensorSnapshot
from ...definitions.crons import firings, firings_between
from ...storage.state.automation import ScheduleState, SensorState
from ..evaluation.timers import backoff

_SPANS = (timedelta(hours=26), timedelta(days=32), timedelta(days=400), None)


def missed_instants(schedule: ScheduleState, defined: ScheduleSnapshot, *, now: datetime) -> tuple[list[datetime], int]:
    """The last `max_catchup_runs` instants up to `now` that the schedule has not dealt with, oldest first, and how many
    there were before them (after a long downtime: at least so many)."""
    kept: list[datetime] = []
    dropped = 0
    for span in _SPANS:
        after = schedule.since if span is None else max(schedule.since, now - span)
        kept, dropped = firings_between(
            defined.crons, defined.timezone, after=after, until=now, limit=defined.max_catchup_runs
        )
        if len(kept) == defined.max_catchup_runs or after == schedule.since:
            break
    return kept, dropped


class NextInstants:
    """The next instant of each schedule, worked out once and kept until it is over."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[datetime, tuple[str, ...], str], datetime]] = {}

    def of(self, schedule: ScheduleState, defined: ScheduleSnapshot) -> datetime:
        """The first instant that the schedule has not dealt with."""
        basis = (schedule.since, defined.crons, defined.timezone)
        known = self._known.get(schedule.name)
        if known is None or known[0] != basis:
            instant = next(firings(defined.crons, defined.timezone, after=schedule.since))
            known = self._known[schedule.name] = (basis, instant)
        return known[1]


def sensor_due_at(
    sensor: SensorState, defined: SensorSnapshot, evaluated_at: datetime | None, *, now: datetime
) -> datetime:
    """From when the sensor may be evaluated again. One on time rests for its interval; one on events only after a
    failure, a little longer each time."""
    last = evaluated_at or (sensor.last.at if sensor.last else None)
    if last is None:
        return now
    if not defined.watches:
        return last + timedelta(seconds=defined.minimum_interval_s)
    return last + backoff(sensor.failures) if sensor.failures else now
