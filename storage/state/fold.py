"""State: everything that is so, as a fold over the log. `apply` takes one stored event, and nothing but events
changes it.

No clock, no I/O, no randomness: folding the same events gives the same State, in one go or in pieces. The one thing
that comes from outside is the bytes of definitions, which `DefinitionsLoaded` names by their hash.

How an update becomes visible to automation (SEMANTICS part 1), numbered at the branches below:
1. made by a run that will still evaluate blocking checks on it, or behind a shut gate: *held*;
2. otherwise *released*: U and W are set, what it blocked is free, and a change is noted for the next tick;
3. the last outstanding check passes: released;
4. a gate opens, because a check that had failed passes: released, whether or not there is a newer materialisation;
5. its run ends without having evaluated the checks: released, if the gate is open.

In cases 3 to 5 U is the offset of the event that released it, not that of the materialisation: a downstream step that
started in between was not handed the partition, and has to be built again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from .. import events as e
from .assets import AssetState, Held, PartitionTable, Setback
from .automation import AutomationState
from .backfills import Backfills
from .changes import Changes
from .checks import CheckStates
from .memory import SEEN, Memory, Told, whose
from .ordinals import OrdinalSpace, Spaces
from .provenance import MadeWith
from .runs import Part, RunNotes, RunState, StepState
from .switches import Switches

MAX_SETBACKS = 3  # attempts lost in a row to infrastructure before the partition counts as failed (SEMANTICS 2g)


class Stored(Protocol):
    """What the fold reads of a stored event."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def event(self) -> e.Event: ...


class LastTick:
    """Where automation stands: through which offset and when the last tick was, and what it requested."""

    def __init__(self) -> None:
        self.through: int = 0
        self.at: datetime | None = None
        self.requested: dict[str, BitMap] = {}


class State:
    """The fold. Readers look at its attributes; only `apply` changes them."""

    def __init__(self, definitions_bytes: Callable[[str], bytes]) -> None:
        self._definitions_bytes = definitions_bytes
        self._is_pinned = False
        self.through: int = 0
        self.timestamp: int = 0
        self.term = 0
        self.definitions: DefinitionsSnapshot | None = None
        self.definitions_hash = ""
        self.definitions_errors: tuple[str, ...] = ()
        self.spaces: Spaces = Spaces()
        self.assets: dict[str, AssetState] = {}
        self.checks: CheckStates = CheckStates(self.assets)
        self.runs: dict[str, RunState] = {}
        self.run_notes: RunNotes = RunNotes()
        self.backfills: Backfills = Backfills(self.asset)
        self.memory: Memory = Memory()
        self.automation: AutomationState = AutomationState()
        self.switches: Switches = Switches()
        self.last_tick: LastTick = LastTick()
        self.changes: Changes = Changes()
        self._blocks: dict[Part, set[Part]] = {}
        self._known: dict[str, Mapping[str, AssetSnapshot]] = {"": {}}
        """The assets of definitions by hash: those in force, and others that unfinished runs were planned under."""
        self._dynamic_readers: dict[str, list[str]] = {}
        """Per name of dynamic partitions, the assets that have them, alone or beside other dimensions."""
        self._handlers = {
            e.DaemonStarted: self._daemon_started,
            e.DefinitionsLoaded: self._definitions_loaded,
            e.DefinitionsFailed: self._definitions_failed,
            e.AssetMaterialized: self._materialized,
            e.AssetObserved: self._observed,
            e.AssetCheckEvaluated: self._check_evaluated,
            e.AssetWiped: self._wiped,
            e.DynamicPartitionsAdded: self._dynamic_partitions_changed,
            e.DynamicPartitionsDeleted: self._dynamic_partitions_changed,
            e.FreshnessChanged: self._freshness_changed,
            e.RunRequested: self._run_requested,
            e.RunStarted: self._run_started,
            e.RunTagged: self._run_tagged,
            e.RunSucceeded: self._run_succeeded,
            e.RunFailed: self._run_failed,
            e.RunCancelled: self._run_cancelled,
            e.StepStarted: self._step_started,
            e.StepSucceeded: self._step_succeeded,
            e.StepFailed: self._step_failed,
            e.StepSkipped: self._step_skipped,
            e.BackfillRequested: self._backfill_requested,
            e.BackfillSkipped: self._backfill_skipped,
            e.BackfillEnded: self._backfill_ended,
            e.Tick: self._tick,
            e.SensorEvaluated: lambda event, stored: self.automation.sensor_evaluated(event),
            e.ScheduleEvaluated: lambda event, stored: self.automation.schedule_evaluated(event),
            e.SensorSwitched: lambda event, stored: self.automation.sensor_switched(event, offset=stored.offset),
            e.ScheduleSwitched: lambda event, stored: self.automation.schedule_switched(
                event, timestamp=stored.timestamp
            ),
            e.AutomationSwitched: self._automation_switched,
            e.SensorCursorSet: lambda event, stored: self.automation.cursor_set(event, offset=stored.offset),
        }

    @classmethod
    def empty(cls, definitions_bytes: Callable[[str], bytes]) -> State:
        """The state before the first event. `definitions_bytes` gives the bytes stored under a definitions hash."""
        return cls(definitions_bytes)

    @classmethod
    def pinned(cls, definitions: DefinitionsSnapshot) -> State:
        """The state before the first event, which sees all events under `definitions`, whatever the log's own are."""
        state = cls(lambda digest: definitions.to_bytes())
        state.definitions, state.definitions_hash, state._is_pinned = definitions, definitions.hash, True
        return state

    def apply(self, stored: Stored) -> None:
        assert stored.offset == self.through + 1, f"offset {stored.offset} applied after {self.through}"
        handler = self._handlers.get(type(stored.event))
        if handler is not None:
            handler(stored.event, stored)  # type: ignore[arg-type]
        self.through, self.timestamp = stored.offset, stored.timestamp

    def waiting_for(self) -> dict[str, set[str]]:
        """By asset, the assets of which something waits until it updates or passes."""
        waiting: dict[str, set[str]] = {}
        for (blocker, _), parts in self._blocks.items():
            waiting.setdefault(blocker, set()).update(key for key, _ in parts)
        return waiting

    def take_changes(self) -> Changes:
        """What changed since the last call."""
        changes, self.changes = self.changes, Changes()
        return changes

    def asset(self, key: str) -> AssetState:
        """The state of an asset, made now if nothing was known of it; or that of a check, by the key of its node."""
        state = self.assets.get(key) or self.checks.get(key)
        if state is None:
            state = self.assets[key] = AssetState(key, self._space_of(key))
            self._mark_observable(state)
        return state

    def space(self, key: str) -> OrdinalSpace:
        return self.asset(key).table.space

    # ---- definitions and the daemon ----------------------------------------------------------------------------------

    def _space_of(self, key: str) -> OrdinalSpace | None:
        definition = self.definitions.assets.get(key) if self.definitions else None
        return self.spaces.of(definition.partitions) if definition else None

    def _daemon_started(self, event: e.DaemonStarted, stored: Stored) -> None:
        self.term: int = event.term

    def _definitions_loaded(self, event: e.DefinitionsLoaded, stored: Stored) -> None:
        self.definitions_errors = ()
        if self._is_pinned:
            return
        self.look_up_definitions(event.hash)
        assert self.definitions is not None
        for key in [*self.assets, *(k for k in self.definitions.assets if k not in self.assets)]:
            asset = self.asset(key)
            old = asset.table.space
            asset.move_to_space(self._space_of(key))
            self._mark_observable(asset)
            if asset.table.space is not old:
                self.memory.renumber(key, old, asset.table.space)
                self.changes.renumber(key, old, asset.table.space)
        self._define_checks(self.definitions)
        for key, defined in self.definitions.assets.items():
            blocking = {check.name for check in defined.checks if check.blocking}
            self._drop_gates(self.asset(key), blocking, stored.offset)
            self._note_code_version(self.asset(key), defined.code_version, stored.offset)
            if defined.freshness is None:
                self.asset(key).freshness = None
        evaluated = {
            k for k, a in self.definitions.evaluated.assets.items() if a.condition is not None and a.has_function
        }
        self.memory.forget_seen(keep=evaluated)
        self.automation.load(self.definitions, offset=stored.offset, timestamp=stored.timestamp)
        self.changes.definitions = True

    def look_up_definitions(self, digest: str) -> None:
        """Take the definitions that are stored under a hash as those in force, and what follows from them alone."""
        self.definitions = self.automation.definitions = DefinitionsSnapshot.from_bytes(self._definitions_bytes(digest))
        self.definitions_hash: str = digest
        self._known = {"": {}, digest: self.definitions.assets}
        self._dynamic_readers = {}
        for key, defined in self.definitions.assets.items():
            for name in defined.partitions.dynamic_names if defined.partitions else ():
                self._dynamic_readers.setdefault(name, []).append(key)

    def _define_checks(self, definitions: DefinitionsSnapshot) -> None:
        """Number the partitions of all checks as those of their assets now are, also of assets that are gone."""
        for key in [*definitions.assets, *(k for k in self.checks.asset_keys() if k not in definitions.assets)]:
            defined = definitions.assets.get(key)
            for check in defined.checks if defined else ():
                self.checks.define(self.asset(key), check.name)
            for state in self.checks.of_asset(key):
                old = state.table.space
                state.move_to_space(self._space_of(key))
                if state.table.space is not old:
                    self.memory.renumber(state.key, old, state.table.space)
                    self.changes.renumber(state.key, old, state.table.space)

    def _drop_gates(self, asset: AssetState, blocking: set[str], offset: int) -> None:
        """A check that is no blocking check any more holds no gate: what it alone kept back is released (case 4)."""
        table = asset.table
        gone = [table.check_failed.pop(name) for name in list(table.check_failed) if name not in blocking]
        for ordinal in BitMap.union(*gone) if gone else ():
            held = table.held.get(ordinal)
            if not table.is_shut(ordinal) and not (held and held.outstanding):
                self._release(asset, table, ordinal, offset, held.made_from if held else int(table.made_from[ordinal]))

    def _note_code_version(self, asset: AssetState, declared: str | None, offset: int) -> None:
        """Another code version than before is a change; one where there was none is not."""
        if asset.code_version is not None and asset.code_version != declared:
            self.changes.code_changed[asset.key] = offset
        asset.code_version = declared

    def _mark_observable(self, asset: AssetState) -> None:
        definition = self.definitions.assets.get(asset.key) if self.definitions else None
        asset.table.observable = definition is not None and definition.observable

    def _definitions_failed(self, event: e.DefinitionsFailed, stored: Stored) -> None:
        self.definitions_errors = event.errors

    def _dynamic_partitions_changed(
        self, event: e.DynamicPartitionsAdded | e.DynamicPartitionsDeleted, stored: Stored
    ) -> None:
        """Keys came to exist in every asset that has these partitions, or vanished there with all that is known."""
        changed = self.spaces.note(event)
        if not changed:
            return
        self.changes.keys_changed(event.name, changed, added=isinstance(event, e.DynamicPartitionsAdded))
        self.changes.touched.update(self._dynamic_readers.get(event.name, ()))

    # ---- updates and their release -----------------------------------------------------------------------------------

    def _materialized(self, event: e.AssetMaterialized, stored: Stored) -> None:
        asset = self.asset(event.asset_key)
        table, ordinal = asset.locate(event.partition)
        run = self.runs.get(event.run_id or "")
        step = run.steps.get(event.step_key or "") if run else None
        asset.made_at = stored.timestamp
        table.materialized.add(ordinal)
        table.failed.discard(ordinal)
        table.setbacks.pop(ordinal, None)
        if event.data_version is not None:
            table.versions[ordinal] = event.data_version
        if event.origin == "file" and event.data_version is not None:
            path = event.metadata.get("path")
            asset.files[str(path["value"] if isinstance(path, dict) else path)] = event.data_version
        self.checks.outdated(asset, event.partition, self.changes)
        if event.origin != "step":
            table.handle(ordinal, stored.offset)
            table.blocked.pop(ordinal, None)
        if run and table is asset.table:
            asset.settle(run.run_id, ordinal)
            if run.backfill_id is not None:
                self.backfills.make(run.backfill_id, asset, ordinal)
        outstanding = run.blocking_checks(event.asset_key) if run else set()
        made_from = step.offset if step else 0
        table.provenance.updated(
            ordinal, at=stored.offset, read_at=made_from or stored.offset, version=event.data_version
        )
        table.provenance.made_by(ordinal, self._made_with(event, run) if event.origin == "step" else None)
        table.note_run(ordinal, self.run_notes.of(run) if run else None)
        if outstanding or table.is_shut(ordinal):
            table.held[ordinal] = Held(made_from, event.run_id, outstanding)  # case 1
            self.changes.touched.add(asset.key)
        else:
            self._release(asset, table, ordinal, stored.offset, made_from)  # case 2

    def _made_with(self, event: e.AssetMaterialized, run: RunState | None) -> MadeWith:
        """The code version of a step and the dependencies of its asset, as the definitions of its run have them."""
        asset = self._definitions_of(run).get(event.asset_key)
        return event.code_version, None if asset is None else tuple(dep.key for dep in asset.deps)

    def _definitions_of(self, run: RunState | None) -> Mapping[str, AssetSnapshot]:
        """The assets under which a run was planned; none where their bytes are not at hand."""
        digest = run.definitions if run else ""
        if digest not in self._known:
            try:
                self._known[digest] = DefinitionsSnapshot.from_bytes(self._definitions_bytes(digest)).assets
            except LookupError:
                self._known[digest] = {}
        return self._known[digest]

    def _observed(self, event: e.AssetObserved, stored: Stored) -> None:
        asset = self.asset(event.asset_key)
        table, ordinal = asset.locate(event.partition)
        if ordinal not in table.observed:
            table.observed.add(ordinal)
            self.changes.touched.add(asset.key)
        if event.data_version is None or table.versions.get(ordinal) == event.data_version:
            return
        table.versions[ordinal] = event.data_version
        self.checks.outdated(asset, event.partition, self.changes)
        table.provenance.updated(ordinal, at=stored.offset, read_at=stored.offset, version=event.data_version)
        run = self.runs.get(event.run_id or "")
        table.note_run(ordinal, self.run_notes.of(run) if run else None)
        if table.is_shut(ordinal):
            table.held[ordinal] = Held(0, event.run_id, set())
            self.changes.touched.add(asset.key)
        else:
            self._release(asset, table, ordinal, stored.offset, 0)

    def _release(self, asset: AssetState, table: PartitionTable, ordinal: int, position: int, made_from: int) -> None:
        table.held.pop(ordinal, None)
        is_same = not table.provenance.has_changed(ordinal, int(table.update[ordinal]))
        table.updated(ordinal, position, made_from)
        self.changes.touched.add(asset.key)
        if table is asset.table:
            note = table.run_note(ordinal)
            self.changes.update(asset.key, ordinal, position, same_data=is_same, tags=note and note[1])
        self._unblock((asset.key, table.space.key(ordinal)))

    def _unblock(self, blocker: Part) -> None:
        """What waited for this upstream alone is free to be requested."""
        for key, partition in self._blocks.pop(blocker, ()):
            table, ordinal = self.asset(key).locate(partition)
            blockers = table.blocked.get(ordinal, set())
            blockers.discard(blocker)
            if not blockers and table.blocked.pop(ordinal, None) is not None:
                self.changes.touched.add(key)

    def _check_evaluated(self, event: e.AssetCheckEvaluated, stored: Stored) -> None:
        asset = self.asset(event.asset_key)
        table, ordinal = asset.locate(event.partition)
        everything = event.partition is None and table is not asset.table
        places = [(asset.table, n) for n in asset.table.there()] if everything else [(table, ordinal)]
        for place in places:
            self._spoke(asset, *place, event, stored)
        self.changes.touched.add(asset.key)

    def _spoke(
        self, asset: AssetState, table: PartitionTable, ordinal: int, event: e.AssetCheckEvaluated, stored: Stored
    ) -> None:
        self.checks.spoke(asset, event, table.space.key(ordinal), stored.offset, self.changes)
        result = "passed" if event.passed else "warned" if event.severity == "WARN" else "failed"
        results = table.check_last.setdefault(event.check_name, {})
        for bits in results.values():
            bits.discard(ordinal)
        results.setdefault(result, BitMap()).add(ordinal)
        was_shut = table.is_shut(ordinal)
        if event.blocking and result == "failed":
            table.check_failed.setdefault(event.check_name, BitMap()).add(ordinal)
        elif event.check_name in table.check_failed:
            table.check_failed[event.check_name].discard(ordinal)
        held = table.held.get(ordinal)
        if held is not None and held.run_id == event.run_id:
            held.outstanding.discard(event.check_name)
        if table.is_shut(ordinal) or (held is not None and held.outstanding):
            return
        if held is not None or was_shut:  # cases 3 and 4
            made_from = held.made_from if held else int(table.made_from[ordinal])
            self._release(asset, table, ordinal, stored.offset, made_from)

    def _wiped(self, event: e.AssetWiped, stored: Stored) -> None:
        """What is wiped is missing, as if it had never been made; an attempt under way goes on."""
        asset = self.asset(event.asset_key)
        for table in {id(t): t for t in (asset.table, asset.stray)}.values():
            bits = table.known()
            if event.partitions is not None:
                bits &= table.space.bits(event.partitions)
            table.forget(bits, under_way=asset.in_progress if table is asset.table else BitMap())
            for ordinal in bits:
                self.checks.outdated(asset, table.space.key(ordinal), self.changes)
        if event.partitions is None:
            asset.made_at, asset.freshness = 0, None
        self.changes.touched.add(asset.key)

    def _freshness_changed(self, event: e.FreshnessChanged, stored: Stored) -> None:
        self.asset(event.asset_key).freshness = event.state
        self.changes.touched.add(event.asset_key)

    # ---- runs --------------------------------------------------------------------------------------------------------

    def _run_requested(self, event: e.RunRequested, stored: Stored) -> None:
        if event.run_id in self.runs:
            return
        self.runs[event.run_id] = RunState(
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
            asset = self.asset(target.asset_key)
            asset.plan(event.run_id, asset.ordinals(target.partitions))
            self.changes.touched.add(asset.key)
        for check in event.checks:
            self.asset(check.asset_key)
        self.checks.planned(self.runs[event.run_id], self.changes)
        if event.backfill_id is not None:
            self.backfills.plan(event.backfill_id, event.run_id, event.targets)

    def _run_started(self, event: e.RunStarted, stored: Stored) -> None:
        if run := self.runs.get(event.run_id):
            run.started = True

    def _run_tagged(self, event: e.RunTagged, stored: Stored) -> None:
        if run := self.runs.get(event.tagged_run):
            run.tags, run.note = {**run.tags, **event.tags}, None

    def _parts(self, targets: tuple[e.Target, ...]) -> Iterator[tuple[AssetState, PartitionTable, int]]:
        """Each partition of `targets`, where it is kept."""
        for target in targets:
            asset = self.asset(target.asset_key)
            bits = asset.ordinals(target.partitions)
            for ordinal in bits:
                yield asset, asset.table, ordinal
            if not bits:
                for key in [None] if target.partitions is None else [first for first, _ in target.partitions]:
                    yield asset, *asset.locate(key)

    def _step_started(self, event: e.StepStarted, stored: Stored) -> None:
        run = self.runs.get(event.run_id)
        if run is None:
            return
        run.started = True
        checks = [(check.asset_key, check.name, check.partition) for check in event.checks]
        if event.check_name:
            checks = [(event.asset_key or "", event.check_name, event.partition)]
        earlier = run.steps.get(event.step_key)  # an attempt of it that failed and is tried again
        step = run.steps[event.step_key] = StepState(stored.offset, checks=tuple(checks))
        self.checks.started(run, step, stored.offset, self.changes)
        for asset, table, ordinal in self._parts(event.targets):
            part = (asset.key, table.space.key(ordinal))
            before = int(table.handled[ordinal])
            step.handled_before[part] = earlier.handled_before.get(part, before) if earlier else before
            table.handle(ordinal, stored.offset)
            table.chosen[ordinal] = event.read_through or 0
            table.blocked.pop(ordinal, None)
            table.failed.discard(ordinal)
            if table is asset.table:
                asset.start(run.run_id, ordinal)
            self.changes.touched.add(asset.key)
        if event.read_through is not None:
            self._owe(event.targets, event.inputs, since=event.read_through, started=stored.offset)

    def _owe(self, targets: tuple[e.Target, ...], deps: Iterable[str], *, since: int, started: int) -> None:
        """What was updated after the keys had been chosen that a step is handed is owed to the step's assets."""
        for dep in deps:
            places = self.asset(dep).table.updated_after(since, until=started)
            for asset, table, ordinal in self._parts(targets) if places else ():
                if table is asset.table:
                    owed = self.changes.owed.setdefault(asset.key, {}).setdefault(dep, [])
                    owed += [(place, started + 0.5, ordinal) for place in places]

    def _settle(self, run: RunState, step_key: str) -> list[tuple[AssetState, PartitionTable, int]]:
        """A step ended: its targets are no longer in progress; returns where they are kept."""
        step = run.steps.pop(step_key, None)
        places = []
        for key, partition in step.handled_before if step else ():
            asset = self.asset(key)
            table, ordinal = asset.locate(partition)
            if table is asset.table:
                asset.settle(run.run_id, ordinal)
            places.append((asset, table, ordinal))
            self.changes.touched.add(key)
        return places

    def _step_succeeded(self, event: e.StepSucceeded, stored: Stored) -> None:
        if run := self.runs.get(event.run_id):
            self.checks.ended(run, run.steps.get(event.step_key), failed=False, changes=self.changes)
            self._settle(run, event.step_key)

    def _step_failed(self, event: e.StepFailed, stored: Stored) -> None:
        if run := self.runs.get(event.run_id):
            step = run.steps.get(event.step_key)
            self.checks.ended(run, step, failed=True, changes=self.changes)
            started = step.offset if step else -1
            for asset, table, ordinal in self._settle(run, event.step_key):
                held = table.held.get(ordinal)
                if started in (table.made_from[ordinal], held.made_from if held else -1):
                    continue  # it was made; what failed is a check that the same function evaluates
                table.failed.add(ordinal)
                table.setbacks.pop(ordinal, None)
                run.failed.append((asset.key, table.space.key(ordinal)))

    def _step_skipped(self, event: e.StepSkipped, stored: Stored) -> None:
        run = self.runs.get(event.run_id)
        if run is None:
            return
        blockers = {(asset.key, table.space.key(ordinal)) for asset, table, ordinal in self._parts(event.blocked_by)}
        started = run.steps.get(event.step_key)
        for asset, table, ordinal in self._parts(event.targets):
            if started is not None:
                self._not_tried(started, asset, table, ordinal)
            if table is asset.table:
                asset.settle(run.run_id, ordinal)
            if blockers:
                table.blocked[ordinal] = set(blockers)
                for blocker in blockers:
                    self._blocks.setdefault(blocker, set()).add((asset.key, table.space.key(ordinal)))
            self.changes.touched.add(asset.key)

    def _not_tried(self, step: StepState, asset: AssetState, table: PartitionTable, ordinal: int) -> None:
        """A part of a step that failed before it came to this part: its H is what it was before."""
        before = step.handled_before.pop((asset.key, table.space.key(ordinal)), None)
        if before is not None and table.handled[ordinal] == step.offset:  # else a report came meanwhile
            table.handle(ordinal, before)

    def _run_succeeded(self, event: e.RunSucceeded, stored: Stored) -> None:
        self._end_run(event.run_id, stored.offset)

    def _run_cancelled(self, event: e.RunCancelled, stored: Stored) -> None:
        for asset, ordinal in self._owed(event.run_id):
            asset.table.handle(ordinal, stored.offset)
            asset.table.setbacks.pop(ordinal, None)
        self._end_run(event.run_id, stored.offset, cancelled=True)

    def _run_failed(self, event: e.RunFailed, stored: Stored) -> None:
        run = self.runs.get(event.run_id)
        if run and event.infrastructure:
            self._set_back(run, stored)
        self._end_run(event.run_id, stored.offset, infrastructure=event.infrastructure)

    def _set_back(self, run: RunState, stored: Stored) -> None:
        """Nobody's code is to blame: H goes back, and the partitions are asked for again; at most 3 times in a row."""
        started = {part: step for step in run.steps.values() for part in step.handled_before}
        for asset, ordinal in self._owed(run.run_id):
            table = asset.table
            setback = table.setbacks.setdefault(ordinal, Setback())
            setback.count, setback.at = setback.count + 1, stored.timestamp
            part = (asset.key, table.space.key(ordinal))
            if setback.count > MAX_SETBACKS:
                table.failed.add(ordinal)
                table.setbacks.pop(ordinal)
                table.handle(ordinal, int(table.handled[ordinal]) if part in started else stored.offset)
            elif part in started and table.handled[ordinal] == started[part].offset:  # else a report came meanwhile
                table.handle(ordinal, started[part].handled_before[part])

    def _owed(self, run_id: str) -> list[tuple[AssetState, int]]:
        """The partitions that the run planned and has neither made nor given up."""
        run = self.runs.get(run_id)
        assets = [self.asset(target.asset_key) for target in run.targets] if run else []
        return [(asset, ordinal) for asset in assets for ordinal in asset.unmade.get(run_id, ())]

    def _end_run(self, run_id: str, offset: int, *, cancelled: bool = False, infrastructure: bool = False) -> None:
        run = self.runs.pop(run_id, None)
        if run is None:
            return
        self.checks.run_ended(
            run, self.changes, cancelled_at=offset if cancelled else None, infrastructure=infrastructure
        )
        for key in {target.asset_key for target in run.targets}:
            asset = self.asset(key)
            asset.end(run_id)
            self.changes.touched.add(key)
            for table in {id(t): t for t in (asset.table, asset.stray)}.values():
                for ordinal in [n for n, held in table.held.items() if held.run_id == run_id]:
                    held = table.held[ordinal]
                    held.outstanding.clear()
                    if not table.is_shut(ordinal):
                        self._release(asset, table, ordinal, offset, held.made_from)  # case 5
        self.backfills.end_run(run, infrastructure=infrastructure)

    # ---- backfills ---------------------------------------------------------------------------------------------------

    def _backfill_requested(self, event: e.BackfillRequested, stored: Stored) -> None:
        self.backfills.request(event, offset=stored.offset, at=stored.timestamp)
        self.changes.touched.update(target.asset_key for target in event.targets)

    def _backfill_skipped(self, event: e.BackfillSkipped, stored: Stored) -> None:
        self.backfills.skip(event)
        self.changes.touched.update(target.asset_key for target in event.targets)
        if event.reason in ("upstream_failed", "check_failed"):
            for key, ordinal, blockers in self.backfills.blockers(event, self.definitions, self.spaces):
                table = self.asset(key).table
                part = key, table.space.key(ordinal)
                table.blocked[ordinal] = table.blocked.get(ordinal, set()) | blockers
                for blocker in blockers:
                    self._blocks.setdefault(blocker, set()).add(part)

    def _backfill_ended(self, event: e.BackfillEnded, stored: Stored) -> None:
        self.changes.touched.update(self.backfills.end(event.backfill_id))

    # ---- automation --------------------------------------------------------------------------------------------------

    def _automation_switched(self, event: e.AutomationSwitched, stored: Stored) -> None:
        self.switches.switched(event, offset=stored.offset)
        self.changes.switched = True

    def _tick(self, event: e.Tick, stored: Stored) -> None:
        self.last_tick.through, self.last_tick.at = event.through, event.at
        told = Told(event)
        for delta in event.memory:
            mark = delta.node.startswith(SEEN)
            if mark and delta.added and event.definitions != self.definitions_hash:
                continue  # evaluated under definitions that were replaced while the tick was written
            space = Spaces.WHOLE if mark else self.space(whose(delta.asset_key, delta.node))
            self.memory.apply(delta, told.added_by(delta, space), space)
        self.last_tick.requested = {}
        at = int(event.at.astimezone(UTC).timestamp() * 1_000_000)
        for decision in event.decisions:
            if decision.along_with or decision.dry_run:
                continue
            table = self.asset(decision.asset_key).table
            bits = self.last_tick.requested[decision.asset_key] = table.space.bits(decision.partitions)
            table.asked.ask(at, told.causes_of(decision, table.space).within(bits))
