"""One tick's walk over the conditions that it has to evaluate, upstream first.

An asset is requested for the partitions for which its condition holds, less
  a. what an unfinished run has planned and not started: that run will read the update;
  b. what waits for an upstream that failed in its last run, unless this tick asks for that upstream in the same run;
  c. what was requested because of the same position less than `MIN_REQUEST_INTERVAL` ago;
  d. what infrastructure lost, until its back-off is over.
Of automation that is paused or on a dry run nothing is requested (`switched.py`).
What can only be made together with it comes along, whatever its own condition says.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot
from ...storage import events as e
from ...storage.state import Causes
from ...storage.state.asked import alike
from ...storage.state.assets import Setback
from ...storage.state.memory import SEEN, Difference, difference, told, whose
from ...storage.state.ordinals import OrdinalSpace
from .first_look import begin
from .graph import ConditionGraph
from .moment import Moment
from .plain import Changed, Evaluation
from .sharing import SharedReasons
from .switched import mode_of, not_tried, with_held
from .timers import backoff
from .truth import Truth, any_of, nothing

MIN_REQUEST_INTERVAL = timedelta(seconds=30)
NO_INTERVAL = timedelta(0)
MICROSECOND = timedelta(microseconds=1)

Evaluate = Callable[[Moment, AssetSnapshot], Evaluation]


class Visit:
    """What a walk found: whom it visited, what their memory became, and what is decided."""

    def __init__(
        self,
        moment: Moment,
        graph: ConditionGraph,
        evaluate: Evaluate,
        *,
        min_request_interval: timedelta = MIN_REQUEST_INTERVAL,
    ) -> None:
        self.moment: Moment = moment
        self.graph: ConditionGraph = graph
        self._evaluate = evaluate
        self._min_request_interval = min_request_interval
        self._asked_since = _micros(moment.at) - min_request_interval // MICROSECOND
        self.visited: list[str] = []
        self.memory: list[e.MemoryDelta] = []
        self.decisions: list[e.Decision] = []
        self.follow_up: dict[str, BitMap | None] = {}
        """What has to be looked at in the next tick again; None: in all of its partitions."""
        self.put_off: dict[str, datetime] = {}
        self.partly: set[str] = set()
        """The visited assets of which single partitions were looked at, and not all."""
        self._tried: dict[str, Truth] = {}
        self._brought_by: dict[str, str] = {}
        self.reasons: SharedReasons = SharedReasons()

    def run(self, start: set[str]) -> None:
        place, keys = self.graph.place, self.graph.keys
        waiting = [place[key] for key in start]
        heapq.heapify(waiting)
        queued = set(waiting)
        while waiting:
            key = keys[heapq.heappop(waiting)]
            if self._visit(self.graph.conditions[key]):
                for child in self._told(key):
                    if place[child] > place[key] and place[child] not in queued:
                        queued.add(place[child])
                        heapq.heappush(waiting, place[child])
        self._decide_along()

    def _told(self, key: str) -> list[str]:
        """The assets with a condition that read what is requested now, `key` and what comes along with it, or that wait
        for it: what blocks them is then made together with them."""
        made = [key]
        is_real = key in self.moment.requested
        truth = self.moment.requested[key] if is_real else self._tried[key]
        for other in self.moment.definitions.made_together.get(key, ()):
            if other != key:
                along = self.moment.along if is_real else self._tried
                along[other] = any_of([along.get(other, nothing()), truth])
                if is_real:
                    self._brought_by.setdefault(other, key)
                made.append(other)
        told = [child for one in made for child in self.graph.children.get(one, ())]
        if self.moment.state.blocks:
            waiting = [child for one in made for child in self.moment.state.waiting_for(one)]
            if self.moment.whole is not None:
                self.moment.whole.update(waiting)
            told += waiting
        return [child for child in told if child in self.graph.conditions]

    def _decide_along(self) -> None:
        """Write down what comes along and was not requested by itself."""
        for key, truth in self.moment.along.items():
            own = self.moment.requested.get(key)
            bits = truth.bits - own.bits if own is not None else truth.bits
            if bits:
                asset = self.moment.definitions.assets[key]
                self.decisions.append(
                    e.Decision(
                        asset_key=key,
                        condition=asset.condition.node_id if asset.condition else "",
                        partitions=self.moment.state.space(key).ranges(bits),
                        along_with=self._brought_by[key],
                    )
                )

    def run_only(self, keys: set[str]) -> None:
        """Visit these and no others, whatever they ask for."""
        for key in sorted(keys, key=self.graph.place.__getitem__):
            if self._visit(self.graph.conditions[key]):
                self._told(key)

    def _visit(self, asset: AssetSnapshot) -> bool:
        """Evaluate one asset; True if it is requested."""
        moment, key = self.moment, asset.key
        self.visited.append(key)
        if key in self.graph.asks and self.graph.unanswered(key, moment.state):
            return False  # its first evaluation comes with the answer, and sees all that has landed by then
        seen = self.graph.seen(asset)
        first = not moment.state.memory.seen(key, seen)
        if first:
            moment.initial.add(key)
            if key not in moment.state.memory.first:
                begin(moment, asset)
        mode = mode_of(moment, asset)
        if mode != "on" and moment.whole is not None:
            moment.whole.add(key)  # what was tried and held is told of all partitions
        evaluation = self._evaluated(asset, dry_run=mode == "dry_run")
        if evaluation.looked_at is not None:
            self.partly.add(key)
        truth = with_held(moment, asset, evaluation, mode, reads_pulses=key in self.graph.open_pulses)
        wanted = BitMap() if mode == "paused" else self._allowed(asset, truth)
        wanted = not_tried(moment, asset, evaluation, truth, mode, wanted)
        known = len(self.memory)
        self._remember(asset, evaluation, seen if first else None)
        if key in self.graph.follow_up and (evaluation.pulsed or len(self.memory) > known):
            self.follow_up[key] = evaluation.looked_at
        if mode == "dry_run" and (wanted or evaluation.pulsed):
            # What was decided counts as tried as long as it holds: a pulse may be all that held.
            self.follow_up[key] = None
        if not wanted:
            return False
        requested = self._tried if mode == "dry_run" else moment.requested
        requested[key] = truth if wanted is truth.bits or wanted == truth.bits else truth.within(wanted)
        decision = self._decision(asset, requested[key], evaluation)
        self.decisions.append(decision.model_copy(update={"dry_run": True}) if mode == "dry_run" else decision)
        return True

    def _evaluated(self, asset: AssetSnapshot, *, dry_run: bool) -> Evaluation:
        """An asset on a dry run takes what was decided on a dry run in this tick for requested; no other does."""
        if not (dry_run and self._tried):
            return self._evaluate(self.moment, asset)
        requested = self.moment.requested
        self.moment.requested = {**requested, **self._tried}
        try:
            return self._evaluate(self.moment, asset)
        finally:
            self.moment.requested = requested

    def _remember(self, asset: AssetSnapshot, evaluation: Evaluation, seen: str | None) -> None:
        """Record what the evaluation changed in the condition's memory, node by node in the order of their names; on a
        first evaluation, forget what is gone."""
        memory, remember = self.moment.state.memory, evaluation.remember
        if seen is not None:
            known = evaluation.nodes
            gone = {node: Causes() for node in memory.nodes.get(asset.key, {}) if node not in known}
            remember = {**remember, **gone}
            self.memory.append(
                e.MemoryDelta(asset_key=asset.key, node=seen, added=(e.Cause(position=self.moment.state.through),))
            )
        changes = [self._delta_at_points(asset.key, *changed) for changed in evaluation.changes_at_points().items()]
        for node, after in remember.items():
            space = self.moment.state.spaces.WHOLE if node.startswith(SEEN) else self._space_of(asset.key, node)
            before = self.moment.once.same_causes(memory.of(asset.key, node))
            changed = None if before is after else self.moment.once(self._difference, before, after, space)
            if changed is not None:
                own, shared, removed = changed
                changes.append(e.MemoryDelta(asset_key=asset.key, node=node, added=own, shared=shared, removed=removed))
        self.memory += sorted(changes, key=_node_of) if len(changes) > 1 else changes

    def _difference(self, before: Causes, after: Causes, space: OrdinalSpace) -> Difference | None:
        return difference(before, after, space, say=self.reasons.say)

    def _delta_at_points(self, key: str, node: str, points: Changed) -> e.MemoryDelta:
        space = self._space_of(key, node)
        gone = BitMap([ordinal for ordinal, _, position in points if not position])
        added = Causes([(position, BitMap([ordinal])) for ordinal, _, position in points if position])
        removed = (space.ranges(gone),) if gone else ()
        return e.MemoryDelta(asset_key=key, node=node, added=told(added, space), removed=removed)

    def _space_of(self, key: str, node: str) -> OrdinalSpace:
        """In which space the partitions of a node's memory are numbered."""
        return self.moment.state.space(whose(key, node))

    def _allowed(self, asset: AssetSnapshot, truth: Truth) -> BitMap:
        """The partitions to request: where the condition holds, less the cases a to d above."""
        state = self.moment.state.asset(asset.key)
        wanted, pending = truth.bits, state.pending
        if pending:
            wanted = wanted - pending  # a
        if not wanted:
            return wanted
        table = state.table
        if table.blocked:
            wanted = wanted - BitMap([n for n in wanted & BitMap(table.blocked) if self.is_blocked(asset, n)])  # b
        for ordinal in table.setbacks.keys() & wanted if table.setbacks else ():  # d
            wanted = self._put_off(asset.key, BitMap([ordinal]), _lost_until(table.setbacks[ordinal]), wanted)
        interval, reasons = self._min_request_interval, None
        for asked_at, because in table.asked.since(self._asked_since):  # c
            if because.bits.isdisjoint(wanted):
                continue
            reasons = reasons or _reasons(truth)
            if held := wanted & alike(because, reasons):
                lost = BitMap([n for n, setback in table.setbacks.items() if setback.at >= asked_at])
                wanted = self._put_off(asset.key, held - lost, _at(asked_at) + interval, wanted)
        return wanted

    def _put_off(self, key: str, bits: BitMap, due: datetime, wanted: BitMap) -> BitMap:
        """What is wanted without these partitions, which are not to be asked for before an instant."""
        if not bits or due <= self.moment.at:
            return wanted
        self.put_off[key] = min(due, self.put_off.get(key, due))
        return wanted - bits

    def is_blocked(self, asset: AssetSnapshot, ordinal: int) -> bool:
        """Whether one partition waits for something upstream that this tick does not ask for with it."""
        state = self.moment.state
        for blocker, partition in state.asset(asset.key).table.blocked[ordinal]:
            space = state.space(blocker)
            place = space.find(partition)
            exists = place is not None and place in self.moment.existing(blocker)
            if blocker not in self.graph.upstream_of(asset.key) or not exists:
                continue  # whatever it was, it is no longer upstream of this
            truth = self.moment.will_be_made(blocker)
            together = space.fingerprint == state.space(asset.key).fingerprint and place == ordinal
            if truth is None or not together or ordinal not in truth.bits:
                return True
        return False

    def put_off_until(self, key: str, ordinal: int, truth: Truth) -> datetime | None:
        """Until when the interval or the back-off of one partition lasts, if there is one."""
        table = self.moment.state.asset(key).table
        setback = table.setbacks.get(ordinal)
        asked = table.asked.find(ordinal)
        if setback is not None and (asked is None or setback.at >= asked[0]):
            return _lost_until(setback)
        if asked is None or asked[1] != truth.why.position(ordinal):
            return None
        return _at(asked[0]) + self._min_request_interval

    def _decision(self, asset: AssetSnapshot, truth: Truth, evaluation: Evaluation) -> e.Decision:
        space = self.moment.state.space(asset.key)
        assert asset.condition is not None
        causes, shared = self.reasons.say(_reasons(truth), space)
        return e.Decision(
            asset_key=asset.key,
            condition=asset.condition.node_id,
            partitions=self.moment.ranges(truth.bits, space),
            causes=causes,
            shared=shared,
            leaves=evaluation.told(self.moment, asset.key, truth.bits),
        )


def _node_of(change: e.MemoryDelta) -> str:
    return change.node


def _at(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1_000_000, UTC)


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _lost_until(setback: Setback) -> datetime:
    """When the back-off is over of a partition that infrastructure lost."""
    return _at(setback.at) + backoff(setback.count)


def _reasons(truth: Truth) -> Causes:
    """The position of each partition that is true; 0 where it has none."""
    why, bits = truth.why, truth.bits
    return why if why.bits == bits else Causes([*why, (0, bits)])


def no_evaluation(moment: Moment, asset: AssetSnapshot) -> Evaluation:
    """For a visit that is only asked about the gates."""
    raise AssertionError(f"{asset.key} was to be evaluated")
