"""Schedules that follow the partitions of their job: each is made when its window of time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .caller import caller
from .collecting import report
from .errors import DefinitionError, InvalidDefinitionError, InvalidInvocationError
from .evaluation_context import ScheduleEvaluationContext
from .jobs import JobDefinition
from .requests import RunRequest, SkipReason
from .schedules import DefaultScheduleStatus, ScheduleDefinition

NEVER = "0 0 1 1 *"  # stands in where the real one is not known yet


class PartitionedScheduleDefinition(ScheduleDefinition):
    """A schedule that requests the latest partition of its job. Made by `build_schedule_from_partitioned_job`.

    The partitions of a job over assets are known only among all definitions: so is then when it fires (`timing`).
    """

    def __init__(self, name: str, *, moment: Mapping[str, int | None], follows: bool, **described: Any) -> None:
        self._moment, self._follows = dict(moment), follows
        self._given_timezone = described.get("execution_timezone")
        super().__init__(name, **described)

    def timing(self, partitions: Any) -> tuple[tuple[str, ...], str]:
        if not self._follows:
            return super().timing(partitions)
        try:
            cron, timezone = _cron_of(partitions, **self._moment)
        except InvalidDefinitionError as error:
            self._report(str(error))
            return (NEVER,), "UTC"
        return (cron,), self._given_timezone or timezone

    def by_rule(self, context: ScheduleEvaluationContext) -> Any:
        from .partitions.multi import MultiPartitionsDefinition
        from .partitions.time_windows import TimeWindowPartitionsDefinition

        partitions = self._partitions(context)
        at = context.scheduled_execution_time
        store = context.instance if partitions.dynamic_names else None
        if isinstance(partitions, TimeWindowPartitionsDefinition):
            latest = partitions.get_last_partition_key(at)
            keys = [] if latest is None else [latest]
        elif isinstance(partitions, MultiPartitionsDefinition) and partitions.has_time_window_dimension:
            name, windows = partitions.time_window_dimension
            latest = windows.get_last_partition_key(at)
            keys = (
                []
                if latest is None
                else partitions.get_multipartition_keys_with_dimension_value(
                    name, latest, dynamic_partitions_store=store, current_time=at
                )
            )
        else:
            return [
                RunRequest(run_key=f"{at.isoformat()} {key}", partition_key=key)
                for key in partitions.get_partition_keys(at, store)
            ]
        if not keys:
            return SkipReason(f"there is no partition yet at {at.isoformat()}")
        return [RunRequest(run_key=key, partition_key=key) for key in keys]

    def _partitions(self, context: ScheduleEvaluationContext) -> Any:
        if self.jobs and self.job.partitions_def is not None:
            return self.job.partitions_def
        partitions = context.repository_def.contents_of(self.job_name).partitions
        if partitions is None:
            raise InvalidInvocationError(f"{self}: job {self.job_name!r} has no partitions.")
        return partitions


def build_schedule_from_partitioned_job(
    job: JobDefinition,
    description: str | None = None,
    name: str | None = None,
    minute_of_hour: int | None = None,
    hour_of_day: int | None = None,
    day_of_week: int | None = None,
    day_of_month: int | None = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.RUNNING,
    tags: Mapping[str, str] | None = None,
    cron_schedule: str | Sequence[str] | None = None,
    execution_timezone: str | None = None,
) -> PartitionedScheduleDefinition:
    """A schedule that makes each partition of a job when its window of time is over, once ever.

    >>> daily = build_schedule_from_partitioned_job(define_asset_job("daily", "group:sales"), hour_of_day=6)

    `minute_of_hour`, `hour_of_day`, `day_of_week` (0 is Sunday) and `day_of_month` move the moment within the rhythm of
    the partitions. A job whose partitions are no windows of time needs a `cron_schedule`; all its partitions are then
    made each time.

    Raises:
        InvalidDefinitionError: the job has no partitions that say when, or they do not fit what is given. Where the
            partitions are those of the job's assets, this is reported when the definitions are loaded.
    """
    source = caller()
    moment = {
        "minute_of_hour": minute_of_hour,
        "hour_of_day": hour_of_day,
        "day_of_week": day_of_week,
        "day_of_month": day_of_month,
    }
    own = name or f"{job.name}_schedule"
    if cron_schedule is not None and any(value is not None for value in moment.values()):
        report(DefinitionError(f"{source}: schedule {own!r}: cron_schedule says itself when: leave the others out."))
    made = PartitionedScheduleDefinition(
        own,
        moment=moment,
        follows=cron_schedule is None,
        cron_schedule=cron_schedule or NEVER,
        execution_timezone=execution_timezone,
        job=job,
        description=description,
        default_status=default_status,
        tags=tags,
        source=source,
    )
    if job.partitions_def is not None:
        made.cron_schedules, made.execution_timezone = made.timing(job.partitions_def)
    return made


def _cron_of(
    partitions: Any,
    *,
    minute_of_hour: int | None,
    hour_of_day: int | None,
    day_of_week: int | None,
    day_of_month: int | None,
) -> tuple[str, str]:
    """The cron that fires when a window of these partitions is over, and its time zone."""
    from .partitions.multi import MultiPartitionsDefinition
    from .partitions.time_windows import TimeWindowPartitionsDefinition

    if isinstance(partitions, MultiPartitionsDefinition) and partitions.has_time_window_dimension:
        partitions = partitions.time_window_partitions_def
    if not isinstance(partitions, TimeWindowPartitionsDefinition):
        what = "its job has no partitions" if partitions is None else f"its job has {partitions.describe()}"
        raise InvalidDefinitionError(f"{what}, which does not say when it runs. Give cron_schedule='...'")
    rhythm, *numbers = partitions.calendar.name.split(":")
    given = {"hour_of_day": hour_of_day, "day_of_week": day_of_week, "day_of_month": day_of_month}
    if rhythm == "cron":
        given["minute_of_hour"] = minute_of_hour
    means = {"hourly": (), "daily": ("hour_of_day",), "weekly": ("hour_of_day", "day_of_week")}
    means["monthly"] = ("hour_of_day", "day_of_month")
    for what, value in given.items():
        if value is not None and what not in means.get(rhythm, ()):
            raise InvalidDefinitionError(f"{what} means nothing for its {rhythm} partitions. Leave it out")
    if rhythm == "cron":
        return numbers[0], partitions.timezone
    *days, hour, minute = [0] * (3 - len(numbers)) + [int(number) for number in numbers]
    minute = minute if minute_of_hour is None else minute_of_hour
    hour = hour if hour_of_day is None else hour_of_day
    crons = {
        "hourly": f"{minute} * * * *",
        "daily": f"{minute} {hour} * * *",
        "weekly": f"{minute} {hour} * * {days[0] if day_of_week is None else day_of_week}",
        "monthly": f"{minute} {hour} {days[0] if day_of_month is None else day_of_month} * *",
    }
    return crons[rhythm], partitions.timezone
