"""State: everything that is so, as a fold over the log. `apply` takes one stored event, and nothing but events
changes it.

No clock, no I/O, no randomness: folding the same events gives the same State, in one go or in pieces. The one thing
that comes from outside is the bytes of definitions, which `DefinitionsLoaded` names by their hash.

How each kind of event is taken stands in modules of its own: `redefining.py`, `updating.py`, `running.py`,
`stepping.py`, `ticking.py`. A function there is given State, the event, and what is stored with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from .. import events as e
from . import redefining, running, stepping, ticking, updating
from .assets import AssetState, PartitionTable
from .automation import AutomationState
from .backfills import Backfills
from .changes import Changes
from .checks import CheckStates
from .conditions import ConditionAnswers
from .memory import Memory
from .ordinals import OrdinalSpace, Spaces
from .runs import Part, RunNotes, RunState
from .switches import Switches


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
        self.definitions_bytes = definitions_bytes
        self.is_pinned = False
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
        self.run_notes: RunNotes = RunNotes(self._notes_in_use)
        self.backfills: Backfills = Backfills(self.asset)
        self.memory: Memory = Memory()
        self.automation: AutomationState = AutomationState()
        self.switches: Switches = Switches()
        self.conditions: ConditionAnswers = ConditionAnswers()
        self.last_tick: LastTick = LastTick()
        self.changes: Changes = Changes()
        self.blocks: dict[str, dict[str | None, set[Part]]] = {}
        """By asset and partition, what waits until it updates or passes."""
        self.known: dict[str, Mapping[str, AssetSnapshot]] = {"": {}}
        """The assets of definitions by hash: those in force, and others that unfinished runs were planned under."""
        self.dep_keys: dict[tuple[str, str], tuple[str, ...] | None] = {}
        """The keys of the dependencies of an asset under the definitions of a hash, of those that were asked for."""
        self.dynamic_readers: dict[str, list[str]] = {}
        """Per name of dynamic partitions, the assets that have them, alone or beside other dimensions."""

    @classmethod
    def empty(cls, definitions_bytes: Callable[[str], bytes]) -> State:
        """The state before the first event. `definitions_bytes` gives the bytes stored under a definitions hash."""
        return cls(definitions_bytes)

    @classmethod
    def pinned(cls, definitions: DefinitionsSnapshot) -> State:
        """The state before the first event, which sees all events under `definitions`, whatever the log's own are."""
        state = cls(lambda digest: definitions.to_bytes())
        state.definitions, state.definitions_hash, state.is_pinned = definitions, definitions.hash, True
        return state

    def apply(self, stored: Stored) -> None:
        assert stored.offset == self.through + 1, f"offset {stored.offset} applied after {self.through}"
        handler = HANDLERS.get(type(stored.event))
        if handler is not None:
            handler(self, stored.event, stored)
        self.through, self.timestamp = stored.offset, stored.timestamp

    def apply_all(self, several: Iterable[Stored]) -> None:
        """`apply` of each, in order, for whoever folds history: a loop of its own, without the calls."""
        through, handlers = self.through, HANDLERS
        for stored in several:
            through += 1
            assert stored.offset == through, f"offset {stored.offset} applied after {through - 1}"
            event = stored.event
            handler = handlers.get(type(event))
            if handler is not None:
                handler(self, event, stored)
            self.through, self.timestamp = through, stored.timestamp

    def touch(self, asset: AssetState, table: PartitionTable, ordinal: int) -> None:
        """Something changed in one partition, which is kept in this table of the asset."""
        if table is asset.table:
            self.changes.touch(asset.key, ordinal)
        else:
            self.changes.touched.add(asset.key)

    def block(self, part: Part, *, blocker: Part) -> None:
        """Let a part wait until another one updates or passes."""
        key, partition = blocker
        self.blocks.setdefault(key, {}).setdefault(partition, set()).add(part)

    def unblock(self, blocker: Part) -> set[Part]:
        """What waited for a part, and does so no more."""
        key, partition = blocker
        waiting = self.blocks.get(key)
        if waiting is None or (parts := waiting.pop(partition, None)) is None:
            return set()
        if not waiting:
            del self.blocks[key]
        return parts

    def waiting_for(self, key: str) -> set[str]:
        """The assets of which something waits for something of an asset."""
        return {other for parts in self.blocks.get(key, {}).values() for other, _ in parts}

    def _notes_in_use(self) -> set[str]:
        states = [*self.assets.values(), *self.checks.states.values()]
        of_tables = {note for one in states for table in one.tables for note in table.made_in}
        return of_tables | {run.note for run in self.runs.values() if run.note is not None}

    def take_changes(self) -> Changes:
        """What changed since the last call."""
        changes, self.changes = self.changes, Changes()
        return changes

    def asset(self, key: str) -> AssetState:
        """The state of an asset, made now if nothing was known of it; or that of a check, by the key of its node."""
        state = self.assets.get(key) or self.checks.get(key)
        if state is None:
            state = self.assets[key] = AssetState(key, self.space_of(key))
            self.mark_observable(state)
        return state

    def space(self, key: str) -> OrdinalSpace:
        return self.asset(key).table.space

    def space_of(self, key: str) -> OrdinalSpace | None:
        """The space that the definitions give the partitions of an asset; None where they do not have it."""
        definition = self.definitions.assets.get(key) if self.definitions else None
        return self.spaces.of(definition.partitions) if definition else None

    def look_up_definitions(self, digest: str) -> None:
        """Take the definitions that are stored under a hash as those in force, and what follows from them alone."""
        self.definitions = self.automation.definitions = DefinitionsSnapshot.from_bytes(self.definitions_bytes(digest))
        self.definitions_hash: str = digest
        self.known = {"": {}, digest: self.definitions.assets}
        self.dep_keys = {}
        self.dynamic_readers = {}
        for key, defined in self.definitions.assets.items():
            for name in defined.partitions.dynamic_names if defined.partitions else ():
                self.dynamic_readers.setdefault(name, []).append(key)

    def mark_observable(self, asset: AssetState) -> None:
        """Whether what is observed of an asset exists as data follows from its definition."""
        definition = self.definitions.assets.get(asset.key) if self.definitions else None
        asset.table.observable = definition is not None and definition.observable


HANDLERS: dict[type[e.Event], Callable[[State, Any, Stored], None]] = {
    e.DaemonStarted: ticking.daemon_started,
    e.DefinitionsLoaded: redefining.definitions_loaded,
    e.DefinitionsFailed: redefining.definitions_failed,
    e.AssetMaterialized: updating.materialized,
    e.AssetObserved: updating.observed,
    e.AssetCheckEvaluated: updating.check_evaluated,
    e.AssetWiped: updating.wiped,
    e.DynamicPartitionsAdded: redefining.dynamic_partitions_changed,
    e.DynamicPartitionsDeleted: redefining.dynamic_partitions_changed,
    e.FreshnessChanged: updating.freshness_changed,
    e.RunRequested: running.run_requested,
    e.RunStarted: running.run_started,
    e.RunTagged: running.run_tagged,
    e.RunSucceeded: running.run_succeeded,
    e.RunFailed: running.run_failed,
    e.RunCancelled: running.run_cancelled,
    e.StepStarted: stepping.step_started,
    e.StepSucceeded: stepping.step_succeeded,
    e.StepFailed: stepping.step_failed,
    e.StepSkipped: stepping.step_skipped,
    e.BackfillRequested: ticking.backfill_requested,
    e.BackfillSkipped: ticking.backfill_skipped,
    e.BackfillEnded: ticking.backfill_ended,
    e.Tick: ticking.tick,
    e.SensorEvaluated: lambda state, event, stored: state.automation.sensor_evaluated(event),
    e.ScheduleEvaluated: lambda state, event, stored: state.automation.schedule_evaluated(event),
    e.SensorSwitched: ticking.sensor_switched,
    e.ScheduleSwitched: lambda state, event, stored: state.automation.schedule_switched(
        event, timestamp=stored.timestamp
    ),
    e.AutomationSwitched: ticking.automation_switched,
    e.ConditionEvaluated: ticking.condition_evaluated,
    e.SensorCursorSet: lambda state, event, stored: state.automation.cursor_set(event, offset=stored.offset),
}
"""How each type of event is taken. Those that are missing change nothing."""
