"""How State takes runs: planned when they are requested, gone when they have ended.

What a run had planned and did not make is owed again where nobody's code is to blame, and handled where somebody
stopped it. An update that waited for checks which the run did not come to is released (case 5 in `updating.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import events as e
from .assets import AssetState, PartitionTable, Setback
from .rare import noted
from .runs import RunState
from .updating import release

if TYPE_CHECKING:
    from .fold import State, Stored

MAX_SETBACKS = 3  # attempts lost in a row to infrastructure before the partition counts as failed (SEMANTICS 2g)


def run_requested(state: State, event: e.RunRequested, stored: Stored) -> None:
    if event.run_id in state.runs:
        return
    state.runs[event.run_id] = RunState(
        run_id=event.run_id,
        offset=stored.offset,
        requested_at=stored.timestamp,
        targets=event.targets,
        checks=event.checks,
        origin=event.origin,
        priority=event.priority,
        tags=event.tags,
        run_config=event.run_config,
        job_name=event.job_name,
        definitions=event.definitions,
        backfill_id=event.backfill_id,
    )
    for target in event.targets:
        asset = state.asset(target.asset_key)
        planned = asset.ordinals(target.partitions)
        asset.plan(event.run_id, planned)
        state.changes.touch_all(asset.key, planned)
    if event.checks:
        for check in event.checks:
            state.asset(check.asset_key)
        state.checks.planned(state.runs[event.run_id], state.changes)
    if event.backfill_id is not None:
        state.backfills.plan(event.backfill_id, event.run_id, event.targets)


def run_started(state: State, event: e.RunStarted, stored: Stored) -> None:
    if run := state.runs.get(event.run_id):
        run.started = True


def run_tagged(state: State, event: e.RunTagged, stored: Stored) -> None:
    if run := state.runs.get(event.tagged_run):
        run.tags, run.note = {**run.tags, **event.tags}, None


def run_succeeded(state: State, event: e.RunSucceeded, stored: Stored) -> None:
    _end_run(state, event.run_id, stored.offset)


def run_failed(state: State, event: e.RunFailed, stored: Stored) -> None:
    run = state.runs.get(event.run_id)
    if run and event.infrastructure:
        _set_back(state, run, stored)
    _end_run(state, event.run_id, stored.offset, infrastructure=event.infrastructure)


def run_cancelled(state: State, event: e.RunCancelled, stored: Stored) -> None:
    for asset, ordinal in owed(state, event.run_id):
        asset.table.handle(ordinal, stored.offset)
        asset.table.setbacks.pop(ordinal, None)
    _end_run(state, event.run_id, stored.offset, cancelled=True)


def _set_back(state: State, run: RunState, stored: Stored) -> None:
    """Nobody's code is to blame: H goes back, and the partitions are asked for again; at most 3 times in a row."""
    started = {part: step for step in run.steps.values() for part in step.handled_before}
    for asset, ordinal in owed(state, run.run_id):
        table = asset.table
        setback = table.setbacks.get(ordinal) or Setback()
        table.setbacks = noted(table.setbacks, ordinal, setback)
        setback.count, setback.at = setback.count + 1, stored.timestamp
        part = (asset.key, table.space.key(ordinal))
        if setback.count > MAX_SETBACKS:
            table.failed.add(ordinal)
            table.setbacks.pop(ordinal)
            table.handle(ordinal, int(table.handled[ordinal]) if part in started else stored.offset)
        elif part in started and table.handled[ordinal] == started[part].offset:  # else a report came meanwhile
            table.handle(ordinal, started[part].handled_before[part])


def owed(state: State, run_id: str) -> list[tuple[AssetState, int]]:
    """The partitions that the run planned and has neither made nor given up."""
    run = state.runs.get(run_id)
    assets = [state.asset(target.asset_key) for target in run.targets] if run else []
    return [(asset, ordinal) for asset in assets for ordinal in asset.unmade.get(run_id, ())]


def _let_go(state: State, run: RunState, asset: AssetState, table: PartitionTable, offset: int) -> None:
    """No check of the run will speak any more: what waited for one is released, if its gate is open (case 5)."""
    for ordinal in [n for n, held in table.held.items() if held.run_id == run.run_id]:
        held = table.held[ordinal]
        held.outstanding.clear()
        if not table.is_shut(ordinal):
            release(state, asset, table, ordinal, offset, held.made_from)


def _end_run(state: State, run_id: str, offset: int, *, cancelled: bool = False, infrastructure: bool = False) -> None:
    run = state.runs.pop(run_id, None)
    if run is None:
        return
    if run.checks:
        state.checks.run_ended(
            run, state.changes, cancelled_at=offset if cancelled else None, infrastructure=infrastructure
        )
    for target in run.targets:
        asset = state.asset(target.asset_key)
        asset.end(run_id)
        state.changes.touch_all(asset.key, asset.ordinals(target.partitions))
        for table in asset.tables:
            if table.held:
                _let_go(state, run, asset, table, offset)
    state.backfills.end_run(run, infrastructure=infrastructure)
