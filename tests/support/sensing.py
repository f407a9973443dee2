"""A world with schedules and sensors: what the loop does with them, under the virtual clock and in this process.

    world = SensingWorld()
    world.define(AssetSpec("inbox"), orders, sensors=[on_inbox])
    world.sense()
    world.report("inbox")
    assert [run.job_name for run in world.sense()] == ["orders_job"]

`lose_next` throws the answer of the next evaluation away, as a host that dies does; `stop_next` has it killed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from headwater.daemon.host.client import Evaluated
from headwater.daemon.host.evaluate import evaluate
from headwater.daemon.host.orders import Order
from headwater.daemon.host.reload import HostDied
from headwater.daemon.sensing.sensing import Sensing
from headwater.storage import events as e
from headwater.storage.instance import Instance
from support.world import World


class SensingWorld(World):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.orders: list[Order] = []
        self.lose_next = False
        self.stop_next = ""
        self.sensing = self._sensing()

    def _sensing(self) -> Sensing:
        return Sensing(self.state, self.log, self._evaluate, new_id=self.ids.new_id)

    async def _evaluate(self, order: Order) -> None:
        self.orders.append(order)
        if self.lose_next:
            self.lose_next = False
            self.sensing.hear(HostDied(-9, frozenset(), frozenset([order.evaluation_id])))
            return
        told: list[str] = []
        problem, self.stop_next = self.stop_next, ""
        if not problem:
            evaluate(
                self.definitions,
                Order.from_bytes(order.to_bytes()),
                open_instance=lambda: Instance(self.log, Path()),
                tell=lambda result: told.append(json.dumps(result)),
            )
        self.sensing.hear(Evaluated(order.evaluation_id, tuple(map(json.loads, told)), problem))

    def sense(self) -> list[e.RunRequested]:
        """Turn until nothing more is due now; returns the runs that schedules and sensors asked for."""
        asked: list[e.RunRequested] = []
        for _ in range(1000):
            landed = self.log.read(self.state.through, 100_000)
            self.settle()
            landed += self.log.read(landed[-1].offset if landed else self.state.through, 100_000)
            self.sensing.observe([stored for stored in landed if stored.offset <= self.state.through])
            facts = self.sensing.conclude(self.clock.now())
            if facts:
                self.append(*facts)
                asked += [fact for fact in facts if isinstance(fact, e.RunRequested)]
                continue
            count = len(self.orders)
            anyio.run(self.sensing.start_due, self.clock.now())
            if len(self.orders) == count:
                return asked
        raise AssertionError("it never came to rest")

    def until(self, at: str) -> list[e.RunRequested]:
        """Go on to an instant, from one that is due to the next; returns the runs that were asked for."""
        end = datetime.fromisoformat(at).astimezone(UTC)
        asked = self.sense()
        while (due := self.sensing.next_due(self.clock.now())) is not None and due <= end:
            self.clock.set(max(due, self.clock.now()))
            asked += self.sense()
        self.clock.set(end)
        return asked + self.sense()

    def restart(self) -> None:
        super().restart()
        for stored in self.log.read(self.state.through, 1_000_000):
            self.state.apply(stored)
        self.state.take_changes()
        self.sensing = self._sensing()
        self.sensing.observe([])

    def evaluations(self, name: str) -> list[Any]:
        """The recorded evaluations of one schedule or sensor, oldest first."""
        found = self.log.query(types=["sensor_evaluated", "schedule_evaluated"], limit=100_000)
        return [stored.event for stored in found if getattr(stored.event, "name", "") == name]
