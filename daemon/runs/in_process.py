"""Jobs and graphs of ops run here and now, in this process, and what came of it.

As `materialize` does for assets: the same steps and the same events as in a worker, with the request, the claim and the
first step in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from ...definitions.asset_jobs import AssetJobDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import InvalidInvocationError, UnknownPartition, did_you_mean
from ...definitions.ops.config_mapping import for_mapping
from ...definitions.ops.context import PARTITION_TAG
from ...definitions.ops.flat import FlatGraph
from ...definitions.ops.job import OpJobDefinition
from ...definitions.selection import AssetSelection
from ...storage.batch import Expect
from ...storage.clock import SystemClock
from ...storage.events import Event, RunRequested
from ...storage.ids import SystemIds
from ...storage.instance import Instance
from .conducting import RunOutcome
from .interrupts import held_interrupts
from .lease import Lease
from .materialize import checked_tags, materialize_in_process, raise_first
from .op_config import checked_op_config
from .op_execution import OpRunExecution
from .op_result import OpExecutionResult
from .pause import Pause
from .plan import RunPlan
from .result import ExecuteInProcessResult
from .toolbox import Toolbox


def execute_job(
    job: OpJobDefinition,
    instance: Instance | None = None,
    *,
    run_config: Any = None,
    tags: Mapping[str, str] | None = None,
    raise_on_error: bool = False,
    op_selection: Sequence[str] | None = None,
) -> OpExecutionResult:
    """Run `job` in this process on the log of `instance`; as `job.execute_in_process`, but errors are not raised."""
    return execute_op_job(
        job,
        run_config=run_config,
        instance=instance,
        tags=tags,
        raise_on_error=raise_on_error,
        op_selection=op_selection,
    )


def execute_op_job(
    job: OpJobDefinition,
    *,
    run_config: Any = None,
    instance: Instance | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    op_selection: Sequence[str] | None = None,
    input_values: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    resources: Mapping[str, Any] | None = None,
    pause: Pause | None = None,
) -> OpExecutionResult:
    """What `job.execute_in_process` does; see there. `pause` is the clock and the chance of retries, for tests."""
    definitions = Definitions(jobs=[job], resources={**job.resource_defs, **(resources or {})})
    definitions.validate()
    chosen = None if op_selection is None else chosen_ops(job.flat, op_selection)
    given = {**job.input_values, **(input_values or {})}
    for name in given:
        if name not in job.graph.ins:
            hint = did_you_mean(name, job.graph.ins, f"Its inputs: {', '.join(job.graph.ins) or 'none'}.")
            raise InvalidInvocationError(f"{job} has no input {name!r}. {hint}")
    told = for_mapping(run_config or job.config) if job.maps_config else run_config or job.config
    config = checked_op_config(told, job.flat, resources=definitions.resources, chosen=chosen, given=given)
    run_tags = {**job.run_tags, **checked_tags(tags), **_partition_tag(job, partition_key)}
    with nullcontext(instance) if instance is not None else Instance.ephemeral() as used:
        return _execute(
            definitions, job, used, config, run_tags, chosen, given, raise_on_error=raise_on_error, pause=pause
        )


def execute_asset_job(
    job: AssetJobDefinition,
    definitions: Definitions,
    *,
    run_config: Any = None,
    instance: Instance | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    asset_selection: Iterable[Any] | None = None,
) -> ExecuteInProcessResult:
    """What `execute_in_process` of a job of assets does; see there."""
    definitions.validate()
    selection = job.selection
    if asset_selection is not None:
        selection = selection & AssetSelection.assets(*asset_selection)
    with nullcontext(instance) if instance is not None else Instance.ephemeral() as used:
        return materialize_in_process(
            definitions,
            used,
            selection=selection,
            partition_key=partition_key,
            run_config=job.run_config_of(partition_key) if run_config is None else run_config,
            tags={**job.run_tags_of(partition_key), **(tags or {})},
            raise_on_error=raise_on_error,
            job_name=job.name,
        )


def _execute(
    definitions: Definitions,
    job: OpJobDefinition,
    instance: Instance,
    config: Mapping[str, Any],
    run_tags: Mapping[str, str],
    chosen: frozenset[str] | None,
    given: Mapping[str, Any],
    *,
    raise_on_error: bool,
    pause: Pause | None,
) -> OpExecutionResult:
    run_id, snapshot = SystemIds().new_id(), definitions.snapshot()
    request = RunRequested(
        run_id=run_id, definitions=snapshot.hash, job_name=job.name, tags=dict(run_tags), run_config=dict(config)
    )
    plan = RunPlan(
        run_id=run_id, requested_offset=0, job_name=job.name, run_tags=request.tags, run_config=request.run_config
    )
    blobs = None if instance.is_ephemeral else {snapshot.hash: snapshot.to_bytes()}
    written: list[Event] = []

    def append(events: Sequence[Event], expect: Expect | None) -> range:
        offsets = instance.log.append(events, expect=expect, blobs=None if written else blobs)
        written.extend(events)
        return offsets

    toolbox = Toolbox(
        definitions,
        run_id,
        home=instance.home,
        io_manager=instance.io_manager,
        run_tags=request.tags,
        run_config=request.run_config,
        job_name=job.name,
        instance=lambda: instance,
        hold_interrupts=held_interrupts,
        pause=pause,
    )
    execution = OpRunExecution(plan, job, toolbox, append, opening=[request], chosen=chosen, input_values=given)
    with nullcontext() if instance.is_ephemeral else Lease.of_run(instance.home, run_id):
        outcome = execution.run()
    if raise_on_error:
        raise_first(run_id, execution.errors, outcome)
    return OpExecutionResult(job, execution.work, run_id, success=outcome is RunOutcome.SUCCEEDED, events=written)


def chosen_ops(flat: FlatGraph, selection: Sequence[str]) -> frozenset[str]:
    """The ops that a selection names: a name, "*" for all, with "+" before or behind it, each one step away, or "*"
    for all the way.

    Raises:
        InvalidInvocationError: a name that there is none of.
    """
    above = {node.step_key: {one.step for one in node.upstream()} for node in flat.nodes}
    below = {key: {other for other, ups in above.items() if key in ups} for key in above}
    chosen: set[str] = set()
    for text in [selection] if isinstance(selection, str) else selection:
        name = text.strip("+*")
        matching = [key for key in above if key == name or key.startswith(f"{name}.")] if name else list(above)
        if not matching:
            hint = did_you_mean(name, above, f"There are: {', '.join(above)}.")
            raise InvalidInvocationError(f"op_selection: there is no op {name!r}. {hint}")
        chosen.update(matching)
        chosen |= _reached(matching, above, text[: len(text) - len(text.lstrip("+*"))])
        chosen |= _reached(matching, below, text[len(text.rstrip("+*")) :])
    return frozenset(chosen)


def _reached(start: Sequence[str], edges: Mapping[str, set[str]], steps: str) -> set[str]:
    """What is reached from `start` in as many steps as there are "+", or in any number for "*"."""
    found, edge = set(start), set(start)
    for _ in range(len(edges) if "*" in steps else len(steps)):
        edge = {other for key in edge for other in edges[key]} - found
        found |= edge
    return found


def _partition_tag(job: OpJobDefinition, partition_key: str | None) -> dict[str, str]:
    if job.partitions_def is None:
        if partition_key is not None:
            raise InvalidInvocationError(f"{job} has no partitions: leave partition_key out.")
        return {}
    if partition_key is None:
        raise InvalidInvocationError(f"{job} has {job.partitions_def.describe()}: say which with partition_key=...")
    if not job.partitions_def.has_partition_key(partition_key, SystemClock().now()):
        raise UnknownPartition(partition_key, known=job.partitions_def.describe())
    return {PARTITION_TAG: partition_key}
