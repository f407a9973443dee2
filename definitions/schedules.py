"""Schedules: runs at the instants of a cron, in a time zone.

>>> nightly = ScheduleDefinition(job=load_orders, cron_schedule="0 6 * * *", execution_timezone="Europe/Berlin")

The daemon wakes at the exact instant. What daylight saving means is told in `crons.py`. After a downtime the latest
missed instant is made up for, and no other, unless `max_catchup_runs` says how many. An edited cron counts from the
moment at which the edit was loaded: no instant before that is made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from .caller import caller
from .collecting import report
from .crons import checked_cron
from .errors import DefinitionError, InvalidConfigError, InvalidDefinitionError
from .evaluated import EvaluatedDefinition, RunTargets
from .evaluation_context import ScheduleEvaluationContext
from .requests import RunRequest, SkipReason
from .run_config import run_config_data
from .source import SourceLine
from .verdicts import Verdict, verdict_of
from .zones import zone


class DefaultScheduleStatus(Enum):
    """Whether a schedule runs before anybody has said so (`headwater schedule start|stop`). Without one it does."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class ScheduleDefinition(EvaluatedDefinition):
    """A schedule over a job or a selection of assets.

    Without `execution_fn` each instant is one run with `run_config` (or what `run_config_fn` gives) and `tags` (or what
    `tags_fn` gives), unless `should_execute` says no; each of these functions takes the ScheduleEvaluationContext. Its
    name is `<job>_schedule` where none is given.

    Raises:
        InvalidDefinitionError: the cron or the time zone cannot be read, or it has neither a name nor a job.
    """

    kind = "schedule"

    def __init__(
        self,
        name: str | None = None,
        *,
        cron_schedule: str | Sequence[str] | None = None,
        job_name: str | None = None,
        run_config: Any = None,
        run_config_fn: Callable[..., Any] | None = None,
        tags: Mapping[str, str] | None = None,
        tags_fn: Callable[..., Mapping[str, str]] | None = None,
        metadata: Mapping[str, Any] | None = None,
        should_execute: Callable[..., bool] | None = None,
        environment_vars: Any = None,
        execution_timezone: str | None = None,
        execution_fn: Callable[..., Any] | None = None,
        description: str | None = None,
        job: Any = None,
        default_status: DefaultScheduleStatus = DefaultScheduleStatus.RUNNING,
        required_resource_keys: Iterable[str] | None = None,
        target: Any = None,
        owners: Sequence[str] | None = None,
        max_catchup_runs: int = 1,
        source: SourceLine | None = None,
    ) -> None:
        source = source or caller()
        targets = RunTargets.of(
            f"schedule {name!r}" if name else "a schedule", source, job=job, job_name=job_name, target=target
        )
        own = name or (f"{targets.job_names[0]}_schedule" if targets.job_names else None)
        if own is None:
            report(DefinitionError(f"{source}: a schedule without a job needs a name: add name='...'."))
        super().__init__(
            own or "schedule",
            execution_fn,
            targets=targets,
            source=source,
            description=description,
            tags=tags,
            metadata=metadata,
            owners=owners,
            required_resource_keys=required_resource_keys,
            running=DefaultScheduleStatus(default_status) is DefaultScheduleStatus.RUNNING,
        )
        self.default_status: DefaultScheduleStatus = DefaultScheduleStatus(default_status)
        self.cron_schedules: tuple[str, ...] = self._crons(cron_schedule)
        self.execution_timezone: str = self._timezone(execution_timezone)
        self.run_config: dict[str, Any] | None = self._config(run_config)
        self.run_config_fn: Callable[..., Any] | None = run_config_fn
        self.tags_fn: Callable[..., Mapping[str, str]] | None = tags_fn
        self.should_execute: Callable[..., bool] | None = should_execute
        self.max_catchup_runs = max_catchup_runs
        if execution_fn is not None and (run_config is not None or run_config_fn or tags_fn or should_execute):
            self._report("execution_fn decides all: leave run_config, run_config_fn, tags_fn and should_execute out")
        if run_config is not None and run_config_fn is not None:
            self._report("give run_config or run_config_fn, not both")
        if not isinstance(max_catchup_runs, int) or max_catchup_runs < 1:
            self._report(f"max_catchup_runs must be 1 or more, not {max_catchup_runs!r}")

    def timing(self, partitions: Any) -> tuple[tuple[str, ...], str]:
        """The crons and their time zone, where the job of the schedule has these partitions."""
        return self.cron_schedules, self.execution_timezone

    @property
    def cron_schedule(self) -> str | list[str]:
        """The cron, or the crons where there are several."""
        return self.cron_schedules[0] if len(self.cron_schedules) == 1 else list(self.cron_schedules)

    def verdict(self, context: ScheduleEvaluationContext) -> Verdict:
        """Decide about one instant.

        Raises:
            InvalidInvocationError: the function answered something that is no answer.
        """
        if self.fn is not None:
            return verdict_of(self.invoke(context), str(self), takes_result=False)
        return verdict_of(self.by_rule(context), str(self), takes_result=False)

    def by_rule(self, context: ScheduleEvaluationContext) -> Any:
        """What happens where there is no function: one run."""
        if self.should_execute is not None and not self.should_execute(context):
            return SkipReason("should_execute said no")
        config = self.run_config_fn(context) if self.run_config_fn is not None else self.run_config
        tags = self.tags_fn(context) if self.tags_fn is not None else None
        return RunRequest(run_config=config, tags=tags)

    def evaluate_tick(self, context: ScheduleEvaluationContext) -> Verdict:
        """One evaluation, as the daemon makes it: for tests."""
        return self.verdict(context)

    def _crons(self, given: Any) -> tuple[str, ...]:
        listed: list[Any] = list(given) if isinstance(given, (list, tuple)) else [given]
        try:
            if not listed:
                raise InvalidDefinitionError("cron_schedule is an empty list: give at least one")
            return tuple(map(checked_cron, listed))
        except InvalidDefinitionError as error:
            self._report(str(error))
            return ("0 0 1 1 *",)

    def _timezone(self, given: str | None) -> str:
        try:
            zone(given or "UTC")
        except InvalidDefinitionError as error:
            self._report(str(error))
            return "UTC"
        return given or "UTC"

    def _config(self, given: Any) -> dict[str, Any] | None:
        try:
            return None if given is None else run_config_data(given)
        except InvalidConfigError as error:
            self._report(f"run_config: {error}")
            return None

    def _report(self, problem: str) -> None:
        error = DefinitionError(f"{self.source}: {self}: {problem.rstrip('.')}.")
        error.source = self.source
        report(error)


def schedule(
    cron_schedule: str | Sequence[str],
    *,
    job_name: str | None = None,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    tags_fn: Callable[..., Mapping[str, str]] | None = None,
    metadata: Mapping[str, Any] | None = None,
    should_execute: Callable[..., bool] | None = None,
    environment_vars: Any = None,
    execution_timezone: str | None = None,
    description: str | None = None,
    job: Any = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.RUNNING,
    required_resource_keys: Iterable[str] | None = None,
    target: Any = None,
    owners: Sequence[str] | None = None,
    max_catchup_runs: int = 1,
) -> Callable[[Callable[..., Any]], ScheduleDefinition]:
    """Make a schedule of a function that gives RunRequest, SkipReason, several of them, a run config, or nothing.

    >>> @schedule("0 6 * * *", job=load_orders)
    ... def at_six(context):
    ...     return RunRequest(partition_key=context.scheduled_execution_time.strftime("%Y-%m-%d"))

    The function takes a ScheduleEvaluationContext and resources by name.
    """

    def decorate(fn: Callable[..., Any]) -> ScheduleDefinition:
        return ScheduleDefinition(
            name or fn.__name__,
            cron_schedule=cron_schedule,
            job_name=job_name,
            tags=tags,
            metadata=metadata,
            execution_timezone=execution_timezone,
            execution_fn=_guarded(fn, should_execute, tags_fn),
            description=description,
            job=job,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            target=target,
            owners=owners,
            max_catchup_runs=max_catchup_runs,
            source=SourceLine.of(fn),
        )

    return decorate


def _guarded(fn: Callable[..., Any], should_execute: Any, tags_fn: Any) -> Callable[..., Any]:
    """`fn`, asked only where `should_execute` agrees, and with the tags of `tags_fn`."""
    if should_execute is None and tags_fn is None:
        return fn
    from functools import wraps

    @wraps(fn)
    def guarded(context: ScheduleEvaluationContext, *args: Any, **kwargs: Any) -> Any:
        if should_execute is not None and not should_execute(context):
            return SkipReason("should_execute said no")
        verdict = verdict_of(fn(context, *args, **kwargs), "the schedule", takes_result=False)
        if tags_fn is not None:
            for request in verdict.run_requests:
                request.tags = {**tags_fn(context), **request.tags}
        return verdict.run_requests or SkipReason(verdict.skip_message)

    return guarded


def local_time(at: datetime, timezone: str) -> datetime:
    """An instant as the clocks of a schedule's time zone show it."""
    return at.astimezone(zone(timezone))
