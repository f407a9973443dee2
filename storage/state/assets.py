"""What is known of one asset's partitions: updates, attempts, gates, and what waits for what.

Per partition, a pure fold that needs no definitions (SEMANTICS part 2): `update` U, the offset of the last released
update; `made_from` W, the offset of the StepStarted of the step that made it; `handled` H, handled through. Everything
else here is sets of partitions.

Keys that the asset's space does not know (it was partitioned otherwise, or nothing defines it) live in a second table,
`stray`, so that a definition which comes back finds its history.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyroaring import BitMap

from ..events import KeyRanges
from .asked import Asked
from .ordinals import KeyedSpace, OrdinalSpace
from .positions import Column
from .provenance import Provenance
from .rare import NOTHING, dropped, noted, nothing
from .recent import RECENT, Recent

if TYPE_CHECKING:
    from .backfills import BackfillProgress

NOWHERE = BitMap()  # what is planned of most assets at most times: one object for all, never changed
MOST_NOTES = 64  # of runs kept of one asset: what was made by a run before those counts as made by no run


@dataclass(slots=True)
class Held:
    """An update that automation may not see yet: blocking checks of its own run are outstanding, or its gate is
    shut."""

    made_from: int
    run_id: str | None
    outstanding: set[str]


@dataclass(slots=True)
class Setback:
    """Attempts of one partition that ended, in a row, without its code being to blame."""

    count: int = 0
    at: int = 0
    """Microseconds UTC of the last one."""


@dataclass(slots=True)
class PartitionTable:
    """The columns of one asset in one ordinal space."""

    space: OrdinalSpace
    update: Column = field(default_factory=Column)
    made_from: Column = field(default_factory=Column)
    handled: Column = field(default_factory=Column)
    chosen: Column = field(default_factory=Column)
    """Through which offset the keys that the last attempt was handed had been chosen; 0 where it was handed none."""
    recent: Recent | None = None
    """The newest released updates in order; None where there was none yet."""
    asked: Asked = field(default_factory=Asked)
    handled_last: int = field(init=False)
    """No partition is handled through a later offset."""
    attempted: BitMap = field(default_factory=BitMap)
    """Where H > 0."""
    materialized: BitMap = field(default_factory=BitMap)
    observed: BitMap = field(default_factory=BitMap)
    observable: bool = False
    """Whether what was observed exists as data: so for an observable source, and not for a bare external asset."""
    failed: BitMap = field(default_factory=BitMap)
    blocked: dict[int, set[tuple[str, str | None]]] = field(default_factory=nothing)
    """Partitions whose attempt never started because of these upstream (asset, key)s."""
    check_failed: dict[str, BitMap] = field(default_factory=nothing)
    """Per blocking check, the partitions for which its last result is a failure of severity ERROR."""
    check_last: dict[str, dict[str, BitMap]] = field(default_factory=nothing)
    """Per check, the partitions whose last result is "passed", "warned" or "failed"."""
    held: dict[int, Held] = field(default_factory=nothing)
    setbacks: dict[int, Setback] = field(default_factory=nothing)
    versions: dict[int, str] = field(default_factory=nothing)
    """Data versions, where the maker gave one."""
    provenance: Provenance = field(default_factory=Provenance)
    made_in: dict[str, BitMap] = field(default_factory=nothing)
    """Per name of a run's note, what such a run made last; at most MOST_NOTES, those that were used last."""

    def note_run(self, ordinal: int, note: str | None) -> None:
        """The newest data of a partition was made by a run of this note; None: by no run."""
        before = self.run_note(ordinal)
        if before is not None and before != note:
            bits = self.made_in[before]
            bits.discard(ordinal)
            if not bits:
                del self.made_in[before]
        if note is not None:
            bits = self.made_in.pop(note, None) or BitMap()
            bits.add(ordinal)
            self.made_in = noted(self.made_in, note, bits)
            if len(self.made_in) > MOST_NOTES:
                del self.made_in[next(iter(self.made_in))]

    def run_note(self, ordinal: int) -> str | None:
        for note, bits in self.made_in.items():
            if ordinal in bits:
                return note
        return None

    def __post_init__(self) -> None:
        self.handled_last = int(self.handled.largest())

    def updated(self, ordinal: int, position: int, made_from: int) -> None:
        """A released update."""
        self.update[ordinal], self.made_from[ordinal] = position, made_from
        if self.recent is None:
            self.recent = Recent()
        self.recent.append(position, ordinal)

    def updated_after(self, since: int, *, until: int) -> list[int]:
        """The partitions with a released update in (since, until]. The newest updates are at hand; further back, each
        partition has to be looked at."""
        if self.recent is None:
            return []
        if self.recent.reaches(since):
            return sorted(self.recent.between(since, until))
        return [ordinal for ordinal, position in self.update.items() if since < position <= until]

    def handle(self, ordinal: int, through: int) -> None:
        """H of one partition becomes `through`, up or (for an attempt that did not count) down."""
        self.handled[ordinal] = through
        if through > self.handled_last:
            self.handled_last = through
        if through:
            self.attempted.add(ordinal)
        else:
            self.attempted.discard(ordinal)

    def forget(self, bits: BitMap, *, under_way: BitMap) -> None:
        """These partitions were wiped: all that is known of them goes, but for the read horizon of attempts
        `under_way`."""
        for ordinal in bits:
            self.provenance.forget(ordinal)
            self.note_run(ordinal, None)
            self.update[ordinal] = self.made_from[ordinal] = 0
            if ordinal not in under_way:
                self.handle(ordinal, 0)
            for facts in (self.blocked, self.held, self.setbacks, self.versions):
                facts.pop(ordinal, None)  # type: ignore[arg-type]
        if self.recent is not None:
            self.recent = Recent(update for update in self.recent if update[1] not in bits) or None
        self.materialized -= bits
        self.observed -= bits
        self.failed -= bits
        for shut in self.check_failed.values():
            shut -= bits
        for results in self.check_last.values():
            for found in results.values():
                found -= bits

    def note_result(self, check: str, result: str, ordinal: int) -> None:
        """The last result of a check of this partition is `result`."""
        if (results := self.check_last.get(check)) is None:
            self.check_last = noted(self.check_last, check, results := {})
        for bits in results.values():
            bits.discard(ordinal)
        results.setdefault(result, BitMap()).add(ordinal)

    def shut_gate(self, check: str, ordinal: int) -> None:
        """A blocking check of this partition has failed."""
        if (bits := self.check_failed.get(check)) is None:
            self.check_failed = noted(self.check_failed, check, bits := BitMap())
        bits.add(ordinal)

    def shut(self) -> BitMap:
        """Partitions whose gate is closed: a blocking check failed and has not passed since."""
        return BitMap.union(*self.check_failed.values()) if self.check_failed else BitMap()

    def is_shut(self, ordinal: int) -> bool:
        return bool(self.check_failed) and any(ordinal in bits for bits in self.check_failed.values())

    def gated(self) -> BitMap:
        """Partitions that may not be read downstream: the gate is shut, or their newest update is still held."""
        return self.shut() | BitMap(self.held)

    def there(self) -> BitMap:
        """Partitions that exist as data: made, or, of an observable source, seen."""
        return self.materialized | self.observed if self.observable else self.materialized

    def readable(self) -> BitMap:
        """Partitions that exist as data and passed."""
        return self.there() - self.gated()

    def move_to(self, target: PartitionTable, ordinal: int, there: int) -> None:
        """Copy everything about one partition into another table."""
        target.handled_last = max(target.handled_last, self.handled_last)
        for name in ("update", "made_from", "handled", "chosen"):
            if value := getattr(self, name)[ordinal]:
                getattr(target, name)[there] = value
        for name in ("attempted", "materialized", "observed", "failed"):
            if ordinal in getattr(self, name):
                getattr(target, name).add(there)
        for name in ("blocked", "held", "setbacks", "versions"):
            if ordinal in getattr(self, name):
                setattr(target, name, noted(getattr(target, name), there, getattr(self, name)[ordinal]))
        self.provenance.move_to(target.provenance, ordinal, there)
        self.asked.copy_one(ordinal, target.asked, there)
        target.note_run(there, self.run_note(ordinal))
        for check, bits in self.check_failed.items():
            if ordinal in bits:
                target.shut_gate(check, there)
        for check, results in self.check_last.items():
            for result, bits in results.items():
                if ordinal in bits:
                    target.note_result(check, result, there)

    def known(self) -> BitMap:
        """Every partition about which there is anything to move."""
        columns = (self.update, self.made_from, self.handled)
        known = BitMap([ordinal for column in columns for ordinal, _ in column.items()])
        known |= self.asked.bits | self.attempted | self.materialized | self.observed | self.failed
        for facts in (self.blocked, self.held, self.setbacks, self.versions):
            known |= BitMap(facts)
        for results in self.check_last.values():
            known |= BitMap.union(*results.values())
        return known


class AssetState:
    """One asset: its table, the table of stray keys, and what unfinished runs and backfills have planned for it.

    Where nothing defines the asset, the two tables are one; where no key was ever stray, there is no second.
    """

    __slots__ = (
        "_pending",
        "_run_in_progress",
        "backfills",
        "code_version",
        "files",
        "freshness",
        "key",
        "made_at",
        "stray",
        "table",
        "unmade",
        "unstarted",
    )

    def __init__(self, key: str, space: OrdinalSpace | None = None) -> None:
        self.key: str = key
        self.table: PartitionTable = PartitionTable(KeyedSpace(stray_space(key)) if space is None else space)
        self.stray: PartitionTable | None = self.table if space is None else None
        self.files: dict[str, str] = NOTHING
        """The data version last recorded of each file that arrived, by path."""
        self.made_at: int = 0
        """Microseconds UTC of its newest materialisation, of whatever partition; 0 where there is none."""
        self.code_version: str | None = None
        """The one that the newest definitions declared which had the asset."""
        self.freshness: str | None = None
        """How it stands to its freshness policy (PASS, WARN or FAIL), where that has been said."""
        self.unstarted: dict[str, BitMap] = NOTHING
        """Per unfinished run, the partitions it planned and has not started (SEMANTICS 2c)."""
        self.unmade: dict[str, BitMap] = NOTHING
        """Per unfinished run, the partitions it planned and has neither made nor given up."""
        self.backfills: dict[str, BackfillProgress] = NOTHING
        """Per active backfill, how far it is with this asset."""
        self._pending: BitMap | None = None
        self._run_in_progress: BitMap | None = None

    def locate(self, key: str | None) -> tuple[PartitionTable, int]:
        """The table and the ordinal of a partition key; a key that the space does not know is numbered as stray."""
        ordinal = self.table.space.number(key)
        if ordinal is not None:
            return self.table, ordinal
        if self.stray is None:
            self.stray = PartitionTable(KeyedSpace(stray_space(self.key)))
        ordinal = self.stray.space.number(key)
        assert ordinal is not None, "a keyed space takes every key"
        return self.stray, ordinal

    def find(self, key: str | None) -> tuple[PartitionTable, int] | None:
        """Where a partition key is kept; None where nothing is known of it."""
        found = ((table, table.space.find(key)) for table in self.tables)
        return next(((table, ordinal) for table, ordinal in found if ordinal is not None), None)

    @property
    def tables(self) -> tuple[PartitionTable, ...]:
        """All that there are."""
        return (self.table,) if self.stray is None or self.stray is self.table else (self.table, self.stray)

    def ordinals(self, ranges: KeyRanges | None) -> BitMap:
        """The partitions of `table` that a plan names; where keys may be new, they are numbered now."""
        space = self.table.space
        if space.grows:
            for key in [None] if ranges is None else [first for first, _ in ranges]:
                space.number(key)
        return space.bits(ranges)

    def plan(self, run_id: str, bits: BitMap) -> None:
        """A run plans these partitions of `table`."""
        self.unstarted = noted(self.unstarted, run_id, self.unstarted.get(run_id, BitMap()) | bits)
        self.unmade = noted(self.unmade, run_id, self.unmade.get(run_id, BitMap()) | bits)
        self.forget_unions()

    def start(self, run_id: str, ordinal: int) -> None:
        unstarted = self.unstarted.get(run_id)
        if unstarted is not None:
            unstarted.discard(ordinal)
            self._pending = None

    def settle(self, run_id: str, ordinal: int) -> None:
        """The run has made the partition, or will not: it is no longer in progress there."""
        self.start(run_id, ordinal)
        unmade = self.unmade.get(run_id)
        if unmade is not None:
            unmade.discard(ordinal)
            self._run_in_progress = None

    def end(self, run_id: str) -> None:
        self.unstarted, self.unmade = dropped(self.unstarted, run_id), dropped(self.unmade, run_id)
        self.forget_unions()

    def forget_unions(self) -> None:
        """What is planned has changed: `pending` and `run_in_progress` are put together anew."""
        self._pending = self._run_in_progress = None

    @property
    def pending(self) -> BitMap:
        """Planned in an unfinished run or an active backfill and not started: never requested again meanwhile. Not to
        be changed, nor what the others here give."""
        if not self.unstarted and not self.backfills:
            return NOWHERE
        if self._pending is None:
            waiting = [progress.waiting for progress in self.backfills.values()]
            self._pending = BitMap.union(*self.unstarted.values(), *waiting)
        return self._pending

    @property
    def run_in_progress(self) -> BitMap:
        """Planned in an unfinished run and not yet made."""
        if not self.unmade:
            return NOWHERE
        if self._run_in_progress is None:
            self._run_in_progress = BitMap.union(*self.unmade.values())
        return self._run_in_progress

    @property
    def backfill_in_progress(self) -> BitMap:
        """Asked for by an active backfill, and neither made nor given up."""
        unmade = [progress.unmade for progress in self.backfills.values()]
        return BitMap.union(*unmade) if unmade else NOWHERE

    @property
    def in_progress(self) -> BitMap:
        """Planned in an unfinished run or an active backfill and not yet made."""
        return self.run_in_progress | self.backfill_in_progress if self.backfills else self.run_in_progress

    def move_to_space(self, space: OrdinalSpace | None) -> None:
        """Renumber everything under another space, by key; what it does not know becomes or stays stray."""
        if (space.fingerprint if space else stray_space(self.key)) == self.table.space.fingerprint:
            return
        old, tables = self.table, self.tables
        planned = {
            name: {run_id: [old.space.key(n) for n in bits] for run_id, bits in getattr(self, name).items()}
            for name in ("unstarted", "unmade")
        }
        fresh = AssetState(self.key, space)
        for table in tables:
            for ordinal in table.known():
                target, there = fresh.locate(table.space.key(ordinal))
                table.move_to(target, ordinal, there)
        for target in fresh.tables:
            if updates := sorted((position, ordinal) for ordinal, position in target.update.items()):
                target.recent = Recent(updates[-RECENT:])
        self.table, self.stray = fresh.table, fresh.stray
        for name, runs in planned.items():
            found = {run_id: [self._ordinal(key) for key in keys] for run_id, keys in runs.items()}
            bits = {run_id: BitMap([n for n in ns if n is not None]) for run_id, ns in found.items()}
            setattr(self, name, bits or NOTHING)

        def moved(bits: BitMap) -> BitMap:
            return BitMap([n for ordinal in bits if (n := self._ordinal(old.space.key(ordinal))) is not None])

        self.backfills = {name: progress.moved(moved) for name, progress in self.backfills.items()} or NOTHING
        self.forget_unions()

    def _ordinal(self, key: str | None) -> int | None:
        """The ordinal in `table` of a planned key; None where its space has no place for it."""
        return self.table.space.number(key)


def stray_space(key: str) -> str:
    """The fingerprint of the space of an asset's stray keys."""
    return f"stray:{key}"
