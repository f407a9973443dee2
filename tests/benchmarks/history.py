"""Back to a moment of a long log: 1 million events of runs of 1,000 assets, and what was so at its end and half-way.

Also how long it takes to find the offset of an instant, and what changed over the last hundredth of the log.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Effort, Figure, Target, scratch_folder, timed

from headwater import AssetSpec, Definitions
from headwater.definitions.snapshot import DefinitionsSnapshot
from headwater.storage import History
from headwater.storage import events as e
from headwater.storage.log import EventLog

ASSETS = 1_000
RUNS_AT_ONCE = 1_000  # appended in one piece
TARGET_MS = Target(1_000)
WHERE = "reading and folding each event since the last snapshot; half of it is decoding"


def history(effort: Effort) -> list[Figure]:
    size = effort.of(1_000_000, 10_000)
    with scratch_folder() as home, EventLog.in_file(home) as log:
        write(log, size)
        moments = History(log)
        head = log.head().offset
        middle = log.read(head // 2, 1)[0].at
        measured: list[tuple[str, Callable[[], object], Target | None]] = [
            ("its end", lambda: moments.at(head), TARGET_MS),
            ("its middle", lambda: moments.at(head // 2), TARGET_MS),
            ("an instant, its offset alone", lambda: moments.offset_of(middle), None),
            ("a difference over its last hundredth", lambda: moments.diff(head - size // 100, head), None),
        ]
        return [
            Figure(
                name=f"log of {size:,} events: {name}",
                value=round(timed(call) * 1_000, 3),
                unit="ms",
                target=target if not effort.quick else None,
                where=WHERE,
            )
            for name, call, target in measured
        ]


def write(log: EventLog, size: int) -> None:
    """Runs of one asset each, five events a run."""
    definitions = DefinitionsSnapshot.of(Definitions(assets=[AssetSpec(f"asset_{n}") for n in range(ASSETS)]))
    log.append([e.DefinitionsLoaded(hash=definitions.hash)], blobs={definitions.hash: definitions.to_bytes()})
    for first in range(0, size // 5, RUNS_AT_ONCE):
        log.append([event for n in range(first, first + RUNS_AT_ONCE) for event in run(n)])


def run(number: int) -> list[e.Event]:
    run_id, key = f"run-{number}", f"asset_{number % ASSETS}"
    targets = (e.Target(asset_key=key),)
    return [
        e.RunRequested(run_id=run_id, targets=targets, origin="automation"),
        e.StepStarted(run_id=run_id, step_key=key, targets=targets),
        e.AssetMaterialized(asset_key=key, run_id=run_id, step_key=key),
        e.StepSucceeded(run_id=run_id, step_key=key, took_s=1.0),
        e.RunSucceeded(run_id=run_id),
    ]
