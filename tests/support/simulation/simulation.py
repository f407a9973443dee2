"""The whole daemon under a virtual clock and one seed: weeks of operation in seconds, any failure, and nothing wrong.

    await Simulation(seed=7, days=14).run()

The store, the loop with all its parts, queue, supervisor, sensing, freshness and backfills are the real ones, put
together as the daemon does (`daemon/assembly.py`); only hosts, workers and leases are played (`workers.py`). Whatever
happens stands in one calendar and happens at its instant; between two instants the loop takes turns until it would
sleep. All chance comes from the seed.

Two phases. At first anything may break, and after each step nothing wrong may stand in the log or in the daemon
(`invariants.py`). Then the faults stop, and everything has to become fresh.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from headwater.daemon.assembly import Parts, Settings, assemble, record_loaded, state_before_last_tick
from headwater.daemon.host.client import CodeHostGone, Evaluated, Exited, LaunchFailed
from headwater.daemon.host.orders import Order
from headwater.daemon.host.source import CodeSource
from headwater.daemon.loop import POLL_S
from headwater.daemon.runs.plan import RunPlan
from headwater.daemon.snapshotting import Snapshotting
from headwater.storage import events as e
from headwater.storage.clock import VirtualClock
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog, Expect
from headwater.storage.memory import MemoryStore
from headwater.storage.snapshots import dump, save
from headwater.storage.state import State
from headwater.storage.wakeup import LocalWakeups

from ..both_evaluators import BothEvaluators
from . import project
from .invariants import Invariants, check_whole
from .workers import STATUS_KILLED, STATUS_LEFT, PlayedHost, PlayedLeases, Project, Worker

START = datetime(2026, 3, 1, tzinfo=UTC)
MAX_TURNS = 2_000  # at one instant; a loop that does not come to rest decides the same again and again


class Crash(BaseException):
    """The daemon is killed here."""


class SimulatedLog(EventLog):
    """Commits at once, in the caller; `crash` kills the daemon at its next append, before or after the commit."""

    crash: str = ""

    async def append_async(
        self, events: Sequence[e.Event], *, expect: Expect | None = None, blobs: Mapping[str, bytes] | None = None
    ) -> range:
        await anyio.lowlevel.checkpoint()
        how, self.crash = self.crash, ""
        if how == "before":
            raise Crash
        offsets = self.append(events, expect=expect, blobs=blobs)
        if how == "after":
            raise Crash
        return offsets


class PromptSnapshots(Snapshotting):
    """Writes a snapshot when it is taken, where the real one writes it meanwhile."""

    def take_if_due(self, state: State) -> None:
        if self.is_due(state):
            self.begin(state.through)
            save(self._log, dump(state))


class Simulation:
    def __init__(self, seed: int, *, days: float = 14, faults: bool = True) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        self.clock, self.ids = VirtualClock(START), SeededIds(seed)
        self.log = SimulatedLog(MemoryStore(), LocalWakeups(), clock=self.clock, ids=self.ids)
        self.leases = PlayedLeases()
        self.workers: dict[str, Worker] = {}
        self.variants = [Project.of(one) for one in project.variants()]
        self.source = self.variants[0]
        self.faults, self.ends_at = faults, timedelta(days=days)
        self.elapsed, self.skew = timedelta(0), timedelta(0)
        self._calendar: list[tuple[timedelta, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.settings = Settings(
            max_concurrent_runs=self.rng.choice([1, 2, 4, 10]), backfill_above=self.rng.choice([2, 100])
        )
        self.snapshot_every = self.rng.choice([50, 400, 3_000])
        self.invariants = Invariants(self.log)
        self._stop = ""
        self.turns = self.starts = 0

    # ---- time --------------------------------------------------------------------------------------------------------

    def at(self, delay: timedelta | float, what: Callable[[], None]) -> None:
        delay = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
        heapq.heappush(self._calendar, (self.elapsed + delay, next(self._order), what))

    def _move_to(self, elapsed: timedelta) -> None:
        self.elapsed = max(elapsed, self.elapsed)
        self.clock.set(START + self.elapsed + self.skew)

    # ---- the daemon's lives ------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Everything: the faults, the rest, and what must hold of the whole log."""
        self._plan_chance()
        while self.elapsed < self.ends_at:
            await self._live(self.ends_at)
        self._end_faults()
        rest = self.ends_at + timedelta(days=3)
        while self.elapsed < rest:
            await self._live(rest)
            if self.elapsed >= rest and self.invariants.open_runs:
                rest += timedelta(minutes=7)
                assert rest < self.ends_at + timedelta(days=4), f"these runs do not end: {self.invariants.open_runs}"

    async def _live(self, until: timedelta) -> None:
        """One daemon, from its start to its crash, its stop or to the end of the phase."""
        self.starts += 1
        self._stop = ""
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            try:
                parts, host = self._start(tasks)
                await self._operate(parts, host, until)
                if self._stop == "clean" or self.elapsed >= until:
                    await self._stop_cleanly(parts, tasks)
            except Crash:
                pass
            except Exception as error:
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            failure.add_note(str(self))
            raise failure
        self.log.crash = ""
        if self.elapsed < until and self.faults:
            self._sleep_through(timedelta(seconds=self.rng.choice([0, 1, 60, 7_200, 200_000])))

    def _start(self, tasks: TaskGroup) -> tuple[Parts, PlayedHost]:
        term = self.log.take_lead("simulated")
        state = state_before_last_tick(self.log)
        host = PlayedHost(CodeSource(module="simulated"), lambda plan: self._launch(host, plan))

        async def evaluate(order: Order) -> None:
            if host.current is None or host.current.snapshot.hash != state.definitions_hash:
                raise CodeHostGone(host.source)
            host.evaluate(order, self.log)

        parts = assemble(
            state,
            self.log,
            host,
            self.leases,
            PromptSnapshots(self.log, tasks, every=self.snapshot_every),
            evaluate=evaluate,
            settings=self.settings,
            clock=self.clock,
            ids=self.ids,
            term=term,
            tasks=tasks,
            evaluator=BothEvaluators,
        )
        parts.loop.catch_up()
        parts.runs.resume()
        self.invariants.check_restart(state)
        self.host, self.term = host, term
        return parts, host

    async def _operate(self, parts: Parts, host: PlayedHost, until: timedelta) -> None:
        loads_at = self.elapsed + timedelta(seconds=2)
        while self._stop == "":
            if (host.current is None and self.elapsed >= loads_at) or (
                host.current is not None and host.current is not self.source
            ):
                host.current = self.source
                await record_loaded(self.log, self.source.snapshot, term=self.term)
            due = await self._turn_until_rest(parts, host)
            next_at = min(until, self.elapsed + max(due - self.clock.now(), timedelta(0)))
            if host.current is None:
                next_at = min(next_at, max(loads_at, self.elapsed))
            if self._calendar and self._calendar[0][0] <= next_at:
                self._happen()
                late = self.elapsed + timedelta(seconds=POLL_S)
                while self._calendar and self._calendar[0][0] <= min(late, until) and self.rng.random() < 0.3:
                    self._happen()  # and its wake-up was lost: the loop sees both at once
            elif next_at >= until:
                self._move_to(until)
                return
            else:
                self._move_to(next_at)
            if host.current is None and loads_at < self.elapsed - timedelta(seconds=2):
                loads_at = self.elapsed + timedelta(seconds=1)

    def _happen(self) -> None:
        at, _, what = heapq.heappop(self._calendar)
        self._move_to(at)
        what()

    async def _turn_until_rest(self, parts: Parts, host: PlayedHost) -> datetime:
        for _ in range(MAX_TURNS):
            heard, host.outbox = host.outbox, []
            for message in heard:
                if isinstance(message, Exited | LaunchFailed):
                    host.in_flight.discard(message.run_id)
                    parts.runs.hear(message)
                elif isinstance(message, Evaluated):
                    host.evaluating.discard(message.evaluation_id)
                    parts.sensing.hear(message)
                else:
                    parts.sensing.hear(message)
                    parts.runs.hear(message)
            due = await parts.loop.turn()
            self.turns += 1
            for _ in range(3):
                await anyio.lowlevel.checkpoint()  # those who watch leases
            self.invariants.check_step(parts, self.clock.now())
            if due is not None and not host.outbox and not parts.loop.is_nudged:
                self.invariants.check_rest(parts, host, self.leases)
                return due
        raise AssertionError(f"{self}: the loop does not come to rest")

    async def _stop_cleanly(self, parts: Parts, tasks: TaskGroup) -> None:
        self.log.crash = ""
        parts.runs.accepting = False
        tasks.start_soon(parts.loop.run)
        await parts.loop.finish()
        self.log.append([e.DaemonStopped(term=self.term, reason="signal")])

    def _sleep_through(self, span: timedelta) -> None:
        """Nobody leads; workers and the world go on."""
        end = self.elapsed + span
        while self._calendar and self._calendar[0][0] <= end:
            self._happen()
        self._move_to(end)

    # ---- workers -----------------------------------------------------------------------------------------------------

    def _launch(self, host: PlayedHost, plan: RunPlan) -> None:
        generation = host.generation
        if self.faults and self.rng.random() < 0.03:
            self.at(1, lambda: self._tell(host, generation, LaunchFailed(plan.run_id, "it did not start")))
            return
        if not self.leases.take(plan.run_id):
            host.outbox.append(Exited(plan.run_id, 0))
            return
        worker = Worker(plan, self.log, self._fails, generation)
        self.workers[plan.run_id] = worker
        self.at(0.003, lambda: self._work(host, worker))

    def _work(self, host: PlayedHost, worker: Worker) -> None:
        if self.workers.get(worker.plan.run_id) is not worker:
            return
        if self.faults and self.rng.random() < 0.02:
            status = self.rng.choice([STATUS_KILLED, STATUS_LEFT]) if worker.under_way else STATUS_KILLED
            self._gone(host, worker, status)
            return
        worker.act()
        if worker.over:
            self._gone(host, worker, 0)
        else:
            long = [0.001, 1, 30, 600, 5_000] if worker.under_way and self.faults else [0.001]
            self.at(self.rng.choice(long), lambda: self._work(host, worker))

    def _gone(self, host: PlayedHost, worker: Worker, status: int) -> None:
        del self.workers[worker.plan.run_id]
        self.leases.release(worker.plan.run_id)
        self._tell(host, worker.generation, Exited(worker.plan.run_id, status))

    def _tell(self, host: PlayedHost, generation: int, message: Exited | LaunchFailed) -> None:
        if host.generation == generation:  # it has not died meanwhile
            host.outbox.append(message)

    def _fails(self, name: str) -> bool:
        if not self.faults:
            return False
        return self.rng.random() < (0.7 if name in ("stubborn", "promised") else 0.1)

    # ---- what happens by chance --------------------------------------------------------------------------------------

    def _plan_chance(self) -> None:
        chances: list[tuple[float, Callable[[], None]]] = [
            (3, self._report),
            (20, self._observe_gate),
            (30, self._make_by_hand),
            (40, self._cancel),
            (30, self._restart),
            (60, self._crash),
            (40, self._reload),
            (50, self._host_dies),
            (60, self._jump),
            (25, self._customer),
            (40, self._switch),
            (60, self._backfill),
            (80, self._wipe),
        ]
        for hours, what in chances:
            self._again(hours, what, first=True)

    def _again(self, hours: float, what: Callable[[], None], *, first: bool = False) -> None:
        def then() -> None:
            if self.faults:
                what()
                self._again(hours, what)

        self.at(self.rng.expovariate(1 / hours) * 3_600, then)

    def _days(self) -> list[str]:
        """The newest partitions that exist, by the clock as it stands."""
        today = max(self.clock.now(), self.invariants.newest).date()
        return [
            str(today - timedelta(days=n)) for n in (1, 2, 3, 4) if str(today - timedelta(days=n)) >= project.FIRST_DAY
        ]

    def _report(self) -> None:
        day, name = self.rng.choice(self._days() or [project.FIRST_DAY]), self.rng.choice(project.NAMES)
        key, partition = self.rng.choice([("source", None), ("inbox", day), ("inbox", day), ("account", name)])
        if self.rng.random() < 0.3:
            version = self.rng.choice("abc")
            self.log.append([e.AssetObserved(asset_key=key, partition=partition, data_version=version)])
        else:
            self.log.append([e.AssetMaterialized(asset_key=key, partition=partition, origin="report")])

    def _observe_gate(self) -> None:
        day = self.rng.choice(self._days() or [project.FIRST_DAY])
        passed = self.rng.random() < 0.6
        self.log.append(
            [e.AssetCheckEvaluated(asset_key="clean", check_name="sound", partition=day, passed=passed, blocking=True)]
        )

    def _make_by_hand(self) -> None:
        if self.rng.random() < 0.5:
            self.log.append([e.AssetMaterialized(asset_key=self.rng.choice(["one", "total"]), origin="report")])
        else:
            target = e.Target(asset_key=self.rng.choice(["one", "two", "total"]))
            self.log.append([e.RunRequested(run_id=self.ids.new_id(), targets=(target,), origin="manual")])

    def _cancel(self) -> None:
        if open_runs := list(self.invariants.open_runs):
            self.log.append([e.RunCancelled(run_id=self.rng.choice(open_runs))])

    def _restart(self) -> None:
        self._stop = "clean"

    def _crash(self) -> None:
        self.log.crash = self.rng.choice(["before", "after"])

    def _reload(self) -> None:
        self.source = self.rng.choice(self.variants)

    def _host_dies(self) -> None:
        self.host.die()

    def _jump(self) -> None:
        self.skew += timedelta(seconds=self.rng.choice([-86_400, -3_600, -30, 30, 3_600, 40_000]))
        self._move_to(self.elapsed)

    def _customer(self) -> None:
        kind = self.rng.choice([e.DynamicPartitionsAdded, e.DynamicPartitionsAdded, e.DynamicPartitionsDeleted])
        self.log.append([kind(name="customers", keys=(self.rng.choice(project.NAMES),))])

    def _switch(self) -> None:
        modes: list[e.AutomationMode] = ["on", "on", "paused", "dry_run"]
        mode = self.rng.choice(modes)
        assets = self.rng.choice([(), (), ("one",), ("raw", "profile")])
        self.log.append([e.AutomationSwitched(mode=mode, assets=assets)])
        self.at(self.rng.choice([600, 30_000]), self._resume)

    def _resume(self) -> None:
        self.log.append([e.AutomationSwitched(mode="on")])

    def _backfill(self) -> None:
        parts = [(day, day) for day in self._days()]
        targets = [
            e.Target(asset_key=key, partitions=tuple(parts[:n])) for key, n in (("raw", 3), ("clean", 2)) if parts
        ]
        targets += [e.Target(asset_key="total")]
        backfill_id = self.ids.new_id()
        self.log.append([e.BackfillRequested(backfill_id=backfill_id, targets=tuple(targets))])

    def _wipe(self) -> None:
        self.log.append([e.AssetWiped(asset_key=self.rng.choice(["one", "stubborn"]))])

    # ---- the end -----------------------------------------------------------------------------------------------------

    def _end_faults(self) -> None:
        """From here on steps succeed, gates are open and automation is on."""
        self.faults = False
        self.log.crash = ""
        self.source = self.variants[0]
        self.skew = max(self.skew, timedelta(0), self.invariants.newest - START - self.elapsed)
        self._move_to(self.elapsed)
        self.log.append([e.AutomationSwitched(mode="on")])
        self.log.append([e.DynamicPartitionsAdded(name="customers", keys=project.NAMES)])
        for partition in self.invariants.shut_gates():
            self.log.append(
                [
                    e.AssetCheckEvaluated(
                        asset_key="clean", check_name="sound", partition=partition, passed=True, blocking=True
                    )
                ]
            )

    def check_end(self) -> None:
        """What must hold of the whole log, now that everything has come to rest."""
        check_whole(self.log, self.clock.now())

    def __str__(self) -> str:
        where = f"at {self.clock.now().isoformat()}, offset {self.log.head().offset}"
        return f"seed {self.seed} {where}, {self.turns} turns, {self.starts} daemons"
