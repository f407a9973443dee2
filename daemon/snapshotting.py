"""When the daemon takes snapshots of State, and how it goes on meanwhile.

What is taken is dumped at once, between two turns of the loop, since State must not change under it; it is encoded and
written in a thread. A snapshot that could not be written is a warning and nothing else: the next one is tried later.
"""

from __future__ import annotations

import anyio
import structlog
from anyio.abc import TaskGroup
from structlog.typing import FilteringBoundLogger

from ..storage.errors import StorageError
from ..storage.log import EventLog
from ..storage.snapshots import EVERY, dump, save
from ..storage.state import State
from ..storage.state.dumping import Dump

log: FilteringBoundLogger = structlog.get_logger("headwater.snapshots")

WORTH_IT = 1_000  # events since the last snapshot; to fold fewer takes a start no longer than to read one


class Snapshotting:
    """The snapshots of one daemon. `tasks` lives as long as its loop."""

    def __init__(self, events: EventLog, tasks: TaskGroup, *, every: int = EVERY) -> None:
        self._log, self._tasks, self._every = events, tasks, every
        self._through = 0
        self._writing = anyio.Lock()

    def begin(self, through: int) -> None:
        """State comes from a snapshot of this offset."""
        self._through = through

    def is_worth_it(self, state: State) -> bool:
        return state.through - self._through >= WORTH_IT

    def is_due(self, state: State) -> bool:
        """Whether the last is long ago and is not still being written."""
        return state.through - self._through >= self._every and not self._writing.locked()

    def take_if_due(self, state: State) -> None:
        """Take one, if one is due. Returns once it is dumped."""
        if self.is_due(state):
            self._through = state.through
            self._tasks.start_soon(self._write, dump(state))

    async def take(self, state: State) -> None:
        """Take one now; returns once it is written."""
        self._through = state.through
        await self._write(dump(state))

    async def _write(self, taken: Dump) -> None:
        async with self._writing:
            try:
                await anyio.to_thread.run_sync(save, self._log, taken)
            except StorageError as error:
                log.warning("snapshot_not_written", through=taken.through, reason=str(error))
                return
        log.info("snapshot_written", through=taken.through, assets=len(taken.assets))
