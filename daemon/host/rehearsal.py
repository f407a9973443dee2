"""A run of nothing, before there is a run: what it imports, warms up and maps, no run has to wait for.

Python imports late, compiles validators late and specialises bytecode where it has run a few times; without a rehearsal
in the host all of this would be paid again in every child (8 ms of 17). It goes the whole way of a worker (opening a
log, claim, step, end) in a folder of its own that is gone afterwards; no code of the user's takes part.

A forked child shares the host's pages until it writes to them, and writing to a reference count is enough. A spare
worker therefore rehearses again, in memory, while it has nothing else to do.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...definitions.asset import asset
from ...definitions.asset_sensors import AssetSensorDefinition
from ...definitions.definitions import Definitions
from ...definitions.requests import RunRequest
from ...definitions.sensors import SensorDefinition
from ...storage.batch import Expect
from ...storage.events import AssetMaterialized, Event, RunRequested, Target
from ...storage.instance import Instance
from ...storage.log import EventLog, StoredEvent
from ...storage.opening import prepare_store
from ..runs.execute import execute_run
from ..runs.lease import Lease
from ..runs.plan import RunPlan, StepPlan
from .evaluate import evaluate
from .orders import Order, Result

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
        _evaluate()
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
    steps = (StepPlan(step_key="rehearsal", targets=(Target(asset_key="rehearsal"),)),)
    plan = RunPlan(run_id=run_id, requested_offset=offsets[-1], steps=steps)

    def append(events: Sequence[Event], expect: Expect | None) -> range:
        return log.append(events, expect=expect)

    execute_run(_DEFINITIONS, RunPlan.from_bytes(plan.to_bytes()), append, home=home)


def _evaluate() -> None:
    """Evaluate sensors that ask for nothing."""
    event = StoredEvent(1, "", 0, AssetMaterialized(asset_key="rehearsal"))
    for _ in range(TIMES):
        for name, events in (("on_time", ()), ("on_event", (event,))):
            order = Order(evaluation_id="", kind="sensor", name=name, at=datetime.now(UTC), limit_s=1, events=events)
            evaluate(_DEFINITIONS, Order.from_bytes(order.to_bytes()), open_instance=Instance.ephemeral, tell=_encode)


def _encode(result: Result) -> None:
    json.dumps(result)


def _asks(context: Any, event: Any = None) -> RunRequest:
    return RunRequest(run_key=context.cursor, tags={"kind": getattr(event, "event_type", "")})


@asset(name="rehearsal")
def _nothing() -> None:
    return None


_DEFINITIONS = Definitions(
    assets=[_nothing],
    sensors=[
        SensorDefinition("on_time", evaluation_fn=_asks, target=_nothing),
        AssetSensorDefinition("on_event", "rehearsal", evaluation_fn=_asks, target=_nothing),
    ],
)
