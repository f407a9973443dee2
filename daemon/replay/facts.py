"""What of a log would have happened under any definitions: reports, observations, arrivals, and all that people and
sensors did. What automation and the driver of backfills wrote, and what came of it, is not among it.

Runs by hand, of schedules and of sensors are facts with all that they did; so is whatever was under way at the start.
A backfill that somebody asked for is a fact, the runs that it was made of are not: they are asked for anew. One whose
runs the caller's process made itself is a fact as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...storage import events as e

_FACTS = (
    e.AssetWiped,
    e.DynamicPartitionsAdded,
    e.DynamicPartitionsDeleted,
    e.SensorSwitched,
    e.ScheduleSwitched,
    e.SensorCursorSet,
    e.SensorEvaluated,
    e.ScheduleEvaluated,
    e.ConditionEvaluated,
)


class Facts:
    """Tells facts from what is decided again, event after event. `runs` are those under way at the start."""

    def __init__(self, runs: Iterable[str], by_caller: Iterable[str]) -> None:
        self._runs = set(runs)
        self._by_caller = set(by_caller)

    def is_decided_again(self, event: e.RunRequested) -> bool:
        """Whether automation or the driver of backfills asked for a run."""
        if event.backfill_id is not None:
            return event.backfill_id not in self._by_caller
        return event.origin == "automation"

    def holds(self, event: e.Event) -> bool:
        """Whether the next event of the log is a fact."""
        match event:
            case e.RunRequested():
                if not self.is_decided_again(event):
                    self._runs.add(event.run_id)
                return event.run_id in self._runs
            case e.RunTagged():
                return event.tagged_run in self._runs
            case e.BackfillRequested():
                if event.by_caller:
                    self._by_caller.add(event.backfill_id)
                return event.origin == "manual"
            case e.BackfillSkipped():
                return event.backfill_id in self._by_caller
            case e.BackfillEnded():
                return event.backfill_id in self._by_caller or event.status == "cancelled"
            case e.AssetMaterialized(run_id=None) | e.AssetObserved(run_id=None) | e.AssetCheckEvaluated(run_id=None):
                return True
        run_id = getattr(event, "run_id", None)
        return run_id in self._runs if run_id is not None else isinstance(event, _FACTS)
