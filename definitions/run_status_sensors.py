"""Sensors on runs: woken when a run comes into a state, to tell somebody or to run something else.

>>> @run_failure_sensor
... def tell_us(context):
...     post(f"run {context.run.run_id} failed: {context.failure_event.message}")

Each such run is seen once, in the order of the log, beginning with those after the sensor was first defined or last
switched on. The runs that a sensor has asked for itself are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .caller import caller
from .collecting import report
from .errors import DefinitionError
from .evaluation_context import SensorEvaluationContext, opened_resources
from .jobs import JobDefinition
from .run_records import Run, RunStatus
from .sensors import SensorDefinition
from .source import SourceLine

TOLD = (RunStatus.QUEUED, RunStatus.STARTED, RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)
"""The states of which the log has an event."""


class RunStatusSensorContext(SensorEvaluationContext):
    """The context of a sensor on runs: `run` is the run, `event` the entry of the log that tells its new state."""

    def __init__(self, *, run: Run, event: Any, step_failures: Sequence[Any] = (), **shared: Any) -> None:
        super().__init__(**shared)
        self._run, self._event, self._step_failures = run, event, list(step_failures)

    @property
    def run(self) -> Run:
        return self._run

    @property
    def event(self) -> Any:
        return self._event

    @property
    def partition_key(self) -> str | None:
        """The partition that the run makes, where it makes one."""
        return self._run.partition_key

    def for_run_failure(self) -> RunFailureSensorContext:
        """The same for a run that failed."""
        return RunFailureSensorContext(
            run=self._run,
            event=self._event,
            step_failures=self._step_failures,
            name=self._name,
            instance=self._instance,
            definitions=self._definitions,
            resources=self.resources,
            log=self.log,
        )


class RunFailureSensorContext(RunStatusSensorContext):
    """The context of a sensor on failed runs."""

    @property
    def failure_event(self) -> Any:
        """The entry of the log that tells of the failure; `failure_event.message` says why."""
        return self._event

    def get_step_failure_events(self) -> list[Any]:
        """The entries of the run's steps that failed; `.event.error` has the class, message and traceback."""
        return list(self._step_failures)


class RunStatusSensorDefinition(SensorDefinition):
    """A sensor on runs. Usually made by `@run_status_sensor` or `@run_failure_sensor`."""

    watches = "runs"

    def __init__(
        self,
        name: str | None = None,
        run_status: RunStatus = RunStatus.FAILURE,
        run_status_sensor_fn: Callable[..., Any] | None = None,
        *,
        monitored_jobs: Iterable[Any] | None = None,
        job_selection: Iterable[Any] | None = None,
        monitor_all_code_locations: bool | None = None,
        request_job: Any = None,
        request_jobs: Iterable[Any] | None = None,
        source: SourceLine | None = None,
        **described: Any,
    ) -> None:
        source = source or caller()
        self.run_status: RunStatus = RunStatus(run_status)
        if self.run_status not in TOLD:
            known = ", ".join(status.value for status in TOLD)
            report(
                DefinitionError(
                    f"{source}: sensor {name!r}: no run is ever seen as {self.run_status.value}. Use one of {known}."
                )
            )
        watched = list(monitored_jobs if monitored_jobs is not None else job_selection or ())
        self.monitored_jobs: tuple[str | Any, ...] = tuple(one if isinstance(one, str) else one.name for one in watched)
        self.watched_jobs: tuple[JobDefinition, ...] = tuple(one for one in watched if isinstance(one, JobDefinition))
        super().__init__(
            name,
            evaluation_fn=described.pop("evaluation_fn", run_status_sensor_fn),
            job=request_job,
            jobs=request_jobs,
            source=source,
            **described,
        )


def run_status_sensor(
    run_status: RunStatus, name: str | None = None, **described: Any
) -> Callable[[Callable[..., Any]], RunStatusSensorDefinition]:
    """Make a sensor of a function that is called for each run that comes to be `run_status`.

    `monitored_jobs` are the jobs whose runs count, all runs where it is left out; `request_job` or `request_jobs` are
    what its own RunRequests run. It takes a RunStatusSensorContext, and resources.

    Raises:
        InvalidDefinitionError: no run is ever seen in that state.
    """

    def decorate(fn: Callable[..., Any]) -> RunStatusSensorDefinition:
        return RunStatusSensorDefinition(
            name or fn.__name__, run_status, evaluation_fn=fn, source=SourceLine.of(fn), **described
        )

    return decorate


def run_failure_sensor(name: str | Callable[..., Any] | None = None, **described: Any) -> Any:
    """Make a sensor of a function that is called for each run that failed. Written with or without parentheses.

    As `run_status_sensor`; it takes a RunFailureSensorContext.
    """
    if callable(name):
        return run_status_sensor(RunStatus.FAILURE, **described)(name)
    return run_status_sensor(RunStatus.FAILURE, name, **described)


def build_run_status_sensor_context(
    sensor_name: str,
    event: Any = None,
    instance: Any = None,
    run: Run | None = None,
    context: Any = None,
    resources: Mapping[str, Any] | None = None,
    *,
    partition_key: str | None = None,
    step_failures: Sequence[Any] = (),
    repository_def: Any = None,
    definitions: Any = None,
) -> RunStatusSensorContext:
    """A context to call a sensor on runs with in a test; `.for_run_failure()` makes that of a failure sensor."""
    made = run or Run(run_id="", status=RunStatus.SUCCESS)
    if partition_key is not None:
        made = replace(made, partition_keys=(partition_key,))
    known = definitions or repository_def
    return RunStatusSensorContext(
        run=made,
        event=event,
        step_failures=step_failures,
        name=sensor_name,
        instance=instance,
        definitions=known,
        resources=opened_resources(resources, known),
    )
