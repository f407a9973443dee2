"""Files that arrive: a file that has landed in a watched folder is an update of the external asset that stands for it.

A file has landed when it was renamed into place (the system says so, or its inode changed after its content did), or
when size and modification time have stayed unchanged for `SETTLE_S`. What has been recorded is told by (path, size,
modification time), which is the update's data version, so that a restart compares the folder with State and records
only what is new. A file that is changed later is another update; one that vanishes is none.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from stat import S_ISREG

import anyio
import structlog
from anyio.abc import TaskGroup
from structlog.typing import FilteringBoundLogger

from ..definitions.arrival import FileArrival
from ..storage.events import AssetMaterialized
from .folder_watch import Names, changed_names

log: FilteringBoundLogger = structlog.get_logger("headwater.arrivals")

SETTLE_S = 0.2
RETRY_S = 1.0

Append = Callable[[Sequence[AssetMaterialized]], Awaitable[object]]
Recorded = Callable[[str, str], str | None]
"""The data version last recorded of (asset key, path)."""


class ArrivalWatcher:
    """Watches one folder for one external asset until cancelled."""

    def __init__(self, asset_key: str, arrival: FileArrival, *, append: Append, recorded: Recorded) -> None:
        self._asset_key, self._arrival = asset_key, arrival
        self._append, self._recorded = append, recorded
        self._folder = Path(arrival.directory)
        self._settling: dict[str, tuple[int, int]] = {}
        self._appended: dict[str, str] = {}

    async def run(self) -> None:
        """Watch until cancelled. A folder that cannot be watched is tried again and again: it harms nobody else."""
        while True:
            try:
                await self._watch()
            except* OSError as errors:
                log.warning("folder_unreadable", asset=self._asset_key, errors=[str(e) for e in errors.exceptions])
            await anyio.sleep(RETRY_S)

    async def _watch(self) -> None:
        async with anyio.create_task_group() as tasks, aclosing(changed_names(self._folder)) as changes:
            async for names in changes:
                await self._look(names, tasks)

    async def _look(self, names: Names, tasks: TaskGroup) -> None:
        """Record which of these files have landed; the others settle beside, so that a slow one holds up nobody."""
        for name, renamed in names.items():
            if renamed:
                self._settling.pop(name, None)
        waiting = await self._record({name: renamed for name, renamed in names.items() if name not in self._settling})
        if waiting:
            tasks.start_soon(self._settle, waiting)

    async def _settle(self, names: Names) -> None:
        while names:
            await anyio.sleep(SETTLE_S)
            names = await self._record({name: False for name in names if name in self._settling})

    async def _record(self, names: Names) -> Names:
        """Append the files that have landed, in one transaction; returns those that have not yet."""
        events: list[AssetMaterialized] = []
        unsettled: Names = {}
        for name in sorted(names):
            if not self._arrival.matches(name):
                continue
            partition = self._arrival.partition_of(name)
            if not _is_text(name):
                log.warning("file_name_unreadable", asset=self._asset_key, file=ascii(name))
                continue
            try:
                stat = (self._folder / name).stat()
            except FileNotFoundError:
                self._settling.pop(name, None)
                continue
            except OSError as error:  # a link to itself, a folder that may not be read
                log.warning("file_unreadable", asset=self._asset_key, file=name, error=str(error))
                continue
            if not S_ISREG(stat.st_mode):
                continue
            version = f"{stat.st_size}-{stat.st_mtime_ns}"
            if version in (self._appended.get(name), self._recorded(self._asset_key, str(self._folder / name))):
                self._settling.pop(name, None)
                continue
            if not (names[name] or self._landed(name, stat)):
                unsettled[name] = False
                continue
            self._appended[name] = version
            events.append(self._event(name, partition, stat, version))
        if events:
            await self._append(events)
            log.info("files_arrived", asset=self._asset_key, count=len(events), first=events[0].partition)
        return unsettled

    def _landed(self, name: str, stat: os.stat_result) -> bool:
        mark = (stat.st_size, stat.st_mtime_ns)
        renamed = stat.st_ctime_ns > stat.st_mtime_ns
        if renamed or self._settling.get(name) == mark:
            self._settling.pop(name, None)
            return True
        self._settling[name] = mark
        return False

    def _event(self, name: str, partition: str | None, stat: os.stat_result, version: str) -> AssetMaterialized:
        return AssetMaterialized(
            asset_key=self._asset_key,
            partition=partition,
            origin="file",
            data_version=version,
            metadata={
                "path": {"type": "path", "value": str(self._folder / name)},
                "size": {"type": "int", "value": stat.st_size},
            },
        )


def _is_text(name: str) -> bool:
    """Whether a file's name can be written into an event: one in another encoding cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
