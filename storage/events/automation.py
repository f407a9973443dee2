"""Events of automation: ticks, sensors, schedules, and what somebody switched."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from .base import Event
from .parts import AutomationMode, Cause, Decision, ErrorInfo, FirstLook, KeyRanges, MemoryDelta


class Tick(Event):
    """One turn of the automation loop: what it had seen, when, under which definitions, and what it decided.

    It stands in one transaction with the `RunRequested` events of its decisions. `silent` lists the boundaries
    (through, at) of the ticks since the last written one that decided nothing and changed no memory. Thousands of
    updates that reach hundreds of assets stand in `shared` once.
    """

    type: Literal["tick"] = "tick"
    through: int
    at: datetime
    definitions: str
    silent: tuple[tuple[int, datetime], ...] = ()
    memory: tuple[MemoryDelta, ...] = ()
    decisions: tuple[Decision, ...] = ()
    shared: tuple[tuple[Cause, ...], ...] = ()
    first: tuple[FirstLook, ...] = ()

    def causes_of(self, decision: Decision) -> tuple[Cause, ...]:
        """The reasons of one of its decisions."""
        return decision.causes if decision.shared is None else self.shared[decision.shared]

    def added_by(self, delta: MemoryDelta) -> tuple[Cause, ...]:
        """What one of its changes of memory latches."""
        return delta.added if delta.shared is None else self.shared[delta.shared]


class SensorEvaluated(Event):
    """A sensor was evaluated: what it wanted, under which cursor it goes on, and the runs that were requested for it.

    It stands in one transaction with their `RunRequested`. `event_offset` is the event that it was shown, `run_keys`
    are those that count as requested from here on, `known_run_keys` those that were left out since they had been
    before. `cursor` of None leaves the cursor as it was. `repeats` counts the evaluations just before it that came to
    the same as the one last written, and were not. After a failure `is_passed_over` says that the event is given up.
    """

    type: Literal["sensor_evaluated"] = "sensor_evaluated"
    name: str
    status: Literal["requested", "skipped", "failed"]
    at: datetime
    event_offset: int | None = None
    cursor: str | None = None
    run_ids: tuple[str, ...] = ()
    run_keys: tuple[str, ...] = ()
    known_run_keys: tuple[str, ...] = ()
    skip_reason: str = ""
    error: ErrorInfo | None = None
    is_passed_over: bool = False
    repeats: int = 0
    took_s: float = 0.0


class ScheduleEvaluated(Event):
    """An instant of a schedule was evaluated, `missed` ones before it were left out; else as in SensorEvaluated."""

    type: Literal["schedule_evaluated"] = "schedule_evaluated"
    name: str
    status: Literal["requested", "skipped", "failed"]
    at: datetime
    scheduled_at: datetime
    missed: int = 0
    run_ids: tuple[str, ...] = ()
    run_keys: tuple[str, ...] = ()
    known_run_keys: tuple[str, ...] = ()
    skip_reason: str = ""
    error: ErrorInfo | None = None
    took_s: float = 0.0


class SensorSwitched(Event):
    """Somebody turned a sensor on or off; None: back to what its definition says."""

    type: Literal["sensor_switched"] = "sensor_switched"
    name: str
    on: bool | None = None


class ScheduleSwitched(Event):
    """Somebody turned a schedule on or off; None: back to what its definition says."""

    type: Literal["schedule_switched"] = "schedule_switched"
    name: str
    on: bool | None = None


class SensorCursorSet(Event):
    """Somebody set the cursor of a sensor by hand; None: as if it had never been evaluated."""

    type: Literal["sensor_cursor_set"] = "sensor_cursor_set"
    name: str
    cursor: str | None = None


class AutomationSwitched(Event):
    """Somebody paused automation, set it to a dry run, or let it go on: of these groups and assets, or (none named) of
    everything, which replaces all that was said before.

    Paused, nothing is requested; on a dry run decisions are recorded without runs. Conditions are evaluated all the
    same.
    """

    type: Literal["automation_switched"] = "automation_switched"
    mode: AutomationMode
    groups: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()


class ConditionEvaluated(Event):
    """A condition that a user wrote in Python was asked about an asset, or one of its checks, and came to something
    else than before; or it failed, and holds where it held.

    `node` is the id of the condition's node, `partitions` are those for which it is true: none is `()`, None is the
    whole of an asset without partitions. `cause` is the offset of the event that it was asked because of; None: its
    interval was over, or the definitions are new. `cursor` of None leaves the cursor as it was.
    """

    type: Literal["condition_evaluated"] = "condition_evaluated"
    node: str
    asset_key: str
    check_name: str | None = None
    status: Literal["evaluated", "failed"]
    at: datetime
    cause: int | None = None
    partitions: KeyRanges | None = ()
    cursor: str | None = None
    error: ErrorInfo | None = None
    took_s: float = 0.0
