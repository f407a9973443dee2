"""Events of runs, their steps and their hooks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from .base import Event
from .parts import ErrorInfo, KeyRanges, PlannedCheck, Target


class RunRequested(Event):
    """A run is to be made: pending from here until its steps start. `definitions` is the hash it was planned under."""

    type: Literal["run_requested"] = "run_requested"
    run_id: str
    targets: tuple[Target, ...] = ()
    checks: tuple[PlannedCheck, ...] = ()
    origin: Literal["automation", "manual", "schedule", "sensor", "backfill", "retry"] = "manual"
    definitions: str = ""
    job_name: str | None = None
    priority: int = 0
    tags: dict[str, str] = Field(default_factory=dict)
    run_config: dict[str, JsonValue] = Field(default_factory=dict)
    """What the run is told, as plain data; a value from the environment stands in it as `{"env": NAME}`."""
    backfill_id: str | None = None
    """The backfill that the run is a part of."""


class RunStarted(Event):
    """A worker claimed the run. It lives as long as it holds the lock on the run's lease file."""

    type: Literal["run_started"] = "run_started"
    run_id: str
    worker: str = ""


class RunSucceeded(Event):
    type: Literal["run_succeeded"] = "run_succeeded"
    run_id: str


class RunFailed(Event):
    """The run ended without success. `infrastructure` is true where no user code is to blame (a worker that vanished,
    a launch that failed): then what it had not made returns to be requested again, with back-off."""

    type: Literal["run_failed"] = "run_failed"
    run_id: str
    reason: Literal["step_failed", "orphaned", "worker_killed", "worker_failed", "launch_failed"]
    infrastructure: bool = False
    message: str = ""


class RunCancelled(Event):
    """Somebody stopped the run: neither a success nor a failure; nothing happens until a new trigger or a hand."""

    type: Literal["run_cancelled"] = "run_cancelled"
    run_id: str
    message: str = ""


class StepStarted(Event):
    """The read horizon of an attempt: written before resources, inputs and user code.

    `inputs` are the partition keys handed to the step where it takes only those that exist and passed. They were chosen
    from what had happened through `read_through`: an update of such a dependency between the two offsets was not read.
    A step of one check has its `check_name`; one of several checks lists them in `checks`, each with its partition.
    """

    type: Literal["step_started"] = "step_started"
    run_id: str
    step_key: str
    asset_key: str | None = None
    partition: str | None = None
    targets: tuple[Target, ...] = ()
    check_name: str | None = None
    inputs: dict[str, KeyRanges] = Field(default_factory=dict)
    read_through: int | None = None
    attempt: int = 1
    checks: tuple[PlannedCheck, ...] = ()


class StepSucceeded(Event):
    """The step's code ended well. `code_started_at` is the instant just before its own code ran."""

    type: Literal["step_succeeded"] = "step_succeeded"
    run_id: str
    step_key: str
    took_s: float = 0.0
    code_started_at: datetime | None = None


class StepFailed(Event):
    """The step's code raised, exited or was stopped by a signal; its attempt has handled what it read."""

    type: Literal["step_failed"] = "step_failed"
    run_id: str
    step_key: str
    asset_key: str | None = None
    partition: str | None = None
    error: ErrorInfo
    took_s: float = 0.0
    code_started_at: datetime | None = None


class StepSkipped(Event):
    """The step never started because of something upstream in its run; `blocked_by` names it.

    The targets heal by themselves: they are owed their rebuild and wait until what blocks them updates or passes.
    """

    type: Literal["step_skipped"] = "step_skipped"
    run_id: str
    step_key: str
    asset_key: str | None = None
    partition: str | None = None
    targets: tuple[Target, ...] = ()
    reason: Literal["upstream_failed", "check_failed", "not_produced"] = "upstream_failed"
    blocked_by: tuple[Target, ...] = ()


class StepUpForRetry(Event):
    """An attempt failed and there will be another, after `wait_s` seconds: the step is still under way.

    The next attempt has a `StepStarted` of its own, which is its read horizon. `attempt` counts from 1.
    """

    type: Literal["step_up_for_retry"] = "step_up_for_retry"
    run_id: str
    step_key: str
    asset_key: str | None = None
    partition: str | None = None
    error: ErrorInfo
    attempt: int = 1
    wait_s: float = 0.0


class OpOutputProduced(Event):
    """An op gave one of its outputs; of a dynamic one, the value of the key `mapping_key`."""

    type: Literal["op_output_produced"] = "op_output_produced"
    run_id: str
    step_key: str
    output_name: str = "result"
    mapping_key: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class HookCompleted(Event):
    """A hook ran to its end after a step."""

    type: Literal["hook_completed"] = "hook_completed"
    run_id: str
    step_key: str
    hook: str


class HookErrored(Event):
    """A hook raised after a step: recorded, and nothing else; the run goes on as it would have."""

    type: Literal["hook_errored"] = "hook_errored"
    run_id: str
    step_key: str
    hook: str
    error: ErrorInfo


class RunTagged(Event):
    """Somebody gave a run more tags, or other values of those it has.

    The run is named in a field of another name than that which puts an event into the run's own stream: a worker would
    take an event there for a sign that the run was taken away from it.
    """

    type: Literal["run_tagged"] = "run_tagged"
    tagged_run: str
    tags: dict[str, str] = Field(default_factory=dict)
