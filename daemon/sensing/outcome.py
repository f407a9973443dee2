"""The outcome of an evaluation: what its results mean, as the events of one transaction.

Pure over State. Each result becomes a `SensorEvaluated` or `ScheduleEvaluated`, followed by what it reported and the
runs that it asked for. A request that cannot be run makes its result a failed one, and what came with it is dropped: an
evaluation counts as a whole or not at all. A run key that was requested before is left out, also within one evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...definitions.automation_snapshot import ScheduleSnapshot, SensorSnapshot
from ...definitions.errors import HeadwaterError, InvalidInvocationError
from ...definitions.partitions.base import DynamicPartitionsStore
from ...definitions.partitions.dynamic import checked_keys
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.state import State
from ..evaluation.run_tags import SENSOR_TAG
from ..host.orders import Order, Result
from ..runs.job_requests import Origin, asset_run, job_run, known_job
from .stale_only import stale_of

TRIES = 3
"""Evaluations of one event, before it is given up."""

SCHEDULE_TAG = "headwater/schedule_name"
RUN_KEY_TAG, SCHEDULED_TAG = "headwater/run_key", "headwater/scheduled_execution_time"


@dataclass(slots=True)
class _Wanted:
    """What one result asks for, once it is known that all of it can be."""

    reported: list[e.Event]
    runs: list[e.RunRequested]
    run_keys: list[str]
    known_run_keys: list[str]
    fresh: int = 0
    """Requests for what is stale, where nothing is."""


class KeysAfter:
    """The keys of dynamic partitions as they are after what the evaluation changes of them."""

    def __init__(self, before: DynamicPartitionsStore) -> None:
        self._before = before
        self._after: dict[str, list[str]] = {}

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        name = partitions_def_name
        return self._after[name] if name in self._after else self._before.get_dynamic_partitions(name)

    def changed(self, requests: Iterable[tuple[str, str, Sequence[str]]]) -> Iterator[e.Event]:
        """Change keys as it was requested; gives the events of what is really changed by it."""
        for kind, name, listed in requests:
            there = list(self.get_dynamic_partitions(name))
            if kind == "AddDynamicPartitionsRequest":
                keys = tuple(key for key in checked_keys(listed) if key not in there)
                self._after[name] = [*there, *keys]
                event: e.Event = e.DynamicPartitionsAdded(name=name, keys=keys)
            else:
                keys = tuple(key for key in dict.fromkeys(listed) if key in there)
                self._after[name] = [key for key in there if key not in keys]
                event = e.DynamicPartitionsDeleted(name=name, keys=keys)
            if keys:
                yield event


def facts_of(
    state: State,
    order: Order,
    results: Sequence[Result],
    problem: str,
    *,
    now: datetime,
    new_run_id: Callable[[], str],
) -> list[e.Event]:
    """The events of an evaluation that is over. Empty where what was evaluated is not defined any more."""
    definitions = state.definitions
    if definitions is None:
        return []
    defined = (definitions.sensors if order.kind == "sensor" else definitions.schedules).get(order.name)
    if defined is None:
        return []
    known = (state.automation.sensors if order.kind == "sensor" else state.automation.schedules)[order.name].run_keys
    seen, keys = set(known), KeysAfter(state.spaces)
    facts: list[e.Event] = []
    for result in [*results, *_cut_short(order, results, problem, now)]:
        error, wanted = result.get("error"), _Wanted([], [], [], [])
        if error is None:
            try:
                wanted = _wanted(state, definitions, defined, order, result, seen, keys, now=now, new_run_id=new_run_id)
            except HeadwaterError as refused:
                error = {"cls": type(refused).__name__, "message": str(refused)}
        seen.update(wanted.run_keys)
        facts += [_evaluated(state, order, result, error, wanted), *wanted.reported, *wanted.runs]
        if error is not None:
            break
    return facts


def _cut_short(order: Order, results: Sequence[Result], problem: str, now: datetime) -> list[Result]:
    """The result of the call that its process did not survive."""
    if not problem:
        return []
    left = order.events[len(results) :]
    offset = left[0].offset if left else None
    took_s = max(0.0, (now - order.at).total_seconds() - sum(result["took_s"] for result in results))
    error = {"cls": "EvaluationStopped", "message": problem}
    return [{"event_offset": offset, "error": error, "took_s": took_s}]


def _wanted(
    state: State,
    definitions: DefinitionsSnapshot,
    defined: SensorSnapshot | ScheduleSnapshot,
    order: Order,
    result: Result,
    seen: set[str],
    keys: KeysAfter,
    *,
    now: datetime,
    new_run_id: Callable[[], str],
) -> _Wanted:
    wanted = _Wanted([*keys.changed(result["dynamic"]), *_reported(result)], [], [], [])
    for request in result["run_requests"]:
        key = request.get("run_key")
        if key is not None and (key in seen or key in wanted.run_keys):
            wanted.known_run_keys.append(key)
            continue
        if request.get("stale_only"):
            request = {**request, "assets": _stale(state, definitions, defined, order, request, at=now)}
            if not request["assets"]:
                wanted.fresh += 1
                continue
        run = _run(definitions, defined, order, request, run_id=new_run_id(), at=now, dynamic=keys)
        wanted.runs.append(run)
        if key is not None:
            wanted.run_keys.append(key)
    return wanted


def _run(
    definitions: DefinitionsSnapshot,
    defined: SensorSnapshot | ScheduleSnapshot,
    order: Order,
    request: Mapping[str, Any],
    *,
    run_id: str,
    at: datetime,
    dynamic: KeysAfter,
) -> e.RunRequested:
    """One requested run.

    Raises:
        HeadwaterError: it cannot be run as it was requested.
    """
    assert order.kind != "condition", "whose answers are no requests"
    origin: Origin = order.kind
    shared: dict[str, Any] = {
        "run_id": run_id,
        "at": at,
        "dynamic": dynamic,
        "partition": request.get("partition"),
        "only_checks": _pairs(request.get("checks")),
        "run_config": request.get("run_config"),
        "tags": _tags(defined, order, request),
        "origin": origin,
    }
    assets, name = request.get("assets"), _job_of(defined, order, request)
    if name is not None:
        return job_run(definitions, known_job(definitions, name), only=assets, **shared)
    if assets is None and not defined.assets and shared["only_checks"]:
        assets = []  # these checks alone
    if assets is None and not defined.assets:
        raise InvalidInvocationError(
            f"{order.kind} {order.name!r} requests a run, but nothing says of what: give it job=..., jobs=... or "
            "target=..., or give the request asset_selection=[...]."
        )
    if assets is not None and defined.assets and (outside := sorted(set(assets) - set(defined.assets))):
        raise InvalidInvocationError(
            f"{order.kind} {order.name!r} requests asset {outside[0]!r}, which is not among its target."
        )
    return asset_run(definitions, defined.assets if assets is None else assets, **shared)


def _job_of(defined: SensorSnapshot | ScheduleSnapshot, order: Order, request: Mapping[str, Any]) -> str | None:
    """The name of the job that is requested; None where assets are.

    Raises:
        InvalidInvocationError: it is none of the targets, or does not say which of them it is.
    """
    name = request.get("job_name")
    if name is not None and defined.jobs and name not in defined.jobs:
        raise InvalidInvocationError(
            f"{order.kind} {order.name!r} requests the job {name!r}, which is none of its targets "
            f"({', '.join(defined.jobs)}). Add it to jobs=[...]."
        )
    if name is None and len(defined.jobs) > 1:
        raise InvalidInvocationError(
            f"{order.kind} {order.name!r} has several jobs ({', '.join(defined.jobs)}): say which one with "
            "RunRequest(job_name=...)."
        )
    return name if name is not None else next(iter(defined.jobs), None)


def _stale(
    state: State,
    definitions: DefinitionsSnapshot,
    defined: SensorSnapshot | ScheduleSnapshot,
    order: Order,
    request: Mapping[str, Any],
    *,
    at: datetime,
) -> list[str]:
    """Those of the requested assets that are stale or missing, with what can only be made together with them.

    Raises:
        InvalidInvocationError: the request is for a job of ops.
    """
    assets, name = request.get("assets"), _job_of(defined, order, request)
    if name is not None and known_job(definitions, name).kind != "asset":
        raise InvalidInvocationError(
            f"{order.kind} {order.name!r} requests what is stale of the job {name!r}, which makes no assets. Leave "
            "stale_assets_only out."
        )
    if assets is None:
        assets = defined.assets if name is None else known_job(definitions, name).assets
    return stale_of(state, definitions, assets, request.get("partition"), at=at)


def _tags(defined: SensorSnapshot | ScheduleSnapshot, order: Order, request: Mapping[str, Any]) -> dict[str, str]:
    own = {SENSOR_TAG: order.name} if order.kind == "sensor" else {SCHEDULE_TAG: order.name, **defined.tags}
    if order.scheduled_at is not None:
        own[SCHEDULED_TAG] = order.scheduled_at.isoformat()
    if (key := request.get("run_key")) is not None:
        own[RUN_KEY_TAG] = key
    return {**own, **request.get("tags", {})}


def _reported(result: Result) -> list[e.Event]:
    return [e.decode(type, 1, payload) for type, payload in result["asset_events"]]


def _pairs(checks: Iterable[Sequence[str]] | None) -> list[tuple[str, str]] | None:
    return None if checks is None else [(key, name) for key, name in checks]


def _evaluated(
    state: State, order: Order, result: Result, error: Mapping[str, str] | None, wanted: _Wanted
) -> e.SensorEvaluated | e.ScheduleEvaluated:
    skip = result.get("skip")
    if error is None and skip is None and not wanted.runs and wanted.known_run_keys:
        skip = "all its run keys were requested before"
    if error is None and skip is None and not wanted.runs and wanted.fresh:
        skip = "nothing that it asks for is stale or missing"
    shared: dict[str, Any] = {
        "name": order.name,
        "status": "failed" if error is not None else "requested" if wanted.runs else "skipped",
        "at": order.at,
        "run_ids": tuple(run.run_id for run in wanted.runs),
        "run_keys": tuple(wanted.run_keys),
        "known_run_keys": tuple(wanted.known_run_keys),
        "skip_reason": "" if error is not None else skip or "",
        "error": None if error is None else e.ErrorInfo(**error),
        "took_s": round(result["took_s"], 6),
    }
    if order.kind == "schedule":
        assert order.scheduled_at is not None
        return e.ScheduleEvaluated(scheduled_at=order.scheduled_at, missed=order.missed, **shared)
    sensor = state.automation.sensors[order.name]
    offset = result.get("event_offset")
    cursor = None if error is not None else result.get("cursor")
    return e.SensorEvaluated(
        event_offset=offset,
        cursor=None if cursor == sensor.cursor else cursor,
        is_passed_over=error is not None and offset is not None and _failures(sensor, offset) + 1 >= TRIES,
        **shared,
    )


def _failures(sensor: Any, offset: int) -> int:
    """How often this very event has failed before."""
    last: e.SensorEvaluated | None = sensor.last
    return sensor.failures if last is not None and last.event_offset == offset else 0
