"""The events: every fact that the log can hold, each a small frozen model that can be read in ten years.

One class an event type, named in the past tense; `type` and `schema_version` are literals and stand in columns of
their own, so the payload leaves them out. A field may be added with a default; any other change is a new
`schema_version` and one pure function registered with `upcast`, so that readers know the newest shape only. Events hold
partition *keys*, never ordinals: those are private to State.

A type that this version does not know (a newer headwater wrote it) is read as `UnknownEvent` and skipped by the fold.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic_core import from_json

KeyRanges = tuple[tuple[str, str], ...]
"""Partition keys as inclusive ranges (first, last) in the order of time; keys without such an order stand alone as
(key, key). None in its place means an asset without partitions."""

LeafTruth = tuple[str, float | None, KeyRanges | None]
"""A leaf of a condition that was true in a decision: its path in the tree, at whose end stands its label; the position
in the log that it held because of (None: a level); and where (None: everywhere, without partitions)."""

AutomationMode = Literal["on", "paused", "dry_run"]

Payload = dict[str, Any]


class Model(BaseModel):
    """Base of all stored values: frozen, and tolerant of fields that a newer version added."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


class Event(Model):
    """Base of all events. `happened_at` is the actor's own clock; the log's `timestamp` is given at commit."""

    type: Any  # a literal in each class
    schema_version: int = 1
    happened_at: datetime | None = None

    registry: ClassVar[dict[str, type[Event]]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        Event.registry[cls.model_fields["type"].default] = cls


# ---- parts of events -------------------------------------------------------------------------------------------------


class Target(Model):
    """An asset and the partitions of it that a run or a step plans to make."""

    asset_key: str
    partitions: KeyRanges | None = None


class PlannedCheck(Model):
    """A check that a run will evaluate; while a blocking one is outstanding, the update it looks at is not released.

    `partition` is the one that it looks at, where the run does not make its asset; None is the whole asset.
    """

    asset_key: str
    name: str
    blocking: bool = False
    partition: str | None = None


class ErrorInfo(Model):
    """An exception of user code or of the machinery, as text."""

    cls: str
    message: str
    traceback: str = ""


class Cause(Model):
    """A position in the log and the partitions that it is the reason for. Half positions stand between two events."""

    position: float
    partitions: KeyRanges | None = None


class MemoryDelta(Model):
    """What a tick changed in the memory of one stateful node of one asset's condition; opaque to the fold.

    `added` latches partitions with the position that latched them, `removed` forgets partitions. What several latch is
    in `Tick.shared` instead: see `Tick.added_by`.
    """

    asset_key: str
    node: str
    added: tuple[Cause, ...] = ()
    shared: int | None = None
    removed: tuple[KeyRanges | None, ...] = ()


class Decision(Model):
    """One asset that a tick requested: which partitions, in which runs, and the reasons. Of a dry run nothing was.

    One that is requested only because it is made together with another asset, `along_with`, has no reasons of its own.
    Reasons that several decisions have are in `Tick.shared`: see `Tick.causes_of`. `leaves` were true for what is
    requested; those about other partitions, of dependencies, for any.
    """

    asset_key: str
    condition: str
    partitions: KeyRanges | None = None
    causes: tuple[Cause, ...] = ()
    shared: int | None = None
    leaves: tuple[LeafTruth, ...] = ()
    along_with: str = ""
    dry_run: bool = False


# ---- the daemon and the definitions ----------------------------------------------------------------------------------


class DaemonStarted(Event):
    """A daemon took the lead of this log under `term`; writers of older terms are fenced from here on."""

    type: Literal["daemon_started"] = "daemon_started"
    term: int
    holder: str = ""


class DaemonStopped(Event):
    """The daemon ended by itself; absent after a crash."""

    type: Literal["daemon_stopped"] = "daemon_stopped"
    term: int
    reason: str = ""


class DefinitionsLoaded(Event):
    """New definitions hold from here on. The bytes are content-addressed under `hash` in their own table."""

    type: Literal["definitions_loaded"] = "definitions_loaded"
    hash: str
    asset_count: int = 0


class DefinitionsFailed(Event):
    """The sources could not be loaded; the definitions before stay in force."""

    type: Literal["definitions_failed"] = "definitions_failed"
    errors: tuple[str, ...] = ()
    traceback: str = ""


# ---- assets and checks -----------------------------------------------------------------------------------------------


class AssetMaterialized(Event):
    """A partition of an asset (or the whole of an unpartitioned one) was made, by a run or by an outside system.

    `origin` tells by whom: a run's step, a report by hand or API, or a file that arrived.
    """

    type: Literal["asset_materialized"] = "asset_materialized"
    asset_key: str
    partition: str | None = None
    run_id: str | None = None
    step_key: str | None = None
    origin: Literal["step", "report", "file"] = "step"
    data_version: str | None = None
    code_version: str | None = None
    description: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)


class AssetObserved(Event):
    """A look at data that is made elsewhere. It is an update when `data_version` differs from the one before."""

    type: Literal["asset_observed"] = "asset_observed"
    asset_key: str
    partition: str | None = None
    run_id: str | None = None
    data_version: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    description: str | None = None


class AssetCheckEvaluated(Event):
    """A check spoke. A failed blocking check of severity ERROR closes the gate of its partition until it passes.

    `raised` is true where it could not speak, since its function raised: for its gate that is a failure.
    """

    type: Literal["asset_check_evaluated"] = "asset_check_evaluated"
    asset_key: str
    check_name: str
    partition: str | None = None
    run_id: str | None = None
    passed: bool
    severity: Literal["WARN", "ERROR"] = "ERROR"
    blocking: bool = False
    description: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    raised: bool = False


class AssetWiped(Event):
    """What was made of an asset counts as gone: it is missing again. `partitions` of None means everything of it.

    The events before stay in the log; nothing of the data itself is touched.
    """

    type: Literal["asset_wiped"] = "asset_wiped"
    asset_key: str
    partitions: KeyRanges | None = None


class DynamicPartitionsAdded(Event):
    """Keys were added to the dynamic partitions of a name; from here on they exist in every asset that has these."""

    type: Literal["dynamic_partitions_added"] = "dynamic_partitions_added"
    name: str
    keys: tuple[str, ...] = ()


class DynamicPartitionsDeleted(Event):
    """Keys were deleted from the dynamic partitions of a name. Added again, they have their history again."""

    type: Literal["dynamic_partitions_deleted"] = "dynamic_partitions_deleted"
    name: str
    keys: tuple[str, ...] = ()


class FreshnessChanged(Event):
    """An asset came to stand otherwise to its freshness policy, at the instant `at`.

    `made_at` is when it was last made or reported, as the log has it. Alerts and conditions go by this event.
    """

    type: Literal["freshness_changed"] = "freshness_changed"
    asset_key: str
    state: Literal["PASS", "WARN", "FAIL"]
    previous: Literal["PASS", "WARN", "FAIL", "UNKNOWN"]
    at: datetime
    made_at: datetime | None = None


# ---- runs and steps --------------------------------------------------------------------------------------------------


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


# ---- backfills -------------------------------------------------------------------------------------------------------


class BackfillRequested(Event):
    """Partitions of several assets are to be made, upstream first, in as many runs as it takes.

    All of `targets` are pending from here until their steps start. `by_caller` is true where the process that wrote
    this makes the runs itself: it holds a lease under the backfill's id, and when it is gone the backfill is cancelled.
    """

    type: Literal["backfill_requested"] = "backfill_requested"
    backfill_id: str
    targets: tuple[Target, ...] = ()
    origin: Literal["manual", "automation"] = "manual"
    definitions: str = ""
    title: str = ""
    priority: int = 0
    tags: dict[str, str] = Field(default_factory=dict)
    run_config: dict[str, JsonValue] = Field(default_factory=dict)
    by_caller: bool = False


class BackfillSkipped(Event):
    """Partitions that a backfill will not make: what they read failed in it, a blocking check keeps that from being
    read, they do not exist any more, or nothing is left that could make them possible."""

    type: Literal["backfill_skipped"] = "backfill_skipped"
    backfill_id: str
    targets: tuple[Target, ...] = ()
    reason: Literal["upstream_failed", "check_failed", "not_defined", "not_possible"] = "upstream_failed"


class BackfillCount(Model):
    """What came of one asset of a backfill, in partitions; `failed` counts those that were skipped too."""

    asset_key: str
    done: int = 0
    failed: int = 0
    left: int = 0
    """Neither: the backfill was cancelled before."""


class BackfillEnded(Event):
    """The backfill is over: nothing more is requested for it, and a run of it that is still under way is cancelled."""

    type: Literal["backfill_ended"] = "backfill_ended"
    backfill_id: str
    status: Literal["succeeded", "failed", "cancelled"]
    counts: tuple[BackfillCount, ...] = ()
    message: str = ""


# ---- automation ------------------------------------------------------------------------------------------------------


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


class UnknownEvent(Event):
    """An event of a type that a newer version wrote: kept, shown and skipped."""

    type: Literal["unknown"] = "unknown"
    original_type: str = ""
    asset_key: str | None = None
    partition: str | None = None
    run_id: str | None = None


# ---- bytes -----------------------------------------------------------------------------------------------------------

Upcast = Callable[[Payload], Payload]
_upcasts: dict[tuple[str, int], Upcast] = {}


def upcast(event_type: str, *, from_version: int) -> Callable[[Upcast], Upcast]:
    """Register the pure function that turns a payload of `from_version` into one of the next version."""

    def register(function: Upcast) -> Upcast:
        _upcasts[event_type, from_version] = function
        return function

    return register


def encode(event: Event) -> str:
    """The payload as it is stored: JSON without the fields that stand in columns or have their default."""
    return event.model_dump_json(exclude_defaults=True)


def decode(event_type: str, schema_version: int, payload: str) -> Event:
    """The event of a stored row, in its newest shape.

    Raises:
        pydantic.ValidationError: the payload does not fit its type (a damaged row).
    """
    cls, newest = _newest.get(event_type) or _look_up(event_type)
    if schema_version == newest:
        return cls.__pydantic_validator__.validate_json(payload)
    if schema_version > newest:
        values = from_json(payload)
        return UnknownEvent.model_validate({**values, "original_type": event_type})
    values = from_json(payload)
    for version in range(schema_version, newest):
        values = _upcasts[event_type, version](values)
    return cls.model_validate(values)


_newest: dict[str, tuple[type[Event], int]] = {}
"""The class of each type of event that was read, and its newest version: to decode is half of what folding costs."""


def _look_up(event_type: str) -> tuple[type[Event], int]:
    cls = Event.registry.get(event_type)
    if cls is None or cls is UnknownEvent:
        return UnknownEvent, -1
    found = _newest[event_type] = cls, cls.model_fields["schema_version"].default
    return found
