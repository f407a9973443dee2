"""Hot reload: there is always the newest code host whose sources load, and the daemon hears of each change.

    started ── loads ──> current ── sources changed ──> a newer one is started beside it
                            │                              ├ loads: becomes current; the old one is retired and ends
                            │                              │        with its last worker
                            │                              └ fails: reported; the old one stays
                            └ dies by itself: reported; started again, later each time it dies young

A change that comes while a host is loading ends that attempt and starts the next. `HostSupervisor.run` is a service:
start it in a task group, read `events`, stop it by cancelling. It decides nothing about runs; it reports.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream

from ...definitions.snapshot import DefinitionsSnapshot
from ..runs.plan import RunPlan
from .client import CodeHost, CodeHostFailed, CodeHostGone, Evaluated, Exited, LaunchFailed
from .orders import Order
from .source import CodeSource
from .watch import changes

RESTART_FIRST_S, RESTART_LIMIT_S = 0.1, 30.0
YOUNG_S = 60.0
"""A host that dies younger than this doubles the wait before the next one."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """These definitions hold from here on; the host that has them is `current`."""

    snapshot: DefinitionsSnapshot
    fork_unsafe: str | None = None


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The sources cannot be loaded; the definitions before, if there are any, stay in force."""

    errors: tuple[str, ...]
    traceback: str


@dataclass(frozen=True, slots=True)
class HostDied:
    """A host ended that nobody had asked to. Of its `runs` no `Exited` will come: those whose workers live hold their
    leases, the others have never been claimed or are orphans."""

    status: int | None
    runs: frozenset[str]
    evaluations: frozenset[str] = frozenset()
    """Of these no `Evaluated` will come."""


HostEvent = Loaded | LoadFailed | HostDied | Exited | LaunchFailed | Evaluated


class HostSupervisor:
    """Keeps a code host for `source`, and passes on what all its hosts say as `events`."""

    def __init__(
        self,
        source: CodeSource,
        home: Path,
        *,
        start_method: Literal["fork", "spawn"] = "fork",
        reload: bool = True,
    ) -> None:
        self.source: CodeSource = source
        self.home: Path = home.absolute()
        self.current: CodeHost | None = None
        # Unbounded, so that a slow reader never holds up a host; it holds a few small messages for each run in flight.
        self._send, events = anyio.create_memory_object_stream[HostEvent](math.inf)
        self.events: MemoryObjectReceiveStream[HostEvent] = events
        self._start_method: Literal["fork", "spawn"] = start_method
        self._reload = reload
        self._hosts: set[CodeHost] = set()
        self._load_wanted = anyio.Event()
        self._young_deaths = 0

    async def launch(self, plan: RunPlan) -> None:
        """Launch a run on the current host.

        Raises:
            CodeHostGone: there is none at the moment. Launch again after the next `Loaded`.
        """
        if self.current is None:
            raise CodeHostGone(self.source)
        await self.current.launch(plan)

    async def evaluate(self, order: Order) -> None:
        """Have a schedule or a sensor evaluated on the current host.

        Raises:
            CodeHostGone: there is none at the moment. Try again after the next `Loaded`.
        """
        if self.current is None:
            raise CodeHostGone(self.source)
        await self.current.evaluate(order)

    def reload(self) -> None:
        """Load the sources anew, changed or not."""
        self._load_wanted.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Load, watch and reload until cancelled. Hosts then end by themselves; workers go on."""
        try:
            async with anyio.create_task_group() as tasks:
                if self._reload:
                    tasks.start_soon(self._watch)
                task_status.started()
                while True:
                    await self._load(tasks)
                    await self._load_wanted.wait()
        finally:
            with anyio.CancelScope(shield=True):  # bounded by aclose itself
                async with anyio.create_task_group() as closing:
                    for host in self._hosts:
                        closing.start_soon(host.aclose)
            self._hosts.clear()
            self.current = None
            self._send.close()

    async def _watch(self) -> None:
        stop = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_set_when_cancelled, stop)
            async for _ in changes(self.source.watched, home=self.home, stop=stop):
                self._load_wanted.set()

    async def _load(self, tasks: TaskGroup) -> None:
        """One attempt to load; returns early, and without a result, when a newer one is wanted."""
        self._load_wanted = wanted = anyio.Event()
        host: CodeHost | None = None
        async with anyio.create_task_group() as attempt:

            async def give_up() -> None:
                await wanted.wait()
                attempt.cancel_scope.cancel()

            attempt.start_soon(give_up)
            try:
                host = await CodeHost.start(self.source, self.home, start_method=self._start_method)
            except CodeHostFailed as error:
                self._send.send_nowait(LoadFailed(error.errors, error.traceback))
            attempt.cancel_scope.cancel()
        if host is None:
            return
        old, self.current = self.current, host
        self._hosts.add(host)
        self._send.send_nowait(Loaded(host.snapshot, host.fork_unsafe))
        tasks.start_soon(self._listen, host)
        if old is not None:
            old.retire()

    async def _listen(self, host: CodeHost) -> None:
        """Pass on what a host says, and see to what follows when it ends."""
        born = anyio.current_time()
        while (message := await host.receive()) is not None:
            self._send.send_nowait(message)
        self._hosts.discard(host)
        died, runs, evaluations = not host.is_retired, frozenset(host.in_flight), frozenset(host.evaluating)
        host.in_flight.clear()
        host.evaluating.clear()
        await host.aclose()
        if host is self.current:
            self.current = None
        if died or runs or evaluations:
            self._send.send_nowait(HostDied(host.returncode, runs, evaluations))
        if died:
            await self._back_off(lived_s=anyio.current_time() - born)
            if self.current is None:
                self._load_wanted.set()

    async def _back_off(self, *, lived_s: float) -> None:
        self._young_deaths = 0 if lived_s > YOUNG_S else self._young_deaths + 1
        await anyio.sleep(min(RESTART_FIRST_S * 2**self._young_deaths, RESTART_LIMIT_S))


async def _set_when_cancelled(event: anyio.Event) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        event.set()
