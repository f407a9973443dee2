"""Checks as nodes of their own: what is known of each check by partition, in the words that hold for assets.

`materialized` are the partitions whose newest data the check has evaluated, `update` is the offset of its last result,
`handled` that of the start of its last attempt, `failed` those in which its last attempt could not speak. So the
condition of a check is evaluated like that of an asset. Gates are no business of this module.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyroaring import BitMap

from ...definitions.snapshot import check_node_key
from .. import events as e
from .assets import AssetState, PartitionTable
from .changes import Changes
from .runs import RunState, StepState

CheckPart = tuple[str, str, str | None]
"""Asset key, name of the check, partition (None: the whole of the asset)."""


class CheckStates:
    """The states of all checks, by the key of their node. `asset_of` gives the state of an asset."""

    def __init__(self, asset_of: dict[str, AssetState]) -> None:
        self.states: dict[str, AssetState] = {}
        self._assets = asset_of
        self._of_asset: dict[str, list[str]] = {}
        self.parts: dict[str, tuple[str, str]] = {}
        """The asset and the name of each check, by the key of its node."""

    def get(self, key: str) -> AssetState | None:
        return self.states.get(key)

    def define(self, asset: AssetState, name: str) -> AssetState:
        """The state of a check of `asset`, made now if nothing was known of it."""
        key = check_node_key(asset.key, name)
        state = self.states.get(key)
        if state is None:
            space = None if asset.table is asset.stray else asset.table.space
            state = self.states[key] = AssetState(key, space)
            self.parts[key] = asset.key, name
            self._of_asset.setdefault(asset.key, []).append(key)
        return state

    def asset_keys(self) -> list[str]:
        """The assets of which checks are known."""
        return list(self._of_asset)

    def of_asset(self, key: str) -> list[AssetState]:
        return [self.states[name] for name in self._of_asset.get(key, ())]

    def results(self, key: str, *, passed: bool) -> BitMap:
        """The partitions on whose newest data the check of this node has passed, or has failed."""
        state, (asset_key, name) = self.states[key], self.parts[key]
        last = self._assets[asset_key].table.check_last.get(name, {})
        found = [last[word] for word in (("passed",) if passed else ("failed", "warned")) if word in last]
        return BitMap.union(*found) & state.table.materialized if found else BitMap()

    # ---- what happens ------------------------------------------------------------------------------------------------

    def planned(self, run: RunState, changes: Changes) -> None:
        for state, bits in self._planned_by(run):
            state.plan(run.run_id, bits)
            changes.touched.add(state.key)

    def started(self, run: RunState, step: StepState, offset: int, changes: Changes) -> None:
        for part in step.checks:
            for state, table, ordinal in self._places(part):
                step.checks_handled_before[state.key, table.space.key(ordinal)] = int(table.handled[ordinal])
                table.handle(ordinal, offset)
                table.failed.discard(ordinal)
                if table is state.table:
                    state.start(run.run_id, ordinal)
                changes.touched.add(state.key)

    def spoke(
        self, asset: AssetState, event: e.AssetCheckEvaluated, key: str | None, offset: int, changes: Changes
    ) -> None:
        """A result for the partition `key`."""
        state = self.define(asset, event.check_name)
        table, ordinal = state.locate(key)
        if event.run_id is None:
            table.handle(ordinal, offset)
        elif table is state.table:
            state.settle(event.run_id, ordinal)
        if event.raised:
            table.failed.add(ordinal)
        else:
            table.materialized.add(ordinal)
            table.failed.discard(ordinal)
            table.updated(ordinal, offset, 0)
            if table is state.table:
                changes.update(state.key, ordinal, offset)
        changes.touched.add(state.key)

    def outdated(self, asset: AssetState, key: str | None, changes: Changes) -> None:
        """There is new data in a partition, which none of the asset's checks has seen."""
        for name in self._of_asset.get(asset.key, ()):
            state = self.states[name]
            table, ordinal = state.locate(key)
            table.materialized.discard(ordinal)
            changes.touched.add(state.key)

    def ended(self, run: RunState, step: StepState | None, *, failed: bool, changes: Changes) -> None:
        """A step of checks ended; one that failed without a result could not speak."""
        for (key, partition), _ in step.checks_handled_before.items() if step else ():
            state = self.states[key]
            table, ordinal = state.locate(partition)
            if failed and step is not None and table.update[ordinal] < step.offset:
                table.failed.add(ordinal)
            if table is state.table:
                state.settle(run.run_id, ordinal)
            changes.touched.add(key)

    def run_ended(
        self, run: RunState, changes: Changes, *, cancelled_at: int | None = None, infrastructure: bool = False
    ) -> None:
        """A cancelled run has handled what it planned; one that infrastructure lost gives back what it had begun."""
        begun = {part: before for step in run.steps.values() for part, before in step.checks_handled_before.items()}
        for state, _ in self._planned_by(run):
            for ordinal in state.unmade.get(run.run_id, BitMap()):
                part = (state.key, state.table.space.key(ordinal))
                if cancelled_at is not None:
                    state.table.handle(ordinal, cancelled_at)
                elif infrastructure and part in begun:
                    state.table.handle(ordinal, begun[part])
            state.end(run.run_id)
            changes.touched.add(state.key)

    # ---- places ------------------------------------------------------------------------------------------------------

    def _planned_by(self, run: RunState) -> Iterator[tuple[AssetState, BitMap]]:
        """The checks of a run, each with the partitions that it will look at."""
        made = {target.asset_key: target.partitions for target in run.targets}
        for check in run.checks:
            asset = self._assets.get(check.asset_key)
            if asset is None:
                continue
            state = self.define(asset, check.name)
            if check.asset_key in made:
                yield state, state.ordinals(made[check.asset_key])
            else:
                places = self._places((check.asset_key, check.name, check.partition))
                yield state, BitMap([ordinal for _, table, ordinal in places if table is state.table])

    def _places(self, part: CheckPart) -> Iterator[tuple[AssetState, PartitionTable, int]]:
        """Where a check of one partition is kept; of the whole of a partitioned asset, in every partition there is."""
        asset_key, name, partition = part
        asset = self._assets.get(asset_key)
        if asset is None:
            return
        state = self.define(asset, name)
        table, ordinal = state.locate(partition)
        if partition is None and table is not state.table:
            for there in asset.table.there():
                yield state, state.table, there
        else:
            yield state, table, ordinal
