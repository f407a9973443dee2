"""How State takes updates: what was made, observed, checked or wiped, and when automation may see it.

How an update becomes visible to automation (SEMANTICS part 1), numbered at the branches below:
1. made by a run that will still evaluate blocking checks on it, or behind a shut gate: *held*;
2. otherwise *released*: U and W are set, what it blocked is free, and a change is noted for the next tick;
3. the last outstanding check passes: released;
4. a gate opens, because a check that had failed passes: released, whether or not there is a newer materialisation;
5. its run ends without having evaluated the checks: released, if the gate is open (`running.py`).

In cases 3 to 5 U is the offset of the event that released it, not that of the materialisation: a downstream step that
started in between was not handed the partition, and has to be built again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from .. import events as e
from .assets import AssetState, Held, PartitionTable
from .provenance import MadeWith
from .rare import noted
from .runs import Part, RunState

if TYPE_CHECKING:
    from .fold import State, Stored


def materialized(state: State, event: e.AssetMaterialized, stored: Stored) -> None:
    asset = state.asset(event.asset_key)
    table, ordinal = asset.locate(event.partition)
    run = state.runs.get(event.run_id or "")
    step = run.steps.get(event.step_key or "") if run else None
    asset.made_at = stored.timestamp
    table.materialized.add(ordinal)
    table.failed.discard(ordinal)
    if table.setbacks:
        table.setbacks.pop(ordinal, None)
    version, by_step = event.data_version, event.origin == "step"
    if version is not None:
        table.versions = noted(table.versions, ordinal, version)
    if event.origin == "file" and version is not None:
        path = event.metadata.get("path")
        asset.files = noted(asset.files, str(path["value"] if isinstance(path, dict) else path), version)
    state.checks.outdated(asset, event.partition, state.changes)
    if not by_step:
        table.handle(ordinal, stored.offset)
        table.blocked.pop(ordinal, None)
    if run and table is asset.table:
        asset.settle(run.run_id, ordinal)
        if run.backfill_id is not None:
            state.backfills.make(run.backfill_id, asset, ordinal)
    outstanding = run.blocking_checks(event.asset_key) if run and run.checks else set()
    note = state.run_notes.of(run) if run else None
    made_from = step.offset if step else 0
    table.provenance.updated(ordinal, at=stored.offset, read_at=made_from or stored.offset, version=version)
    table.provenance.made_by(ordinal, _made_with(state, event, run) if by_step else None)
    table.note_run(ordinal, note)
    if outstanding or table.is_shut(ordinal):
        _hold(state, asset, table, ordinal, stored.offset, Held(made_from, event.run_id, outstanding))  # case 1
    else:
        _release(state, asset, table, ordinal, stored.offset, made_from, note)  # case 2


def _made_with(state: State, event: e.AssetMaterialized, run: RunState | None) -> MadeWith:
    """The code version of a step and the dependencies of its asset, as the definitions of its run have them."""
    place = run.definitions if run else "", event.asset_key
    if place not in state.dep_keys:
        asset = _definitions_of(state, run).get(event.asset_key)
        state.dep_keys[place] = None if asset is None else tuple(dep.key for dep in asset.deps)
    return event.code_version, state.dep_keys[place]


def _definitions_of(state: State, run: RunState | None) -> Mapping[str, AssetSnapshot]:
    """The assets under which a run was planned; none where their bytes are not at hand."""
    digest = run.definitions if run else ""
    if digest not in state.known:
        try:
            state.known[digest] = DefinitionsSnapshot.from_bytes(state.definitions_bytes(digest)).assets
        except LookupError:
            state.known[digest] = {}
    return state.known[digest]


def observed(state: State, event: e.AssetObserved, stored: Stored) -> None:
    asset = state.asset(event.asset_key)
    table, ordinal = asset.locate(event.partition)
    if ordinal not in table.observed:
        table.observed.add(ordinal)
        state.touch(asset, table, ordinal)
    if event.data_version is None or table.versions.get(ordinal) == event.data_version:
        return
    table.versions = noted(table.versions, ordinal, event.data_version)
    state.checks.outdated(asset, event.partition, state.changes)
    table.provenance.updated(ordinal, at=stored.offset, read_at=stored.offset, version=event.data_version)
    run = state.runs.get(event.run_id or "")
    note = state.run_notes.of(run) if run else None
    table.note_run(ordinal, note)
    if table.is_shut(ordinal):
        _hold(state, asset, table, ordinal, stored.offset, Held(0, event.run_id, set()))
    else:
        _release(state, asset, table, ordinal, stored.offset, 0, note)


def check_evaluated(state: State, event: e.AssetCheckEvaluated, stored: Stored) -> None:
    asset = state.asset(event.asset_key)
    table, ordinal = asset.locate(event.partition)
    everything = event.partition is None and table is not asset.table
    places = [(asset.table, n) for n in asset.table.there()] if everything else [(table, ordinal)]
    for place in places:
        _spoke(state, asset, *place, event, stored)
        state.touch(asset, *place)
    if not places:
        state.changes.touched.add(asset.key)


def _spoke(
    state: State, asset: AssetState, table: PartitionTable, ordinal: int, event: e.AssetCheckEvaluated, stored: Stored
) -> None:
    state.checks.spoke(asset, event, table.space.key(ordinal), stored.offset, state.changes)
    result = "passed" if event.passed else "warned" if event.severity == "WARN" else "failed"
    table.note_result(event.check_name, result, ordinal)
    was_shut = table.is_shut(ordinal)
    if event.blocking and result == "failed":
        table.shut_gate(event.check_name, ordinal)
    elif event.check_name in table.check_failed:
        table.check_failed[event.check_name].discard(ordinal)
    held = table.held.get(ordinal)
    if held is not None and held.run_id == event.run_id:
        held.outstanding.discard(event.check_name)
    if table.is_shut(ordinal) or (held is not None and held.outstanding):
        return
    if held is not None or was_shut:  # cases 3 and 4
        made_from = held.made_from if held else int(table.made_from[ordinal])
        release(state, asset, table, ordinal, stored.offset, made_from)


def wiped(state: State, event: e.AssetWiped, stored: Stored) -> None:
    """What is wiped is missing, as if it had never been made; an attempt under way goes on."""
    asset = state.asset(event.asset_key)
    for table in asset.tables:
        bits = table.known()
        if event.partitions is not None:
            bits &= table.space.bits(event.partitions)
        table.forget(bits, under_way=asset.in_progress if table is asset.table else BitMap())
        for ordinal in bits:
            state.checks.outdated(asset, table.space.key(ordinal), state.changes)
    if event.partitions is None:
        asset.made_at, asset.freshness = 0, None
    state.changes.touched.add(asset.key)


def freshness_changed(state: State, event: e.FreshnessChanged, stored: Stored) -> None:
    state.asset(event.asset_key).freshness = event.state
    state.changes.touched.add(event.asset_key)


def release(
    state: State, asset: AssetState, table: PartitionTable, ordinal: int, position: int, made_from: int
) -> None:
    """Automation may see the update of a partition that was held, or whose gate was shut, from `position` on."""
    _release(state, asset, table, ordinal, position, made_from, table.run_note(ordinal), is_freed=True)


def _hold(state: State, asset: AssetState, table: PartitionTable, ordinal: int, offset: int, held: Held) -> None:
    """Only those who are not gated by the asset see the update yet."""
    table.held = noted(table.held, ordinal, held)
    if table is asset.table:
        state.changes.hold(asset.key, ordinal, offset)
    state.touch(asset, table, ordinal)


def _release(
    state: State,
    asset: AssetState,
    table: PartitionTable,
    ordinal: int,
    position: int,
    made_from: int,
    note: str | None,
    *,
    is_freed: bool = False,
) -> None:
    if table.held:
        table.held.pop(ordinal, None)
    is_same = not table.provenance.has_changed(ordinal, int(table.update[ordinal]))
    table.updated(ordinal, position, made_from)
    if table is asset.table:
        tags = None if note is None else state.run_notes[note].tags
        state.changes.update(asset.key, ordinal, position, same_data=is_same, tags=tags, is_freed=is_freed)
    else:
        state.touch(asset, table, ordinal)
    if state.blocks:
        _unblock(state, (asset.key, table.space.key(ordinal)))


def _unblock(state: State, blocker: Part) -> None:
    """What waited for this upstream alone is free to be requested."""
    for key, partition in state.unblock(blocker):
        table, ordinal = state.asset(key).locate(partition)
        blockers = table.blocked.get(ordinal, set())
        blockers.discard(blocker)
        if not blockers and table.blocked.pop(ordinal, None) is not None:
            state.touch(state.asset(key), table, ordinal)
