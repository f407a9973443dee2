"""How State takes the steps of runs: the start of one is its read horizon, its end settles what it was to make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .. import events as e
from .assets import AssetState, PartitionTable
from .rare import noted
from .runs import RunState, StepState

if TYPE_CHECKING:
    from .fold import State, Stored


def step_started(state: State, event: e.StepStarted, stored: Stored) -> None:
    run = state.runs.get(event.run_id)
    if run is None:
        return
    run.started = True
    checks = [(check.asset_key, check.name, check.partition) for check in event.checks]
    if event.check_name:
        checks = [(event.asset_key or "", event.check_name, event.partition)]
    earlier = run.steps.get(event.step_key)  # an attempt of it that failed and is tried again
    step = run.steps[event.step_key] = StepState(stored.offset, checks=tuple(checks))
    if checks:
        state.checks.started(run, step, stored.offset, state.changes)
    for asset, table, ordinal in parts_of(state, event.targets):
        part = (asset.key, table.space.key(ordinal))
        before = int(table.handled[ordinal])
        step.handled_before[part] = earlier.handled_before.get(part, before) if earlier else before
        table.handle(ordinal, stored.offset)
        table.chosen[ordinal] = event.read_through or 0
        table.blocked.pop(ordinal, None)
        table.failed.discard(ordinal)
        if table is asset.table:
            asset.start(run.run_id, ordinal)
        state.touch(asset, table, ordinal)
    if event.read_through is not None:
        _owe(state, event.targets, event.inputs, since=event.read_through, started=stored.offset)


def _owe(state: State, targets: tuple[e.Target, ...], deps: Iterable[str], *, since: int, started: int) -> None:
    """What was updated after the keys had been chosen that a step is handed is owed to the step's assets."""
    for dep in deps:
        places = state.asset(dep).table.updated_after(since, until=started)
        for asset, table, ordinal in parts_of(state, targets) if places else ():
            if table is asset.table:
                owed = state.changes.owed.setdefault(asset.key, {}).setdefault(dep, [])
                owed += [(place, started + 0.5, ordinal) for place in places]


def step_succeeded(state: State, event: e.StepSucceeded, stored: Stored) -> None:
    if run := state.runs.get(event.run_id):
        step = run.steps.get(event.step_key)
        if step is not None and step.checks_handled_before:
            state.checks.ended(run, step, failed=False, changes=state.changes)
        _settle(state, run, event.step_key)


def step_failed(state: State, event: e.StepFailed, stored: Stored) -> None:
    if run := state.runs.get(event.run_id):
        step = run.steps.get(event.step_key)
        state.checks.ended(run, step, failed=True, changes=state.changes)
        started = step.offset if step else -1
        for asset, table, ordinal in _settle(state, run, event.step_key):
            held = table.held.get(ordinal)
            if started in (table.made_from[ordinal], held.made_from if held else -1):
                continue  # it was made; what failed is a check that the same function evaluates
            table.failed.add(ordinal)
            table.setbacks.pop(ordinal, None)
            run.failed.append((asset.key, table.space.key(ordinal)))


def step_skipped(state: State, event: e.StepSkipped, stored: Stored) -> None:
    run = state.runs.get(event.run_id)
    if run is None:
        return
    blockers = {(asset.key, table.space.key(ordinal)) for asset, table, ordinal in parts_of(state, event.blocked_by)}
    started = run.steps.get(event.step_key)
    for asset, table, ordinal in parts_of(state, event.targets):
        if started is not None:
            _not_tried(state, started, asset, table, ordinal)
        if table is asset.table:
            asset.settle(run.run_id, ordinal)
        if blockers:
            table.blocked = noted(table.blocked, ordinal, set(blockers))
            for blocker in blockers:
                state.block((asset.key, table.space.key(ordinal)), blocker=blocker)
        state.touch(asset, table, ordinal)


def _not_tried(state: State, step: StepState, asset: AssetState, table: PartitionTable, ordinal: int) -> None:
    """A part of a step that failed before it came to this part: its H is what it was before."""
    before = step.handled_before.pop((asset.key, table.space.key(ordinal)), None)
    if before is not None and table.handled[ordinal] == step.offset:  # else a report came meanwhile
        table.handle(ordinal, before)


def _settle(state: State, run: RunState, step_key: str) -> list[tuple[AssetState, PartitionTable, int]]:
    """A step ended: its targets are no longer in progress; returns where they are kept."""
    step = run.steps.pop(step_key, None)
    places = []
    for key, partition in step.handled_before if step else ():
        asset = state.asset(key)
        table, ordinal = asset.locate(partition)
        if table is asset.table:
            asset.settle(run.run_id, ordinal)
        places.append((asset, table, ordinal))
        state.touch(asset, table, ordinal)
    return places


def parts_of(state: State, targets: tuple[e.Target, ...]) -> Iterator[tuple[AssetState, PartitionTable, int]]:
    """Each partition of `targets`, where it is kept."""
    for target in targets:
        asset = state.asset(target.asset_key)
        ranges = target.partitions
        if ranges is None or (len(ranges) == 1 and ranges[0][0] == ranges[0][1]):
            yield asset, *asset.locate(None if ranges is None else ranges[0][0])
            continue
        bits = asset.ordinals(target.partitions)
        for ordinal in bits:
            yield asset, asset.table, ordinal
        if not bits:
            for key in [None] if target.partitions is None else [first for first, _ in target.partitions]:
                yield asset, *asset.locate(key)
