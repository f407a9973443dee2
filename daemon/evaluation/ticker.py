"""The ticker: what one tick decides. Pure over State and an instant; it neither reads a clock nor writes anything.

A tick (SEMANTICS part 4) visits, in topological order, the assets whose condition could have changed: those of which
something changed, their direct downstream, those for which time did, and those downstream of what this tick requests.
What it finds is one `Tick` event with the runs it asks for, or nothing: then only its boundary is kept, for the next
written Tick to list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyroaring import BitMap

from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.log import StoredEvent
from ...storage.state import State
from ...storage.uncollected import uncollected
from .first_look import told
from .graph import ConditionGraph
from .grouping import BackfillGroup, RunGroup, group_requests, planned_checks
from .moment import Moment
from .quick import QuickEvaluator
from .run_tags import automation_tags
from .visit import MIN_REQUEST_INTERVAL, Evaluate, Visit

BACKFILL_ABOVE = 100  # runs of connected assets that one tick asks for; what would take more becomes a backfill
MAX_SILENT = 1_000  # silent boundaries kept before a Tick is written for them alone


@dataclass(slots=True)
class Outcome:
    """What a tick decided: events to append as one transaction (none: a silent tick), and when to tick again."""

    events: list[e.Event]
    visited: list[str]
    follow_up: bool
    """Pulses were read that are over in the next tick: it is due at once."""
    next_due: datetime | None
    everything: bool = False
    """Every asset was looked at."""


class Ticker:
    """Decides ticks, one after the other, over one State."""

    def __init__(
        self,
        state: State,
        *,
        run_id: Callable[[], str],
        evaluator: Callable[[DefinitionsSnapshot], Evaluate] = QuickEvaluator,
        min_request_interval: timedelta = MIN_REQUEST_INTERVAL,
        backfill_above: int = BACKFILL_ABOVE,
    ) -> None:
        """`evaluator` makes, for one set of definitions, what evaluates the condition of an asset. What would take more
        than `backfill_above` runs of connected assets becomes a backfill."""
        self.state = state
        self._min_request_interval = min_request_interval
        self._backfill_above = backfill_above
        self._run_id, self._evaluator = run_id, evaluator
        self._arrivals: list[tuple[int, int]] = []
        self._silent: list[tuple[int, datetime]] = []
        self._previously_requested: dict[str, BitMap] = {}
        self._previous_at: datetime | None = None
        self._follow_up: dict[str, BitMap | None] = {}
        self._put_off: dict[str, datetime] = {}
        self._graph: ConditionGraph | None = None
        self._written_through = 0

    def written(self, through: int) -> None:
        """The events of the last tick stand in the log, up to this offset."""
        self._written_through = through

    @property
    def ready(self) -> bool:
        """Whether the last tick's own requests are folded. Before that a tick would ask for the same again."""
        return self.state.through >= self._written_through

    def absorb(self, stored: Sequence[StoredEvent]) -> None:
        """Fold events that have landed; none of them may stand behind a DefinitionsLoaded in the same tick."""
        with uncollected():
            for event in stored:
                self.state.apply(event)
                self._arrivals.append((event.offset, event.timestamp))

    def tick(self, at: datetime, *, visit_all: bool = False) -> Outcome:
        """Decide at the instant `at`, which never goes back. Every asset is looked at if `visit_all`, else those for
        which anything has changed."""
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
            self._graph = ConditionGraph(self.state.definitions.evaluated)
            self._evaluate = self._evaluator(self.state.definitions.evaluated)
            if self._previously_requested:  # numbered as partitions are now
                self._previously_requested = self.state.last_tick.requested
        moment = Moment(
            state=self.state,
            definitions=self.state.definitions.evaluated,
            at=at,
            previous_at=self._previous_at,
            changes=changes,
            arrivals=self._arrivals,
            previously_requested=self._previously_requested,
        )
        everything = visit_all or first or changes.definitions or changes.switched
        start = set(self._graph.conditions) if everything else self._dirty(moment)
        visit = Visit(moment, self._graph, self._evaluate, min_request_interval=self._min_request_interval)
        with uncollected():
            visit.run(start)
            outcome = self._conclude(moment, visit)
        outcome.everything = everything
        return outcome

    def closing(self) -> e.Tick | None:
        """The Tick that lists the silent boundaries so far, the last of which saw all that is folded; else None."""
        if not self._silent or self._silent[-1][0] != self.state.through:
            return None
        *silent, (through, at) = self._silent
        self._silent = []
        return e.Tick(through=through, at=at, definitions=self.state.definitions_hash, silent=tuple(silent))

    def _dirty(self, moment: Moment) -> set[str]:
        """The assets to look at, and what the moment has to say of how much of each."""
        assert self._graph is not None
        whole = set(moment.changes.touched)
        if self._previous_at is not None:
            whole |= self._graph.timers.due(after=self._previous_at, until=moment.at)
        whole |= {key for key, due in self._put_off.items() if due <= moment.at}
        partly = dict(moment.changes.parts)
        for key, bits in self._follow_up.items():
            if bits is None:
                whole.add(key)
            else:
                partly[key] = partly[key] | bits if key in partly else bits
        moment.whole, moment.partly = self._with_readers(whole), partly
        return (moment.whole | self._with_readers(set(partly))) & self._graph.conditions.keys()

    def _with_readers(self, keys: set[str]) -> set[str]:
        assert self._graph is not None
        return keys.union(*(self._graph.readers.get(key, ()) for key in keys))

    def _conclude(self, moment: Moment, visit: Visit) -> Outcome:
        assert self._graph is not None
        for key in visit.visited:
            if key not in visit.partly:  # what its other partitions are put off for holds on
                self._put_off.pop(key, None)
        for key, instant in visit.put_off.items():
            self._put_off[key] = min(instant, self._put_off.get(key, instant))
        self._follow_up = visit.follow_up | dict.fromkeys(self._graph.readers_of_requests(moment.requested))
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

    def _events(self, moment: Moment, visit: Visit) -> list[e.Event]:
        if not visit.memory and not moment.requested and len(self._silent) < MAX_SILENT:
            self._silent.append((self.state.through, moment.at))
            return []
        memory, decisions, shared = visit.reasons.settled(visit.memory, visit.decisions)
        tick = e.Tick(
            through=self.state.through,
            at=moment.at,
            definitions=self.state.definitions_hash,
            silent=tuple(self._silent),
            memory=memory,
            decisions=decisions,
            shared=shared,
            first=told(moment),
        )
        self._silent = []
        made = sorted(moment.requested.keys() | moment.along.keys(), key=self._place_of)
        requested = {key: truth.bits for key in made if (truth := moment.will_be_made(key)) is not None}
        runs, backfills = group_requests(moment, requested, backfill_above=self._backfill_above)
        return [
            tick,
            *(self._run(moment, group) for group in runs),
            *(self._backfill(moment, group) for group in backfills),
        ]

    def _place_of(self, key: str) -> int:
        assert self._graph is not None
        return self._graph.place[key]

    def _backfill(self, moment: Moment, group: BackfillGroup) -> e.BackfillRequested:
        return e.BackfillRequested(
            backfill_id=self._run_id(),
            targets=tuple(
                e.Target(asset_key=key, partitions=moment.ranges(bits, self.state.space(key)))
                for key, bits in group.partitions.items()
            ),
            origin="automation",
            definitions=self.state.definitions_hash,
            title="asked for by automation",
            tags=automation_tags(moment.definitions, group.partitions),
        )

    def _run(self, moment: Moment, group: RunGroup) -> e.RunRequested:
        nodes = [moment.definitions.assets[key] for key in group.assets]
        made = [node.key for node in nodes if node.checked is None]
        return e.RunRequested(
            run_id=self._run_id(),
            targets=tuple(e.Target(asset_key=key, partitions=group.partitions) for key in made),
            checks=planned_checks(moment.definitions, nodes, group.partitions),
            origin="automation",
            definitions=self.state.definitions_hash,
            tags=automation_tags(moment.definitions, group.assets),
        )
