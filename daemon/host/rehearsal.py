"""A run of nothing, before there is a run: what it imports, warms up and maps, no run has to wait for.

Python imports late, compiles validators late and specialises bytecode where it has run a few times; without a rehearsal
in the host all of this would be paid again in every child (8 ms of 17). It goes the whole way of a worker (opening a
log, claim, step, end) in a folder of its own that is gone afterwards; no code of the user's takes part.

A forked child shares the host's pages until it writes to them, and writing to a reference count is enough. A spare
worker therefore rehearses again, in memory, while it has nothing else to do.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from ...definitions.asset import asset
from ...definitions.definitions import Definitions
from ...storage.batch import Expect
from ...storage.events import Event, RunRequested, Target
from ...storage.log import EventLog
from ...storage.opening import prepare_store
from ..runs.execute import execute_run
from ..runs.lease import Lease
from ..runs.plan import RunPlan, StepPlan

TIMES = 3
"""More helps no more: what has run eight times is specialised, and a run does most things several times."""


def rehearse(home: Path) -> None:
    """Go through a few runs of nothing. A failure is written to standard error and otherwise of no consequence.

    The log that it writes to is a file of its own, wherever the log of `home` is; for that one only what needs no
    connection is made ready.
    """
    prepare_store(home)
    folder = Path(tempfile.mkdtemp(prefix="headwater-"))
    try:
        for number in range(TIMES):
            run_id = f"rehearsal-{number}"
            with EventLog.in_file(folder) as log, Lease.of_run(folder, run_id):
                _run(log, folder, run_id)
        rehearse_in_memory()
    except Exception:  # a full /tmp must not keep the host from serving
        print("The rehearsal failed; the first runs will be slower.", file=sys.stderr)
        traceback.print_exc()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rehearse_in_memory() -> None:
    """Go through one run of nothing that touches no file."""
    with EventLog.memory() as log:
        _run(log, Path("/nowhere"), "rehearsal")


def _run(log: EventLog, home: Path, run_id: str) -> None:
    offsets = log.append([RunRequested(run_id=run_id, targets=(Target(asset_key="rehearsal"),))])
    steps = (StepPlan(step_key="rehearsal", targets=(("rehearsal", None),)),)
    plan = RunPlan(run_id=run_id, requested_offset=offsets[-1], steps=steps)

    def append(events: Sequence[Event], expect: Expect | None) -> range:
        return log.append(events, expect=expect)

    execute_run(_DEFINITIONS, RunPlan.from_bytes(plan.to_bytes()), append, home=home)


@asset(name="rehearsal")
def _nothing() -> None:
    return None


_DEFINITIONS = Definitions(assets=[_nothing])
