"""Sensors: functions that look at the world every so often, and ask for runs.

>>> @sensor(job=load_orders, minimum_interval_seconds=10)
... def new_files(context):
...     seen = set(json.loads(context.cursor or "[]"))
...     for file in sorted(set(os.listdir("/inbox")) - seen):
...         yield RunRequest(run_key=file, run_config={"ops": {"orders": {"config": {"file": file}}}})

The daemon has it evaluated in a process of its own, at least `minimum_interval_seconds` after the last time, under a
time limit. Sensors on assets and runs (`asset_sensors.py`, `run_status_sensors.py`) are woken by the event instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from .caller import caller
from .collecting import report
from .errors import DefinitionError, InvalidInvocationError
from .evaluated import EvaluatedDefinition, RunTargets
from .evaluation_context import SensorEvaluationContext
from .source import SourceLine
from .verdicts import Verdict, verdict_of

DEFAULT_INTERVAL_S = 30


class DefaultSensorStatus(Enum):
    """Whether a sensor runs before anybody has said so (`headwater sensor start|stop`). Without one it does."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


class SensorDefinition(EvaluatedDefinition):
    """A sensor. Usually made by `@sensor`."""

    kind = "sensor"
    watches = ""
    """What wakes it: nothing but time, "asset", "assets" or "runs"."""

    def __init__(
        self,
        name: str | None = None,
        *,
        evaluation_fn: Callable[..., Any] | None = None,
        job: Any = None,
        jobs: Iterable[Any] | None = None,
        job_name: str | None = None,
        target: Any = None,
        asset_selection: Any = None,
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.RUNNING,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] | None = None,
        source: SourceLine | None = None,
    ) -> None:
        source = source or caller()
        if evaluation_fn is None:
            raise InvalidInvocationError(f"{source}: SensorDefinition needs evaluation_fn, the function that decides.")
        own = name or getattr(evaluation_fn, "__name__", "")
        owner = f"sensor {own!r}"
        targets = RunTargets.of(
            owner,
            source,
            job=job,
            jobs=jobs,
            job_name=job_name,
            target=target,
            asset_selection=asset_selection,
        )
        super().__init__(
            own,
            evaluation_fn,
            targets=targets,
            source=source,
            description=description,
            tags=tags,
            metadata=metadata,
            owners=owners,
            required_resource_keys=required_resource_keys,
            running=DefaultSensorStatus(default_status) is DefaultSensorStatus.RUNNING,
        )
        self.default_status: DefaultSensorStatus = DefaultSensorStatus(default_status)
        interval = DEFAULT_INTERVAL_S if minimum_interval_seconds is None else minimum_interval_seconds
        if not isinstance(interval, (int, float)) or interval <= 0:
            report(DefinitionError(f"{source}: {owner}: minimum_interval_seconds must be above 0, not {interval!r}."))
            interval = DEFAULT_INTERVAL_S
        self.minimum_interval_seconds = interval

    def verdict(self, context: SensorEvaluationContext, *handed: Any) -> Verdict:
        """Run the function and bring what it answers into one form.

        Raises:
            InvalidInvocationError: it answered something that is no answer.
        """
        verdict = verdict_of(self.invoke(context, *handed), str(self), takes_result=True)
        if context.updated_cursor is not None:
            if verdict.cursor is not None:
                raise InvalidInvocationError(
                    f"{self} both called context.update_cursor and gave SensorResult(cursor=...): keep one of the two."
                )
            verdict.cursor = context.updated_cursor
        return verdict

    def evaluate_tick(self, context: SensorEvaluationContext) -> Verdict:
        """One evaluation, as the daemon makes it: for tests."""
        return self.verdict(context)


def sensor(
    job_name: str | Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Iterable[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.RUNNING,
    asset_selection: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
    target: Any = None,
) -> Callable[[Callable[..., Any]], SensorDefinition]:
    """Make a sensor of a function that gives RunRequest, SkipReason or SensorResult, several of them, or nothing.

    Its runs make `job`, one of `jobs`, or the assets of `asset_selection`; `target` takes any of these. Resources are
    parameters, or `context.resources` with `required_resource_keys`. It is on unless `default_status` says STOPPED.

    Raises:
        InvalidDefinitionError: the targets contradict each other, or the interval is not above 0 (seconds).
    """
    if callable(job_name):  # written as @sensor, without parentheses
        raise InvalidInvocationError("@sensor needs parentheses: write @sensor(job=...) or @sensor(target=...).")
    by_name = job_name

    def decorate(fn: Callable[..., Any]) -> SensorDefinition:
        return SensorDefinition(
            name or fn.__name__,
            evaluation_fn=fn,
            job=job,
            jobs=jobs,
            job_name=by_name,
            target=target,
            asset_selection=asset_selection,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            owners=owners,
            source=SourceLine.of(fn),
        )

    return decorate
