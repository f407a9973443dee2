"""Evaluating an order: the user's function is called, and what it answered is told as plain data.

The border to the user's code: whatever it raises is a result too. Run by the child that the host forks, or by a test in
its own process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ...definitions.asset_sensors import MultiAssetSensorDefinition, MultiAssetSensorEvaluationContext
from ...definitions.context import Resources
from ...definitions.definitions import Definitions
from ...definitions.evaluated import EvaluatedDefinition
from ...definitions.evaluation_context import ScheduleEvaluationContext, SensorEvaluationContext
from ...definitions.keys import AssetKey
from ...definitions.lifecycle import RunResources
from ...definitions.requests import RunRequest
from ...definitions.run_config import run_config_data
from ...definitions.run_records import Run, RunStatus
from ...definitions.run_status_sensors import (
    RunFailureSensorContext,
    RunStatusSensorContext,
    RunStatusSensorDefinition,
)
from ...definitions.schedules import local_time
from ...definitions.verdicts import Verdict
from ...storage import events as e
from ...storage.entries import EventLogEntry
from ...storage.log import EventLog
from ...storage.reports import event_of
from .asking import answer
from .orders import ENOUGH_S, Order, Result
from .raised import told

if TYPE_CHECKING:
    from ...storage.instance import Instance

Calls = Iterator[tuple[int | None, Callable[[], Verdict]]]


def evaluate(
    definitions: Definitions,
    order: Order,
    *,
    open_instance: Callable[[], Instance],
    tell: Callable[[Result], None],
) -> None:
    """Make the calls of the order, one after the other, and tell the result of each as soon as it is there.

    It ends with the first call that failed: what comes after it has to wait.
    """
    if order.kind == "condition":
        answer(definitions, order, open_instance=open_instance, tell=tell)
        return
    started = time.monotonic()
    defined = (definitions.sensors if order.kind == "sensor" else definitions.schedules)[order.name]
    resources = Resources(RunResources(definitions.resources))
    shared = {
        "name": order.name,
        "instance": open_instance,
        "resources": resources,
        "definitions": definitions,
    }
    try:
        for offset, call in _calls(defined, order, open_instance, shared):
            result = _result(offset, lambda call=call: _said(call(), defined, definitions))
            tell(result)
            if result["error"] is not None or time.monotonic() - started > ENOUGH_S:
                return
    finally:
        resources.close()


def _result(offset: int | None, call: Callable[[], Result]) -> Result:
    started = time.monotonic()
    try:
        said = call()
        said["error"] = None
    except BaseException as error:  # the border to the user's code, which may also call sys.exit()
        said = {"error": told(error)}
    return {"event_offset": offset, "took_s": time.monotonic() - started, **said}


def _said(verdict: Verdict, defined: EvaluatedDefinition, definitions: Definitions) -> Result:
    return {
        "run_requests": [_configured(request, defined, definitions).to_json() for request in verdict.run_requests],
        "skip": verdict.skip_message,
        "cursor": verdict.cursor,
        "dynamic": [
            [type(one).__name__, one.partitions_def_name, list(one.partition_keys)]
            for one in verdict.dynamic_partitions_requests
        ],
        "asset_events": [[event.type, e.encode(event)] for event in map(event_of, verdict.asset_events)],
    }


def _configured(request: RunRequest, defined: EvaluatedDefinition, definitions: Definitions) -> RunRequest:
    """The request with the config and tags of its partition, where its job is told something else for each."""
    names = defined.targets.job_names
    name = request.job_name or (names[0] if len(names) == 1 else None)
    job = definitions.jobs.get(name or "")
    if job is not None and job.partitioned_config is not None and request.run_config is None:
        request.run_config = run_config_data(job.run_config_of(request.partition_key))
        request.tags = {**job.run_tags_of(request.partition_key), **request.tags}
    return request


def _calls(
    defined: EvaluatedDefinition, order: Order, open_instance: Callable[[], Instance], shared: dict[str, Any]
) -> Calls:
    one: Any = defined
    if order.kind == "schedule":
        assert order.scheduled_at is not None
        timezone = one.timing(_partitions_of(one, shared["definitions"]))[1]
        at = local_time(order.scheduled_at, timezone)
        yield None, lambda: one.verdict(ScheduleEvaluationContext(scheduled_execution_time=at, **shared))
        return
    shared = {**shared, "last_run_key": order.last_run_key, "last_tick_completion_time": order.last_completed_s}
    if isinstance(one, MultiAssetSensorDefinition):
        yield order.events[-1].offset, lambda: one.verdict(_multi_context(one, order, open_instance, shared))
    elif isinstance(one, RunStatusSensorDefinition):
        for stored in order.events:
            yield stored.offset, lambda stored=stored: one.verdict(_run_context(stored, open_instance().log, shared))
    elif order.events:
        for stored in order.events:
            context = SensorEvaluationContext(cursor=str(stored.offset), **shared)
            yield stored.offset, lambda stored=stored, context=context: one.verdict(context, EventLogEntry.of(stored))
    else:
        yield None, lambda: one.verdict(SensorEvaluationContext(cursor=order.cursor, **shared))


def _partitions_of(schedule: Any, definitions: Definitions) -> Any:
    names = schedule.targets.job_names
    return definitions.contents_of(names[0]).partitions if len(names) == 1 else None


def _multi_context(
    sensor: MultiAssetSensorDefinition, order: Order, open_instance: Callable[[], Instance], shared: dict[str, Any]
) -> MultiAssetSensorEvaluationContext:
    definitions: Definitions = shared["definitions"]

    def read(key: AssetKey, after: int) -> list[EventLogEntry]:
        return open_instance().materializations_after(key, after)

    monitored = sorted(sensor.monitored.resolve(definitions), key=str)
    return MultiAssetSensorEvaluationContext(monitored=monitored, read=read, cursor=order.cursor, **shared)


_STATUSES = {
    "run_requested": RunStatus.QUEUED,
    "run_started": RunStatus.STARTED,
    "run_succeeded": RunStatus.SUCCESS,
    "run_failed": RunStatus.FAILURE,
    "run_cancelled": RunStatus.CANCELED,
}


def _run_context(stored: Any, log: EventLog, shared: dict[str, Any]) -> RunStatusSensorContext:
    """What a sensor on runs sees, read from the run's own events."""
    status = _STATUSES[stored.event.type]
    history = log.query(run_id=stored.event.run_id, types=["run_requested", "step_failed"], limit=10_000)
    requested = next((one.event for one in history if isinstance(one.event, e.RunRequested)), None)
    run = run_of(stored.event.run_id, status, requested, stored.event)
    failures = [EventLogEntry.of(one) for one in history if isinstance(one.event, e.StepFailed)]
    cls = RunFailureSensorContext if status is RunStatus.FAILURE else RunStatusSensorContext
    return cls(run=run, event=EventLogEntry.of(stored), step_failures=failures, cursor=str(stored.offset), **shared)


def run_of(run_id: str, status: RunStatus, requested: e.RunRequested | None, told: e.Event) -> Run:
    """A run as user code reads it; `told` is the event that tells its state."""
    if requested is None:
        return Run(run_id, status)
    ranges = [span for target in requested.targets for span in target.partitions or ()]
    return Run(
        run_id,
        status,
        job_name=requested.job_name,
        tags=requested.tags,
        run_config=requested.run_config,
        asset_selection=frozenset(AssetKey.from_user_string(target.asset_key) for target in requested.targets),
        partition_keys=tuple(dict.fromkeys(key for span in ranges for key in span)),
        origin=requested.origin,
        failure_reason=getattr(told, "reason", None),
        failure_message=getattr(told, "message", ""),
    )
