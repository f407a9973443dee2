"""The ticker: what one tick decides. Pure over State and an instant; it neither reads a clock nor writes anything.

A tick (SEMANTICS part 4) visits, in topological order, the assets whose condition could have changed: those of which
something changed, their direct downstream, those for which time did, and those downstream of what this tick requests.
What it finds is one `Tick` event with the runs it asks for, or nothing: then only its boundary is kept, for the next
written Tick to list.

An asset is requested for the partitions for which its condition holds, less
  a. what an unfinished run has planned and not started: that run will read the update;
  b. what waits for an upstream that failed in its last run, unless this tick asks for that upstream in the same run;
  c. what was requested because of the same position less than `MIN_REQUEST_INTERVAL` ago;
  d. what infrastructure lost, until its back-off is over.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage import events as e
from ...storage.state import Causes, Changes, State
from ...storage.state.memory import SEEN, delta
from .grouping import RunGroup, group_runs
from .moment import Moment
from .plain import Evaluation, Leaf, evaluate
from .pulses import needs_follow_up, reads_requests
from .timers import Timers, backoff
from .truth import Truth

MIN_REQUEST_INTERVAL = timedelta(seconds=30)
MAX_SILENT = 1_000  # silent boundaries kept before a Tick is written for them alone

Evaluate = Callable[[Moment, AssetSnapshot], Evaluation]


@dataclass(slots=True)
class Outcome:
    """What a tick decided: events to append as one transaction (none: a silent tick), and when to tick again."""

    events: list[e.Event]
    visited: list[str]
    follow_up: bool
    """Pulses were read that are over in the next tick: it is due at once."""
    next_due: datetime | None


class Ticker:
    """Decides ticks, one after the other, over one State."""

    def __init__(self, state: State, *, run_id: Callable[[], str], evaluate: Evaluate = evaluate) -> None:
        self.state = state
        self._run_id, self._evaluate = run_id, evaluate
        self._arrivals: list[tuple[int, int]] = []
        self._silent: list[tuple[int, datetime]] = []
        self._previously_requested: dict[str, BitMap] = {}
        self._previous_at: datetime | None = None
        self._follow_up: set[str] = set()
        self._put_off: dict[str, datetime] = {}
        self._graph: _Graph | None = None
        self._written_through = 0

    def written(self, through: int) -> None:
        """The events of the last tick stand in the log, up to this offset."""
        self._written_through = through

    @property
    def ready(self) -> bool:
        """Whether the last tick's own requests are folded. Before that a tick would ask for the same again."""
        return self.state.through >= self._written_through

    def absorb(self, stored: list) -> None:
        """Fold events that have landed; none of them may stand behind a DefinitionsLoaded in the same tick."""
        for event in stored:
            self.state.apply(event)
            self._arrivals.append((event.offset, event.timestamp))

    def tick(self, at: datetime) -> Outcome:
        """Decide at the instant `at`, which never goes back."""
        if self._graph is None:  # after a start: what the last daemon's last Tick left, which is folded by now
            self._previous_at = self.state.last_tick.at
            self._previously_requested = self.state.last_tick.requested
        if self._previous_at is not None:
            at = max(at, self._previous_at)
        changes = self.state.take_changes()
        first = self._graph is None
        if self.state.definitions is None:
            self._arrivals.clear()
            return Outcome([], [], follow_up=False, next_due=None)
        if self._graph is None or changes.definitions:
            self._graph = _Graph(self.state.definitions)
        moment = Moment(
            state=self.state,
            definitions=self.state.definitions,
            at=at,
            previous_at=self._previous_at,
            changes=changes,
            arrivals=self._arrivals,
            previously_requested=self._previously_requested,
        )
        start = set(self._graph.conditions) if first or changes.definitions else self._dirty(changes, at)
        visit = _Visit(moment, self._graph, self._evaluate)
        visit.run(start)
        return self._conclude(moment, visit)

    def _dirty(self, changes: Changes, at: datetime) -> set[str]:
        assert self._graph is not None
        changed = set(changes.touched) | self._follow_up
        if self._previous_at is not None:
            changed |= self._graph.timers.due(after=self._previous_at, until=at)
        changed |= {key for key, due in self._put_off.items() if due <= at}
        downstream = {child for key in changed for child in self._graph.children.get(key, ())}
        return (changed | downstream) & self._graph.conditions.keys()

    def _conclude(self, moment: Moment, visit: _Visit) -> Outcome:
        assert self._graph is not None
        for key in visit.visited:
            self._put_off.pop(key, None)
        self._put_off.update(visit.put_off)
        self._follow_up = visit.follow_up | self._graph.readers_of_requests(moment.requested)
        self._previously_requested = {key: truth.bits for key, truth in moment.requested.items()}
        self._previous_at = moment.at
        self._arrivals = []
        due = [*self._put_off.values()]
        if (timer := self._graph.timers.next_due(moment.at)) is not None:
            due.append(timer)
        return Outcome(
            self._events(moment, visit),
            visit.visited,
            follow_up=bool(self._follow_up),
            next_due=min(due, default=None),
        )

    def _events(self, moment: Moment, visit: _Visit) -> list[e.Event]:
        if not visit.memory and not moment.requested and len(self._silent) < MAX_SILENT:
            self._silent.append((self.state.through, moment.at))
            return []
        tick = e.Tick(
            through=self.state.through,
            at=moment.at,
            definitions=self.state.definitions_hash,
            silent=tuple(self._silent),
            memory=tuple(visit.memory),
            decisions=tuple(visit.decisions),
        )
        self._silent = []
        runs = group_runs(moment, {key: truth.bits for key, truth in moment.requested.items()})
        return [tick, *(self._run(moment, group) for group in runs)]

    def _run(self, moment: Moment, group: RunGroup) -> e.RunRequested:
        checks = [
            e.PlannedCheck(asset_key=key, name=check.name, blocking=check.blocking)
            for key in group.assets
            for check in moment.definitions.assets[key].checks
        ]
        return e.RunRequested(
            run_id=self._run_id(),
            targets=tuple(e.Target(asset_key=key, partitions=group.partitions) for key in group.assets),
            checks=tuple(checks),
            origin="automation",
            definitions=self.state.definitions_hash,
        )


class _Graph:
    """What a tick needs of the definitions: order, direct downstream, conditions, timers."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self.place = {key: n for n, key in enumerate(definitions.assets)}
        self.keys = list(definitions.assets)
        self.conditions = {k: a for k, a in definitions.assets.items() if a.condition is not None and not a.external}
        self.children: dict[str, list[str]] = {}
        for key, asset in definitions.assets.items():
            for dep in asset.deps:
                self.children.setdefault(dep.key, []).append(key)
        self.timers = Timers(definitions)
        self.follow_up = {k for k, a in self.conditions.items() if a.condition and needs_follow_up(a.condition)}
        self._read_requests = {k for k, a in self.conditions.items() if a.condition and reads_requests(a.condition)}

    def readers_of_requests(self, requested: dict[str, Truth]) -> set[str]:
        """Assets for which `newly_requested` will be true in the next tick, after these requests."""
        if not self._read_requests or not requested:
            return set()
        near = {child for key in requested for child in self.children.get(key, ())} | requested.keys()
        return near & self._read_requests


class _Visit:
    """One tick's walk over the conditions that it has to evaluate, upstream first."""

    def __init__(self, moment: Moment, graph: _Graph, evaluate: Evaluate) -> None:
        self.moment, self.graph, self._evaluate = moment, graph, evaluate
        self.visited: list[str] = []
        self.memory: list[e.MemoryDelta] = []
        self.decisions: list[e.Decision] = []
        self.follow_up: set[str] = set()
        self.put_off: dict[str, datetime] = {}

    def run(self, start: set[str]) -> None:
        place, keys = self.graph.place, self.graph.keys
        waiting = [place[key] for key in start]
        heapq.heapify(waiting)
        queued = set(waiting)
        while waiting:
            key = keys[heapq.heappop(waiting)]
            if self._visit(self.graph.conditions[key]):
                for child in self.graph.children.get(key, ()):
                    if child in self.graph.conditions and place[child] not in queued:
                        queued.add(place[child])
                        heapq.heappush(waiting, place[child])

    def _visit(self, asset: AssetSnapshot) -> bool:
        """Evaluate one asset; True if it is requested."""
        moment, key = self.moment, asset.key
        self.visited.append(key)
        seen = SEEN + fingerprint(asset)
        first = not moment.state.memory.seen(key, seen)
        if first:
            moment.initial.add(key)
        evaluation = self._evaluate(moment, asset)
        self._remember(asset, evaluation, seen if first else None)
        if key in self.graph.follow_up and any(leaf.pulse and leaf.truth.bits for leaf in evaluation.leaves):
            self.follow_up.add(key)
        wanted = self._allowed(asset, evaluation.truth)
        if not wanted:
            return False
        moment.requested[key] = evaluation.truth.within(wanted)
        self.decisions.append(self._decision(asset, moment.requested[key], evaluation))
        return True

    def _remember(self, asset: AssetSnapshot, evaluation: Evaluation, seen: str | None) -> None:
        """Record what the evaluation changed in the condition's memory; on a first evaluation, forget what is gone."""
        memory = self.moment.state.memory
        remember = dict(evaluation.remember)
        if seen is not None:
            remember.update({node: Causes() for node in memory.nodes.get(asset.key, {}) if node not in remember})
            self.memory.append(
                e.MemoryDelta(asset_key=asset.key, node=seen, added=(e.Cause(position=self.moment.state.through),))
            )
        for node, after in remember.items():
            space = (
                self.moment.state.spaces.WHOLE
                if node.startswith(SEEN)
                else self.moment.state.space(node.partition("@")[2] or asset.key)
            )
            changed = delta(asset.key, node, memory.of(asset.key, node), after, space)
            if changed is not None:
                self.memory.append(changed)

    def _allowed(self, asset: AssetSnapshot, truth: Truth) -> BitMap:
        """The partitions to request: where the condition holds, less the cases a to d above."""
        state = self.moment.state.asset(asset.key)
        wanted = truth.bits - state.pending  # a
        if not wanted:
            return wanted
        table = state.table
        if table.blocked:
            wanted -= BitMap([n for n in wanted & BitMap(table.blocked) if self._still_blocked(asset, n)])  # b
        for ordinal in wanted.copy():
            due = self._put_off_until(asset.key, ordinal, truth)
            if due is not None and due > self.moment.at:  # c, d
                wanted.discard(ordinal)
                self.put_off[asset.key] = min(due, self.put_off.get(asset.key, due))
        return wanted

    def _still_blocked(self, asset: AssetSnapshot, ordinal: int) -> bool:
        state = self.moment.state
        for blocker, partition in state.asset(asset.key).table.blocked[ordinal]:
            if blocker not in self.moment.definitions.assets:
                continue  # whatever it was, it no longer exists
            truth = self.moment.requested.get(blocker)
            space = state.space(blocker)
            place = space.find(partition)
            together = space.fingerprint == state.space(asset.key).fingerprint and place == ordinal
            if truth is None or not together or ordinal not in truth.bits:
                return True
        return False

    def _put_off_until(self, key: str, ordinal: int, truth: Truth) -> datetime | None:
        table = self.moment.state.asset(key).table
        setback = table.setbacks.get(ordinal)
        if setback is not None:
            return _at(setback.at) + backoff(setback.count)
        asked = int(table.asked_at[ordinal])
        if asked and table.asked_because[ordinal] == truth.why.position(ordinal):
            return _at(asked) + MIN_REQUEST_INTERVAL
        return None

    def _decision(self, asset: AssetSnapshot, truth: Truth, evaluation: Evaluation) -> e.Decision:
        space = self.moment.state.space(asset.key)
        named = Causes([*truth.why, (0, truth.bits)])
        assert asset.condition is not None
        return e.Decision(
            asset_key=asset.key,
            condition=asset.condition.node_id,
            partitions=space.ranges(truth.bits),
            causes=tuple(e.Cause(position=position, partitions=space.ranges(bits)) for position, bits in named),
            leaves=tuple(self._leaf(leaf) for leaf in evaluation.leaves if leaf.truth.bits),
        )

    def _leaf(self, leaf: Leaf) -> e.LeafTruth:
        space = self.moment.state.space(leaf.key)
        newest = leaf.truth.why.groups[0][0] if leaf.truth.why else None
        return e.LeafTruth(path=leaf.path, label=leaf.label, partitions=space.ranges(leaf.truth.bits), position=newest)


def fingerprint(asset: AssetSnapshot) -> str:
    """What an asset's memory was made under: its condition, its dependencies and their mappings, its partitions."""
    condition = asset.condition.node_id if asset.condition else ""
    deps = [(dep.key, dep.mapping.to_json(), dep.gated) for dep in asset.deps]
    partitions = asset.partitions.space if asset.partitions else ""
    return hashlib.sha256(repr((condition, deps, partitions)).encode()).hexdigest()[:12]


def _at(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)
