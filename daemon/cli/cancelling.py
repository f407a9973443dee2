"""Cancelling a run from the command line: the fact goes into the log, and whoever works on the run is stopped.

That is the daemon's business. Where none runs, the worker that an earlier one has left behind is stopped from here.
"""

from __future__ import annotations

from pathlib import Path

import anyio

from ...storage.batch import Expect
from ...storage.errors import ConflictError
from ...storage.events import RunCancelled
from ..leadership import running_daemon
from ..runs.stopping import stop_worker
from .catalog import log_for_reading
from .run_history import find_run, record_of
from .run_status import RunStatus


def cancel_run(home: Path, run_id: str) -> tuple[str, RunStatus]:
    """Cancel the run whose id begins so; returns its id, and how it stood."""
    with log_for_reading(home) as log:
        found = find_run(log, run_id)
        while True:  # until nobody writes to the run between the look and the word
            newest = log.query(run_id=found, newest_first=True, limit=1)[0].offset
            was = record_of(log, found).status
            if was not in (RunStatus.QUEUED, RunStatus.STARTED):
                return found, was
            cancelled = RunCancelled(run_id=found, message="cancelled by hand")
            try:
                log.append([cancelled], expect=Expect(run_id=found, position=newest))
                break
            except ConflictError:
                continue
    if was is RunStatus.STARTED and running_daemon(home) is None:
        anyio.run(stop_worker, home, found)
    return found, was
