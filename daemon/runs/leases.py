"""The leases of all runs under one home folder, as whoever watches over the runs sees them."""

from __future__ import annotations

from pathlib import Path

from .lease import Lease, is_held, wait_released
from .stopping import stop_worker


class Leases:
    """Of runs, and of backfills that somebody does in a process of their own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def is_held(self, run_id: str) -> bool:
        return is_held(Lease.of_run(self._home, run_id).path)

    async def wait_released(self, run_id: str) -> None:
        """Return as soon as nobody works on the run."""
        await wait_released(Lease.of_run(self._home, run_id).path)

    async def stop(self, run_id: str) -> None:
        """End the worker of a run that was cancelled; returns once it has gone."""
        await stop_worker(self._home, run_id)
