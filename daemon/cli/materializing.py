"""Materialising from the command line: one run in this process, written to the home's log like any other.

The run is requested and claimed in one transaction and worked on under its lease, so that a daemon on the same home
never launches it a second time and never takes it for an orphan; it reacts to what the run made. What a step reads of
an asset with many partitions is chosen just before the step starts, from State at that moment: what this run has made
by then counts, and what another run has made and not yet checked does not. The values of steps are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyroaring import BitMap

from ...definitions.definitions import Definitions
from ...definitions.keys import AssetKey
from ...definitions.ops.job import OpJobDefinition
from ...definitions.partitions import PartitionKeyRange
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.clock import Clock, SystemClock
from ...storage.dynamic_partitions import dynamic_keys
from ...storage.events import Event, KeyRanges, RunRequested
from ...storage.ids import SystemIds
from ...storage.instance import Instance
from ...storage.log import EventLog, Expect
from ...storage.state import State
from ...storage.state.mappings import renumber
from ..runs.configuring import checked_run_config
from ..runs.execute import RunExecution
from ..runs.interrupts import held_interrupts
from ..runs.lease import Lease
from ..runs.op_config import checked_op_config
from ..runs.op_execution import OpRunExecution
from ..runs.partition_range import range_tags
from ..runs.planning import build_plan
from ..runs.toolbox import Toolbox
from .catalog import catch_up, folded, log_for_reading
from .run_history import RunRecord, record_of
from .targets import at_partition, selected, targets_of


def materialize_selection(
    definitions: Definitions,
    home: Path,
    select: str,
    partition: str | None,
    *,
    span: PartitionKeyRange | None = None,
    run_config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> RunRecord:
    """Make what `select` names, for one partition or for all of a `span`, with the checks that it brings along, and
    return what the log says of the run.

    Raises:
        InvalidInvocationError, UnknownPartition: the selection or the partition makes no sense.
        InvalidConfigError: the run config does not fit what is selected.
        KeyboardInterrupt: the run was interrupted, and is recorded as cancelled.
    """
    clock = clock or SystemClock()
    snapshot = definitions.snapshot()
    assets, checks = selected(snapshot, select)
    with log_for_reading(home) as log:
        targets = targets_of(
            assets,
            partition,
            at=clock.now(),
            dynamic=dynamic_keys(log),
            span=span,
            looked_at=[snapshot.assets[check.asset_key] for check in checks],
        )
    checks = at_partition(snapshot, checks, partition)
    run_id = SystemIds().new_id()
    config = checked_run_config(
        run_config, definitions, [AssetKey.from_user_string(asset.key) for asset in assets], checks
    )
    requested = RunRequested(
        run_id=run_id,
        targets=tuple(targets),
        checks=tuple(checks),
        origin="manual",
        definitions=snapshot.hash,
        run_config=config,
        tags={**(tags or {}), **range_tags(span)},
    )
    return run_here(definitions, snapshot, home, requested, clock=clock)


def run_here(
    definitions: Definitions,
    snapshot: DefinitionsSnapshot,
    home: Path,
    requested: RunRequested,
    *,
    clock: Clock | None = None,
) -> RunRecord:
    """Do what `requested` asks for in this process, and return what the log says of the run."""
    clock, run_id = clock or SystemClock(), requested.run_id
    keys = [AssetKey.from_user_string(target.asset_key) for target in requested.targets]
    job = definitions.jobs.get(requested.job_name or "")
    if isinstance(job, OpJobDefinition):
        resources = {**definitions.resources, **job.resource_defs}
        config = checked_op_config(requested.run_config, job.flat, resources=resources, given=job.input_values)
    else:
        config = checked_run_config(requested.run_config, definitions, keys, requested.checks)
    plan = build_plan(
        snapshot,
        run_id,
        0,
        requested.targets,
        requested.checks,
        run_config=config,
        run_tags=requested.tags,
        job_name=requested.job_name,
    )
    with EventLog.open(home, clock=clock) as log, Lease.of_run(home, run_id):
        # The bytes behind the hash come with the first append, as the daemon may never have loaded these definitions.
        blobs = {snapshot.hash: snapshot.to_bytes()}

        def append(events: Sequence[Event], expect: Expect | None) -> range:
            offsets = log.append(events, expect=expect, blobs=blobs)
            blobs.clear()
            return offsets

        toolbox = Toolbox(
            definitions,
            run_id,
            home=home,
            run_tags=requested.tags,
            run_config=config,
            job_name=requested.job_name,
            instance=lambda: Instance(log, home),
            hold_interrupts=held_interrupts,
        )
        if isinstance(job, OpJobDefinition):
            OpRunExecution(plan, job, toolbox, append, opening=[requested]).run()
        else:
            choose_keys = _Chooser(log, snapshot, clock).keys
            RunExecution(plan, toolbox, append, opening=[requested], choose_keys=choose_keys).run()
        return record_of(log, run_id)


class _Chooser:
    """Which partitions of an asset a step is handed: those that exist, are made, and passed where that is asked for."""

    def __init__(self, log: EventLog, snapshot: DefinitionsSnapshot, clock: Clock) -> None:
        self._log, self._snapshot, self._clock = log, snapshot, clock
        self._state: State | None = None

    def keys(self, asset_key: str, passed_only: bool) -> tuple[KeyRanges, int]:
        """The keys as ranges, and the offset through which the log was read for them."""
        if self._state is None:
            self._state = folded(self._log, lazily=True)
        else:
            catch_up(self._state, self._log)
        state, partitions = self._state, self._snapshot.assets[asset_key].partitions
        # The log's own definitions may number this asset otherwise, or not know it: by key, then.
        space = state.spaces.of(partitions)
        bits = state.spaces.existing(partitions, self._clock.now())
        asset = state.asset(asset_key)
        made = [(table.readable() if passed_only else table.there(), table.space) for table in asset.tables]
        here = BitMap.union(*[renumber(one, numbered, space) for one, numbered in made])
        return space.ranges(bits & here) or (), state.through
