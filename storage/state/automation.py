"""Schedules and sensors: where each stands, as a fold over their evaluations and switches.

A sensor on events has been shown what it watches up to the offset `through`; it begins at the one at which it was first
defined or last switched on. A schedule has dealt with all instants up to `since`; a new or edited cron begins at the
moment it was loaded. Run keys are kept for ever: each runs once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ...definitions.automation_snapshot import ScheduleSnapshot, SensorSnapshot
from ...definitions.snapshot import DefinitionsSnapshot
from .. import events as e

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class SensorState:
    """One sensor. `switched` is what somebody said of it, None where nobody has."""

    name: str
    through: int
    cursor: str | None = None
    switched: bool | None = None
    run_keys: set[str] = field(default_factory=set)
    last_run_key: str | None = None
    last: e.SensorEvaluated | None = None
    failures: int = 0
    """Failed evaluations in a row about the next event, or of a sensor on time at all."""

    def is_on(self, defined: SensorSnapshot | None) -> bool:
        return _is_on(self.switched, defined)


@dataclass(slots=True)
class ScheduleState:
    """One schedule, as it was `timed` when it was last loaded."""

    name: str
    since: datetime
    timed: tuple[tuple[str, ...], str] = ((), "")
    switched: bool | None = None
    run_keys: set[str] = field(default_factory=set)
    last: e.ScheduleEvaluated | None = None

    def is_on(self, defined: ScheduleSnapshot | None) -> bool:
        return _is_on(self.switched, defined)


class AutomationState:
    """All schedules and sensors that were ever defined, by name."""

    def __init__(self) -> None:
        self.sensors: dict[str, SensorState] = {}
        self.schedules: dict[str, ScheduleState] = {}
        self.definitions: DefinitionsSnapshot | None = None

    def load(self, definitions: DefinitionsSnapshot, *, offset: int, timestamp: int) -> None:
        """New definitions hold from `offset` on."""
        self.definitions = definitions
        for name in definitions.sensors:
            self.sensors.setdefault(name, SensorState(name, offset))
        for name, defined in definitions.schedules.items():
            known = self.schedules.setdefault(name, ScheduleState(name, _instant(timestamp)))
            timed = (defined.crons, defined.timezone)
            if known.timed != timed:
                known.timed, known.since = timed, _instant(timestamp)

    def sensor_evaluated(self, event: e.SensorEvaluated) -> None:
        sensor = self.sensors.setdefault(event.name, SensorState(event.name, 0))
        sensor.last = event
        sensor.run_keys.update(event.run_keys)
        if event.run_keys:
            sensor.last_run_key = event.run_keys[-1]
        if event.cursor is not None:
            sensor.cursor = event.cursor
        if event.status == "failed" and not event.is_passed_over:
            sensor.failures += 1
            return
        sensor.failures = 0
        if event.event_offset is not None:
            sensor.through = max(sensor.through, event.event_offset)

    def schedule_evaluated(self, event: e.ScheduleEvaluated) -> None:
        schedule = self.schedules.setdefault(event.name, ScheduleState(event.name, event.scheduled_at))
        schedule.last = event
        schedule.since = max(schedule.since, event.scheduled_at)
        schedule.run_keys.update(event.run_keys)

    def sensor_switched(self, event: e.SensorSwitched, *, offset: int) -> None:
        sensor = self.sensors.setdefault(event.name, SensorState(event.name, offset))
        defined = self.definitions.sensors.get(event.name) if self.definitions else None
        was_on = sensor.is_on(defined)
        sensor.switched = event.on
        if sensor.is_on(defined) and not was_on:
            sensor.through, sensor.failures = max(sensor.through, offset), 0

    def schedule_switched(self, event: e.ScheduleSwitched, *, timestamp: int) -> None:
        at = _instant(timestamp)
        schedule = self.schedules.setdefault(event.name, ScheduleState(event.name, at))
        defined = self.definitions.schedules.get(event.name) if self.definitions else None
        was_on = schedule.is_on(defined)
        schedule.switched = event.on
        if schedule.is_on(defined) and not was_on:
            schedule.since = max(schedule.since, at)

    def cursor_set(self, event: e.SensorCursorSet, *, offset: int) -> None:
        sensor = self.sensors.setdefault(event.name, SensorState(event.name, offset))
        sensor.cursor, sensor.failures = event.cursor, 0


def _instant(timestamp: int) -> datetime:
    """The instant of an event's timestamp, which is in microseconds."""
    return _EPOCH + timedelta(microseconds=timestamp)


def _is_on(switched: bool | None, defined: ScheduleSnapshot | SensorSnapshot | None) -> bool:
    if switched is not None:
        return switched
    return defined is not None and defined.running
