"""Conditions that users wrote in Python: has them asked when it is time, and turns their answers into events.

One is asked about an asset when something has happened to it or to what it reads, and when its interval is over; all
are asked anew when definitions are loaded or a daemon starts. At most one evaluation of a condition is under way, about
many assets at once. An answer that is the same as before is not written. Where one fails, or is stopped at its limit,
its last answer holds, and it is asked again a little later each time; the others do not wait for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.log import StoredEvent
from ...storage.state import State
from ...storage.state.conditions import Place
from ..evaluation.answers import fact_of, is_news, question_of
from ..evaluation.asked_places import Asked, places_of
from ..evaluation.timers import backoff
from ..host.client import CodeHostGone, Evaluated
from ..host.orders import Order, Question, Result
from ..host.reload import HostDied

AT_ONCE = 200  # assets that one evaluation is asked about
UNDER_WAY = 16  # evaluations at once; one that hangs stops counting after `STARTING_S`
STARTING_S = 1.0
MOST_BACKOFFS = 4  # the longest wait after failures is that of the fourth: two minutes


class ConditionAsking:
    """Those of one daemon. `evaluate` has an order evaluated; its answer comes through `hear`."""

    def __init__(
        self,
        state: State,
        evaluate: Callable[[Order], Awaitable[None]],
        *,
        new_id: Callable[[], str],
        limit_s: float,
    ) -> None:
        self.state = state
        self._evaluate, self._new_id, self._limit_s = evaluate, new_id, limit_s
        self._definitions: DefinitionsSnapshot | None = None
        self._places: dict[Place, Asked] = {}
        self._watching: dict[str, list[Place]] = {}
        self._woken: dict[Place, int | None] = {}
        """Those that are to be asked as soon as they may, with the event that is the reason."""
        self._asked_at: dict[Place, datetime] = {}
        self._resting: list[tuple[datetime, Place]] = []
        """When the interval of one is over; one that was asked again meanwhile stands in it twice."""
        self._failures: dict[Place, int] = {}
        self._under_way: dict[str, Order] = {}
        self._causes: dict[str, dict[str, int | None]] = {}
        """Per node, of each asset that its evaluation under way asks about, why."""
        self._over: list[tuple[Order, Evaluated]] = []

    # ---- what happened -----------------------------------------------------------------------------------------------

    def observe(self, events: Sequence[StoredEvent]) -> None:
        """Take note of events that the fold has just seen."""
        definitions = self.state.definitions
        if definitions is not None and definitions is not self._definitions:
            self._load(definitions)
        if not self._places:
            return
        for stored in events:
            for key in _about(stored.event):
                for place in self._watching.get(key, ()):
                    self._woken[place] = stored.offset
            if isinstance(stored.event, (e.DynamicPartitionsAdded, e.DynamicPartitionsDeleted)):
                self._wake_readers(stored.event.name, stored.offset)

    def _load(self, definitions: DefinitionsSnapshot) -> None:
        """Other definitions hold, maybe with other code: all are asked."""
        by_asset = places_of(definitions).values()
        self._places = {place: asked for asks in by_asset for place, asked in asks.items()}
        self._definitions, self._watching = definitions, {}
        for place, asked in self._places.items():
            for key in asked.watched:
                self._watching.setdefault(key, []).append(place)
        self._woken = dict.fromkeys(self._places)
        self._failures.clear()
        self._asked_at = {place: at for place, at in self._asked_at.items() if place in self._places}

    def _wake_readers(self, name: str, offset: int) -> None:
        assert self._definitions is not None
        for place, asked in self._places.items():
            asset = self._definitions.assets.get(asked.asset_key)
            if asset is not None and asset.partitions is not None and name in asset.partitions.dynamic_names:
                self._woken[place] = offset

    def hear(self, message: Evaluated | HostDied) -> None:
        """A host's word about evaluations. Those of a dead host are made again."""
        gone = message.evaluations if isinstance(message, HostDied) else {message.evaluation_id}
        for order in list(self._under_way.values()):
            if order.evaluation_id in gone:
                if isinstance(message, Evaluated):
                    self._over.append((order, message))
                else:
                    self._ask_again(order, order.questions)

    def conclude(self, now: datetime) -> list[e.Event]:
        """What the evaluations that are over came to."""
        over, self._over = self._over, []
        facts: list[e.Event] = []
        for order, answer in over:
            results = [*answer.results, *_cut_short(order, answer, now)]
            asked = list(zip(order.questions, results, strict=False))
            causes = self._causes.get(order.name, {})
            for question, result in asked:
                fact = self._concluded(order, question, result, causes.get(question.key))
                if fact is not None:
                    facts.append(fact)
            self._ask_again(order, order.questions[len(asked) :])
        return facts

    def _concluded(
        self, order: Order, question: Question, result: Result, cause: int | None
    ) -> e.ConditionEvaluated | None:
        """One answer, as an event if it is to be written."""
        place = order.name, question.key
        if place not in self._places:
            return None  # the definitions have changed meanwhile
        self._asked_at[place] = order.at
        heapq.heappush(self._resting, (order.at + timedelta(seconds=self._places[place].node.interval_s), place))
        fact = fact_of(self.state, order.name, question, result, at=order.at, cause=cause)
        self._failures[place] = self._failures.get(place, 0) + 1 if fact.status == "failed" else 0
        return fact if is_news(self.state, fact, place) else None

    def _ask_again(self, order: Order, questions: Sequence[Question]) -> None:
        """The evaluation is over, and has not come to these."""
        self._under_way.pop(order.name, None)
        causes = self._causes.pop(order.name, {})
        for question in questions:
            if (place := (order.name, question.key)) in self._places:
                self._woken.setdefault(place, causes.get(question.key))

    # ---- what is due -------------------------------------------------------------------------------------------------

    async def start_due(self, now: datetime) -> None:
        """Have all those asked that are due at `now`."""
        for node, due in self._due(now).items():
            starting = sum(now - one.at < timedelta(seconds=STARTING_S) for one in self._under_way.values())
            if starting >= UNDER_WAY:
                return
            order = self._order(node, due[:AT_ONCE], now)
            self._under_way[node] = order
            self._causes[node] = {asked.key: self._woken.pop(asked.place, None) for asked in due[:AT_ONCE]}
            try:
                await self._evaluate(order)
            except CodeHostGone:
                self._ask_again(order, order.questions)
                return

    def _due(self, now: datetime) -> dict[str, list[Asked]]:
        """Per node, the places that are to be asked about."""
        while self._resting and self._resting[0][0] <= now:
            _, place = heapq.heappop(self._resting)
            asked = self._places.get(place)
            if asked is not None and self._asked_at[place] + timedelta(seconds=asked.node.interval_s) <= now:
                self._woken.setdefault(place, None)
        due: dict[str, list[Asked]] = {}
        for place in self._woken:
            if place[0] not in self._under_way and self._due_at(place) <= now:
                due.setdefault(place[0], []).append(self._places[place])
        return due

    def _due_at(self, place: Place) -> datetime:
        """From when one that was woken may be asked."""
        failures = min(self._failures.get(place, 0), MOST_BACKOFFS)
        return self._asked_at[place] + backoff(failures) if failures else _EARLIEST

    def _order(self, node: str, due: Sequence[Asked], now: datetime) -> Order:
        questions = tuple(question_of(self.state, asked) for asked in due)
        limit_s = self._limit_s
        return Order(
            evaluation_id=self._new_id(), kind="condition", name=node, at=now, limit_s=limit_s, questions=questions
        )

    def next_due(self, now: datetime) -> datetime | None:
        """When one may be due next, if nothing happens before."""
        waiting = [self._due_at(place) for place in self._woken if place[0] not in self._under_way]
        soonest = min([*waiting, *(at for at, _ in self._resting[:1])], default=None)
        if soonest is None:
            return None
        return soonest if soonest > now else now + timedelta(seconds=STARTING_S)  # held by the number under way


_EARLIEST = datetime.min.replace(tzinfo=UTC)


def _cut_short(order: Order, answer: Evaluated, now: datetime) -> list[Result]:
    """The answer of the call that its process did not survive."""
    if not answer.problem or len(answer.results) >= len(order.questions):
        return []
    took_s = max(0.0, (now - order.at).total_seconds() - sum(result["took_s"] for result in answer.results))
    return [{"error": {"cls": "EvaluationStopped", "message": answer.problem}, "took_s": took_s}]


def _about(event: e.Event) -> Iterator[str]:
    """The assets that something has happened to."""
    if isinstance(event, (e.ConditionEvaluated, e.Tick)):
        return
    if (key := getattr(event, "asset_key", None)) is not None:
        yield key
    for target in getattr(event, "targets", ()):
        yield target.asset_key
