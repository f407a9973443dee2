"""Decisions recomputed: whether every Tick of a log says what evaluation says of the moment that it was decided at.

Each Tick names the boundaries of its own moment and of the silent ticks before it, so the moments can be rebuilt: the
log is folded to a boundary, and the ticker decides there once more, with the plain evaluator. What it comes to has to
be what stands in the log: the requested partitions with their causes and true leaves, the changes of memory, and the
runs that were asked for. A silent boundary has to be silent again.

State folds the memory that ticks *recorded*, so a wrong decision is one difference and not the first of many. A start
in the middle of the log is what a restart of the daemon is: State through the last Tick before, and a fresh ticker.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot
from ...storage import events as e
from ...storage.folding import folded_through
from ...storage.log import EventLog, StoredEvent
from ..evaluation.moment import Moment
from ..evaluation.plain import Evaluation, evaluate
from ..evaluation.ticker import Ticker
from .differences import Difference, LeafCompared, Part, Verification, Where, differing

PAGE = 5_000  # events read at a time
TICKS_PAGE = 500
RUNS_PAGE = 200


def verify(log: EventLog, *, since: int = 0, everything: bool = False) -> Verification:
    """Recompute every decision that was recorded behind the offset `since`.

    With `everything` each condition is evaluated at each tick, which also finds what should have been looked at and was
    not; otherwise those for which anything had changed, as the daemon does.
    """
    verifier = _Verifier(log, since, everything=everything)
    for tick in ticks_of(log, after=since):
        verifier.check(tick)
    return verifier.result


def ticks_of(log: EventLog, *, after: int = 0) -> Iterator[StoredEvent]:
    """The written ticks behind an offset, oldest first."""
    while page := log.query(types=["tick"], after=after, limit=TICKS_PAGE):
        yield from page
        after = page[-1].offset


class _Verifier:
    """Follows the log from one boundary to the next."""

    def __init__(self, log: EventLog, since: int, *, everything: bool) -> None:
        before = log.query(types=["tick"], before=since + 1, newest_first=True, limit=1)
        through = before[0].event.through if before and isinstance(before[0].event, e.Tick) else 0
        self._log, self._everything = log, everything
        self._state = folded_through(log, through)
        self._state.take_changes()
        self._waiting: list[StoredEvent] = []
        self._evaluated: dict[str, tuple[Evaluation, Moment]] = {}
        self._ticker = self._new_ticker()
        self.result = Verification()

    def _new_ticker(self) -> Ticker:
        return Ticker(self._state, run_id=lambda: "", evaluator=lambda definitions: self._evaluate)

    def _evaluate(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        evaluation = evaluate(moment, asset)
        self._evaluated[asset.key] = evaluation, moment
        return evaluation

    def check(self, stored: StoredEvent) -> None:
        """Decide at every boundary that a Tick lists, and at its own."""
        tick, known = stored.event, len(self.result.differences)
        assert isinstance(tick, e.Tick)
        for through, at in tick.silent:
            self.result.silent += 1
            again = self._decide(through, at)
            silent = e.Tick(through=through, at=at, definitions=again.definitions)
            for part in differing(silent, again):
                self._note(stored, silent, part, was_silent=True)
        again = self._decide(tick.through, tick.at)
        if tick.definitions != again.definitions:
            self._note(stored, tick, Part("", "definitions", tick.definitions, again.definitions))
        for part in (*differing(tick, again), *self._runs(stored, tick)):
            self._note(stored, tick, part)
        self.result.ticks += 1
        self.result.decisions += len(tick.decisions)
        self.result.memory += len(tick.memory)
        if len(self.result.differences) > known:
            self._ticker = self._new_ticker()  # which goes by what was requested, not by what should have been

    def _decide(self, through: int, at: datetime) -> e.Tick:
        """The Tick of a moment; an empty one where it decides nothing."""
        self._absorb(through)
        self._evaluated.clear()
        outcome = self._ticker.tick(at, visit_all=self._everything)
        if not outcome.events:
            return e.Tick(through=through, at=at, definitions=self._state.definitions_hash)
        assert isinstance(outcome.events[0], e.Tick)
        return outcome.events[0]

    def _absorb(self, through: int) -> None:
        """Hand the ticker what had landed by a boundary. What came before the first definitions has had a tick of its
        own, which decides nothing and is listed nowhere."""
        while self._state.through < through:
            if not self._waiting:
                self._waiting = self._log.read(self._state.through, PAGE)[::-1]
            stored = self._waiting.pop()
            if self._state.definitions is None and isinstance(stored.event, e.DefinitionsLoaded):
                self._ticker.tick(stored.at)
            self._ticker.absorb([stored])

    def _runs(self, stored: StoredEvent, tick: e.Tick) -> Iterator[Part]:
        """What a Tick decided has to stand behind it as runs or backfills, no more and no less."""
        defined = self._state.definitions.assets if self._state.definitions else {}
        decided: dict[str, BitMap] = {}
        asked: dict[str, BitMap] = {}
        for decision in tick.decisions:
            if decision.asset_key in defined and not decision.dry_run:
                self._add(decided, decision.asset_key, decision.partitions)
        for target in self._asked_for(stored.offset) if tick.decisions else ():
            self._add(asked, target.asset_key, target.partitions)
        for key in {**decided, **asked}:
            if asked.get(key) != decided.get(key):
                space = self._state.space(key)
                sides = (None if bits is None else space.ranges(bits) for bits in (asked.get(key), decided.get(key)))
                yield Part(key, "runs", *sides)

    def _add(self, found: dict[str, BitMap], key: str, ranges: Where) -> None:
        found[key] = found.get(key, BitMap()) | self._state.space(key).bits(ranges)

    def _asked_for(self, after: int) -> Iterator[e.Target]:
        """The targets of what automation asks for directly behind an offset."""
        while page := self._log.read(after, RUNS_PAGE):
            for stored in page:
                match stored.event:
                    case e.RunRequested(origin="automation") | e.BackfillRequested(origin="automation"):
                        yield from stored.event.targets
                    case _:
                        return
            after = page[-1].offset

    def _note(self, stored: StoredEvent, tick: e.Tick, part: Part, *, was_silent: bool = False) -> None:
        definitions = self._state.definitions
        asset = definitions.evaluated.assets.get(part.asset_key) if definitions else None
        told = [one for one in tick.decisions if one.asset_key == part.asset_key and not one.along_with]
        self.result.differences.append(
            Difference(
                tick=stored.offset,
                through=tick.through,
                at=tick.at,
                part=part,
                was_silent=was_silent,
                condition="" if asset is None or asset.condition is None else str(asset.condition),
                leaves=tuple(self._leaves(part.asset_key, told[0] if told else None)),
            )
        )

    def _leaves(self, key: str, decision: e.Decision | None) -> Iterator[LeafCompared]:
        """All leaves of the condition, in the order of the tree, and those recorded that it does not have."""
        recorded: dict[str, tuple[float | None, Where]]
        recorded = {path: (position, where) for path, position, where in decision.leaves} if decision else {}
        if key in self._evaluated:
            evaluation, moment = self._evaluated[key]
            space = moment.state.space(key)
            bits = space.bits(decision.partitions) if decision else evaluation.truth.bits
            found = {path: (position, where) for path, position, where in evaluation.told(moment, key, bits)}
            for leaf in evaluation.leaves:
                yield LeafCompared(leaf.path, recorded.pop(leaf.path, None), found.get(leaf.path))
        for path, truth in recorded.items():
            yield LeafCompared(path, truth, None)
