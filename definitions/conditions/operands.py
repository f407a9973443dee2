"""Operands: the leaves of a condition, each one question about a partition of the asset that is looked at.

*Levels* stay true as long as something is so (`missing`, `in_progress`); *pulses* are true in exactly one tick
(`newly_updated`, `cron_tick_passed`, `will_be_requested`). Which of the two a leaf is, its class says in `pulse`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from ..errors import InvalidDefinitionError
from ..zones import zone
from .base import AutomationCondition, JsonData

_CRON_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class Operand(AutomationCondition):
    """A leaf."""

    pulse: ClassVar[bool] = False
    says: ClassVar[str]

    @property
    def description(self) -> str:
        return self.says


class Missing(Operand):
    name = "missing"
    says = "it was never made"


class InProgress(Operand):
    name = "in_progress"
    says = "a run or a backfill that will make it is queued or under way"


class RunInProgress(Operand):
    name = "run_in_progress"
    says = "a run that will make it is queued or under way"


class BackfillInProgress(Operand):
    name = "backfill_in_progress"
    says = "a backfill that is under way has yet to make it"


class ExecutionFailed(Operand):
    name = "execution_failed"
    says = "its last attempt failed"


class NewlyUpdated(Operand):
    name = "newly_updated"
    pulse = True
    says = "it was just updated"


class CodeVersionChanged(Operand):
    name = "code_version_changed"
    pulse = True
    says = "the code version that it declares has just changed"


class DataVersionChanged(Operand):
    name = "data_version_changed"
    pulse = True
    says = "it was just updated to other data than before"


class CheckPassed(Operand):
    name = "check_passed"
    says = "the check has passed on the newest data"


class CheckFailed(Operand):
    name = "check_failed"
    says = "the check has failed on the newest data"


class NewlyRequested(Operand):
    name = "newly_requested"
    pulse = True
    says = "it was just requested"


class WillBeRequested(Operand):
    name = "will_be_requested"
    pulse = True
    says = "it is requested in this tick"


class Handled(Operand):
    """As the reset of `since` it speaks through the offset up to which attempts of the asset have read."""

    name = "handled"
    says = "an attempt has read it"


class Gated(Operand):
    name = "gated"
    says = "one of its blocking checks failed"


class FreshnessPassed(Operand):
    name = "freshness_passed"
    says = "it keeps its freshness policy"


class FreshnessWarned(Operand):
    name = "freshness_warned"
    says = "its freshness policy warns"


class FreshnessFailed(Operand):
    name = "freshness_failed"
    says = "it fails its freshness policy"


class InitialEvaluation(Operand):
    name = "initial_evaluation"
    pulse = True
    says = "it is evaluated for the first time"


@dataclass(frozen=True)
class InLatestTimeWindow(Operand):
    name = "in_latest_time_window"
    lookback_delta: timedelta | None = None

    def __post_init__(self) -> None:
        if self.lookback_delta is not None and not isinstance(self.lookback_delta, timedelta):
            raise InvalidDefinitionError(f"lookback_delta is a timedelta, not {self.lookback_delta!r}")
        if self.lookback_delta is not None and self.lookback_delta <= timedelta(0):
            raise InvalidDefinitionError(f"lookback_delta must be longer than zero, not {self.lookback_delta}")

    @property
    def description(self) -> str:
        if self.lookback_delta is None:
            return "it is the latest time window"
        return f"it starts within {self.lookback_delta} of the end of the latest time window"

    def fields(self) -> JsonData:
        return {} if self.lookback_delta is None else {"lookback_s": self.lookback_delta.total_seconds()}

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        lookback_s = data.get("lookback_s")
        return cls(None if lookback_s is None else timedelta(seconds=lookback_s))


@dataclass(frozen=True)
class CronTickPassed(Operand):
    """`cron_schedule` has five fields, whatever the user wrote ("@daily"); it is read in `cron_timezone`."""

    name = "cron_tick_passed"
    pulse = True
    cron_schedule: str
    cron_timezone: str = "UTC"

    def __post_init__(self) -> None:
        for name, value in (("cron_schedule", self.cron_schedule), ("cron_timezone", self.cron_timezone)):
            if not isinstance(value, str):
                raise InvalidDefinitionError(
                    f"{name} is a string such as '0 6 * * *' or 'Europe/Berlin', not {value!r}"
                )
        schedule = _CRON_NAMES.get(self.cron_schedule.strip().lower(), " ".join(self.cron_schedule.split()))
        _check_cron(schedule)
        zone(self.cron_timezone)
        object.__setattr__(self, "cron_schedule", schedule)

    @property
    def description(self) -> str:
        return f"the schedule {self.cron_schedule!r} ({self.cron_timezone}) has just ticked"

    def fields(self) -> JsonData:
        return {"cron_schedule": self.cron_schedule, "cron_timezone": self.cron_timezone}

    @classmethod
    def from_fields(cls, data: JsonData, children: tuple[AutomationCondition, ...]) -> AutomationCondition:
        return cls(data["cron_schedule"], data["cron_timezone"])


def _check_cron(schedule: str) -> None:
    from cronsim import CronSim, CronSimError  # 15 ms at the first use, and most conditions have no schedule

    hint = "Write five fields, e.g. '0 6 * * *' for six o'clock every day, or '@daily'."
    if len(schedule.split()) != 5:
        raise InvalidDefinitionError(f"cron schedule {schedule!r} has {len(schedule.split())} fields. {hint}")
    try:
        CronSim(schedule, datetime(2024, 1, 1, tzinfo=UTC))
    except CronSimError as exc:
        reason = str(exc)[:1].lower() + str(exc)[1:]
        raise InvalidDefinitionError(f"cron schedule {schedule!r} cannot be read: {reason}. {hint}") from exc
