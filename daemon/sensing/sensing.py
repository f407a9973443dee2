"""Sensing: has what is due evaluated, and turns what came of it into events: schedules, sensors, and (`conditions.py`)
conditions that users wrote in Python.

One task calls it, the daemon's loop, between two steps of the fold, so what it reads of State stands in the log.
At most one evaluation of a schedule or sensor is under way, and its successor is looked for only when its outcome has
been folded. Of evaluations that have just begun at most `STARTING` are under way at once; one that hangs stops counting
after `STARTING_S`, so that hanging sensors keep nobody else waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from ...definitions.automation_snapshot import AUTOMATION
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from ...storage.state import State
from ..host.client import CodeHostGone, Evaluated
from ..host.orders import Order
from ..host.reload import HostDied
from .conditions import ConditionAsking
from .outcome import facts_of
from .timing import NextInstants, missed_instants, sensor_due_at
from .watchers import Watchers

LIMIT_S = 60.0
"""How long one evaluation may take."""

STARTING, STARTING_S = 16, 1.0

RETOLD_AFTER = timedelta(minutes=10)
"""An evaluation that came to the same as the one before is written this seldom."""

Name = tuple[str, str]
"""The kind ("sensor" or "schedule") and the name: the two have their own names."""


class Sensing:
    """Schedules and sensors of one daemon. `evaluate` has an order evaluated; its answer comes through `hear`."""

    def __init__(
        self,
        state: State,
        log: EventLog,
        evaluate: Callable[[Order], Awaitable[None]],
        *,
        new_id: Callable[[], str],
        limit_s: float = LIMIT_S,
    ) -> None:
        self.state = state
        self._evaluate, self._new_id, self._limit_s = evaluate, new_id, limit_s
        self._watchers = Watchers(state, log)
        self._instants = NextInstants()
        self._under_way: dict[Name, Order] = {}
        self._over: list[tuple[Order, Evaluated]] = []
        self._evaluated_at: dict[str, datetime] = {}
        self._repeats: dict[str, int] = {}
        self._definitions: DefinitionsSnapshot | None = None
        self._conditions = ConditionAsking(state, evaluate, new_id=new_id, limit_s=limit_s)

    # ---- what happened -----------------------------------------------------------------------------------------------

    def observe(self, events: Sequence[StoredEvent]) -> None:
        """Take note of events that the fold has just seen."""
        definitions = self.state.definitions
        if definitions is not None and definitions is not self._definitions:
            self._definitions = definitions
            self._watchers.load(definitions)
        self._watchers.observe(events)
        self._conditions.observe(events)
        for stored in events:
            if isinstance(stored.event, (e.SensorCursorSet, e.SensorSwitched)):
                self._evaluated_at.pop(stored.event.name, None)

    def hear(self, message: Evaluated | HostDied) -> None:
        """A host's word about evaluations; acted upon by the next `conclude`. Those of a dead host are made again."""
        self._conditions.hear(message)
        gone = message.evaluations if isinstance(message, HostDied) else {message.evaluation_id}
        for name, order in list(self._under_way.items()):
            if order.evaluation_id in gone:
                if isinstance(message, Evaluated):
                    self._over.append((order, message))
                else:
                    del self._under_way[name]

    def conclude(self, now: datetime) -> list[e.Event]:
        """What the evaluations that are over came to: to be appended as one transaction."""
        over, self._over = self._over, []
        facts: list[e.Event] = []
        for order, answer in over:
            self._under_way.pop((order.kind, order.name), None)
            if order.kind == "sensor":
                self._evaluated_at[order.name] = order.at
            outcome = facts_of(self.state, order, answer.results, answer.problem, now=now, new_run_id=self._new_id)
            facts += self._worth_telling(order, outcome)
        return facts + self._conditions.conclude(now)

    def _worth_telling(self, order: Order, outcome: list[e.Event]) -> list[e.Event]:
        """All of it, unless a sensor on time came to nothing, as it did before."""
        only = outcome[0] if len(outcome) == 1 else None
        if not isinstance(only, e.SensorEvaluated) or only.event_offset is not None:
            return outcome
        last = self.state.automation.sensors[order.name].last
        if last is not None and _says_the_same(only, last) and only.at - last.at < RETOLD_AFTER:
            self._repeats[order.name] = self._repeats.get(order.name, 0) + 1
            return []
        return [only.model_copy(update={"repeats": self._repeats.pop(order.name, 0)})]

    # ---- what is due -------------------------------------------------------------------------------------------------

    async def start_due(self, now: datetime) -> None:
        """Have everything evaluated that is due at `now`."""
        await self._conditions.start_due(now)
        for order in self._due(now):
            starting = sum(now - other.at < timedelta(seconds=STARTING_S) for other in self._under_way.values())
            if starting >= STARTING:
                return
            self._under_way[order.kind, order.name] = order
            try:
                await self._evaluate(order)
            except CodeHostGone:
                self._under_way.pop((order.kind, order.name), None)
                return

    def _due(self, now: datetime) -> Iterator[Order]:
        definitions, automation = self.state.definitions, self.state.automation
        if definitions is None:
            return
        for name, defined in definitions.schedules.items():
            schedule = automation.schedules[name]
            if ("schedule", name) in self._under_way or not schedule.is_on(defined):
                continue
            if self._instants.of(schedule, defined) <= now:
                instants, missed = missed_instants(schedule, defined, now=now)
                yield self._order("schedule", name, now, scheduled_at=instants[0], missed=missed)
        for name, defined in definitions.sensors.items():
            if defined.watches == AUTOMATION:
                continue
            sensor = automation.sensors[name]
            if ("sensor", name) in self._under_way or not sensor.is_on(defined):
                continue
            if defined.watches and name not in self._watchers.woken:
                continue
            if sensor_due_at(sensor, defined, self._evaluated_at.get(name), now=now) > now:
                continue
            events = self._watchers.pending(sensor, defined) if defined.watches else ()
            if defined.watches and not events:
                self._watchers.woken.discard(name)
                continue
            yield self._order(
                "sensor",
                name,
                now,
                cursor=sensor.cursor,
                last_run_key=sensor.last_run_key,
                last_completed_s=sensor.last.at.timestamp() + sensor.last.took_s if sensor.last else None,
                events=events,
            )

    def next_due(self, now: datetime) -> datetime | None:
        """When something may be due next, if nothing happens before."""
        definitions, automation = self.state.definitions, self.state.automation
        if definitions is None:
            return None
        instants: list[datetime] = []
        if (due := self._conditions.next_due(now)) is not None:
            instants.append(due)
        for name, defined in definitions.schedules.items():
            if ("schedule", name) not in self._under_way and automation.schedules[name].is_on(defined):
                instants.append(self._instants.of(automation.schedules[name], defined))
        for name, defined in definitions.sensors.items():
            if defined.watches == AUTOMATION:
                continue
            sensor = automation.sensors[name]
            waits = not defined.watches or name in self._watchers.woken
            if waits and ("sensor", name) not in self._under_way and sensor.is_on(defined):
                instants.append(sensor_due_at(sensor, defined, self._evaluated_at.get(name), now=now))
        soonest = min(instants, default=None)
        held = soonest is not None and soonest <= now  # by the number of those that are starting
        return now + timedelta(seconds=STARTING_S) if held else soonest

    def _order(self, kind: Literal["sensor", "schedule"], name: str, now: datetime, **more: Any) -> Order:
        return Order(evaluation_id=self._new_id(), kind=kind, name=name, at=now, limit_s=self._limit_s, **more)


def _says_the_same(one: e.SensorEvaluated, other: e.SensorEvaluated) -> bool:
    if one.status == "requested" or one.cursor is not None or one.status != other.status:
        return False
    messages = [said.error.message if said.error else said.skip_reason for said in (one, other)]
    return messages[0] == messages[1]
