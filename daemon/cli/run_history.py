"""Runs as the log tells them: one record a run, put together from its events.

State forgets a run when it has ended; its history is the log. Unfinished runs are found by what has not ended yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...definitions.errors import HeadwaterError
from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from .run_status import RunStatus

PAGE = 1_000

ENDS = {"run_succeeded": "succeeded", "run_failed": "failed", "run_cancelled": "cancelled"}
_RUN_EVENTS = ("run_requested", "run_started", *ENDS)


class UnknownRun(HeadwaterError):
    """No run has this id, or several begin with it."""

    def __init__(self, given: str, matches: Sequence[str] = ()) -> None:
        super().__init__(
            f"{len(matches)} runs begin with {given!r}, such as {matches[0]} and {matches[1]}. Give more of the id."
            if matches
            else f"there is no run {given!r} in this log. `headwater run list` shows the newest."
        )
        self.given: str = given
        self.matches: tuple[str, ...] = tuple(matches)


@dataclass(slots=True)
class StepRecord:
    """One step: an asset partition that was made, a check that was evaluated, or an op.

    `error` is that of its last attempt; a step that waits for the next one is "up_for_retry".
    """

    step_key: str
    asset_key: str | None
    partition: str | None
    check_name: str | None = None
    status: str = "started"
    started_at: datetime | None = None
    took_s: float | None = None
    error: e.ErrorInfo | None = None
    attempt: int = 1
    retry_wait_s: float | None = None
    skipped_because: str | None = None
    blocked_by: tuple[e.Target, ...] = ()


@dataclass(slots=True)
class RunRecord:
    """One run. `message` and `reason` say why it did not succeed."""

    run_id: str
    status: RunStatus = RunStatus.QUEUED
    origin: str = ""
    requested_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    targets: tuple[e.Target, ...] = ()
    planned_checks: tuple[e.PlannedCheck, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    job_name: str | None = None
    hooks_errored: list[e.HookErrored] = field(default_factory=list)
    worker: str = ""
    reason: str | None = None
    message: str = ""
    steps: dict[str, StepRecord] = field(default_factory=dict)
    checks: list[e.AssetCheckEvaluated] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """It succeeded, and nothing of it was left out."""
        left_out = any(step.status == "skipped" for step in self.steps.values())
        return self.status is RunStatus.SUCCEEDED and not left_out

    def apply(self, stored: StoredEvent) -> None:
        """Take in the next event of the run."""
        match stored.event:
            case e.RunRequested() as event:
                self.origin, self.targets, self.tags = event.origin, event.targets, event.tags
                self.requested_at, self.job_name = stored.at, event.job_name
                self.planned_checks = event.checks
            case e.RunStarted() as event:
                self.status, self.started_at, self.worker = RunStatus.STARTED, stored.at, event.worker
            case e.RunSucceeded() | e.RunFailed() | e.RunCancelled() as event:
                self.status, self.ended_at = RunStatus(ENDS[event.type]), stored.at
                self.message = getattr(event, "message", "")
                self.reason = getattr(event, "reason", None)
            case e.AssetCheckEvaluated() as event:
                self.checks.append(event)
            case e.StepStarted() as event:
                self.steps[event.step_key] = StepRecord(
                    event.step_key,
                    event.asset_key,
                    event.partition,
                    event.check_name,
                    started_at=stored.at,
                    attempt=event.attempt,
                )
            case e.StepUpForRetry() as event:
                step = self._step(event)
                step.status, step.error, step.retry_wait_s = "up_for_retry", event.error, event.wait_s
            case e.StepSucceeded() as event:
                self._step(event).status = "succeeded"
                self._step(event).took_s = event.took_s
            case e.StepFailed() as event:
                step = self._step(event)
                step.status, step.took_s, step.error = "failed", event.took_s, event.error
            case e.HookErrored() as event:
                self.hooks_errored.append(event)
            case e.StepSkipped() as event:
                step = self._step(event)
                step.status, step.skipped_because, step.blocked_by = "skipped", event.reason, event.blocked_by

    def _step(self, event: e.StepSucceeded | e.StepFailed | e.StepSkipped | e.StepUpForRetry) -> StepRecord:
        """The step that the event is about; new where it never started."""
        step = self.steps.get(event.step_key)
        if step is None:
            asset_key, partition = getattr(event, "asset_key", None), getattr(event, "partition", None)
            is_check = asset_key is not None and asset_key != event.step_key
            check_name = event.step_key.removeprefix(f"{asset_key}:") if is_check else None
            step = self.steps[event.step_key] = StepRecord(event.step_key, asset_key, partition, check_name)
        return step


def record_of(log: EventLog, run_id: str, *, types: Sequence[str] | None = None) -> RunRecord:
    """The run as its events tell it; of the given types only, where the rest is not wanted."""
    record = RunRecord(run_id)
    for stored in _pages(log, run_id=run_id, types=types):
        record.apply(stored)
    return record


def find_run(log: EventLog, given: str) -> str:
    """The whole id of the run whose id begins with `given`.

    Raises:
        UnknownRun: there is none, or more than one.
    """
    if log.query(run_id=given, limit=1):
        return given
    requested = _pages(log, types=["run_requested"])
    matches = [run_id for run_id in map(_run_id, requested) if given and run_id.startswith(given)]
    if len(matches) != 1:
        raise UnknownRun(given, matches)
    return matches[0]


def newest_runs(log: EventLog, *, limit: int, status: RunStatus | None = None) -> list[RunRecord]:
    """The newest runs, newest first, without their steps."""
    if status is None:
        runs: Iterable[str] = _newest(log, "run_requested", limit)
    elif status in (RunStatus.QUEUED, RunStatus.STARTED):
        runs = [run_id for run_id, has_started in _unfinished(log) if has_started == (status is RunStatus.STARTED)]
        runs = runs[-limit:][::-1]
    else:
        runs = _newest(log, f"run_{status.value}", limit)
    return [record_of(log, run_id, types=_RUN_EVENTS) for run_id in runs]


def _newest(log: EventLog, type: str, limit: int) -> list[str]:
    return [_run_id(stored) for stored in log.query(types=[type], newest_first=True, limit=limit)]


def _unfinished(log: EventLog) -> list[tuple[str, bool]]:
    """Runs that have not ended, oldest first, each with whether it has started."""
    open_runs: dict[str, bool] = {}
    for stored in _pages(log, types=_RUN_EVENTS):
        run_id, type = _run_id(stored), stored.event.type
        if type in ENDS:
            open_runs.pop(run_id, None)
        else:
            open_runs[run_id] = type == "run_started"
    return list(open_runs.items())


def _run_id(stored: StoredEvent) -> str:
    return getattr(stored.event, "run_id", "")


def _pages(log: EventLog, *, run_id: str | None = None, types: Sequence[str] | None = None) -> Iterator[StoredEvent]:
    after = 0
    while page := log.query(run_id=run_id, types=types, after=after, limit=PAGE):
        yield from page
        after = page[-1].offset
