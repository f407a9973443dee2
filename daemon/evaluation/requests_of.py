"""The runs and backfills that were to make an asset, as the log has them, and what became of the last one."""

from __future__ import annotations

from collections.abc import Iterator

from pyroaring import BitMap

from ...storage import events as e
from ...storage.log import EventLog, StoredEvent
from ...storage.state import State
from .waiting import Wait

MOST_RUNS = 200  # runs, newest first, among which the one is looked for that was to make a partition


def requests_of(
    log: EventLog, state: State, key: str, concerned: BitMap, *, through: int, most: int = MOST_RUNS
) -> Iterator[StoredEvent]:
    """Runs and backfills that were to make some of the partitions, newest first."""
    types, space = ["run_requested", "backfill_requested"], state.space(key)
    for stored in log.query(types=types, newest_first=True, limit=most, before=through + 1):
        assert isinstance(stored.event, e.RunRequested | e.BackfillRequested)
        own = (target for target in stored.event.targets if target.asset_key == key)
        if any(target.partitions is None or space.bits(target.partitions) & concerned for target in own):
            yield stored


def given_up(log: EventLog, state: State, key: str, concerned: BitMap, *, through: int) -> Wait | None:
    """That the last attempt failed or was cancelled, and so counts as one that has read what there was."""
    requests = requests_of(log, state, key, concerned, through=through)
    last = next((stored.event for stored in requests if isinstance(stored.event, e.RunRequested)), None)
    if last is None:
        return None
    again = f"it is asked for again when something new happens, or by hand: headwater asset materialize --select {key}"
    for stored in log.query(run_id=last.run_id, types=["step_failed", "run_cancelled"]):
        event = stored.event
        if stored.offset > through:
            return None
        if isinstance(event, e.StepFailed) and event.asset_key == key and state.asset(key).table.failed & concerned:
            why = f"{event.error.cls}: {event.error.message}"
            return Wait(
                "failed", f"its last attempt failed ({why}; run {last.run_id}) and has read what there was: {again}"
            )
        if isinstance(event, e.RunCancelled) and not _made_since(log, key, last.run_id, through):
            return Wait("cancelled", f"its last attempt was cancelled (run {last.run_id}): {again}")
    return None


def _made_since(log: EventLog, key: str, run_id: str, through: int) -> bool:
    """Whether the asset was made in the run, or after it was requested."""
    requested = log.query(run_id=run_id, types=["run_requested"], limit=1)[0].offset
    made = log.query(asset_key=key, types=["asset_materialized"], after=requested, limit=1)
    return bool(made) and made[0].offset <= through
