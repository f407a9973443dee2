"""How long steps took, as a log has it: what the same steps are supposed to take in another course of events."""

from __future__ import annotations

from statistics import median

from ...storage import events as e
from ...storage.log import EventLog
from ..runs.plan import StepPlan

PAGE = 5_000  # events read at a time
Step = tuple[str, str]
"""A run and the key of a step in it."""


class Durations:
    """In seconds, by step and by what it made. Only steps that succeeded count for what a step takes; all that ended
    count for what a run cost."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, tuple[e.Target, ...]], float] = {}
        self._all: dict[str, list[float]] = {}
        self._medians: dict[str, float] = {}
        self._of_runs: dict[str, float] = {}
        self.unmeasured: set[str] = set()
        """The steps that were asked about and have never succeeded in the log: they are taken to cost nothing."""

    @classmethod
    def of(cls, log: EventLog) -> Durations:
        durations = cls()
        started: dict[Step, tuple[int, tuple[e.Target, ...]]] = {}
        after, types = 0, ["step_started", "step_succeeded", "step_failed"]
        while page := log.query(types=types, after=after, limit=PAGE):
            for stored in page:
                match event := stored.event:
                    case e.StepStarted():
                        started[event.run_id, event.step_key] = stored.timestamp, event.targets
                    case e.StepSucceeded() | e.StepFailed():
                        began = started.pop((event.run_id, event.step_key), None)
                        if began is not None:
                            took_s = (stored.timestamp - began[0]) / 1_000_000
                            durations._note(event, began[1], took_s)
            after = page[-1].offset
        durations._medians = {step_key: median(all_of_it) for step_key, all_of_it in durations._all.items()}
        return durations

    def _note(self, ended: e.StepSucceeded | e.StepFailed, targets: tuple[e.Target, ...], took_s: float) -> None:
        self._of_runs[ended.run_id] = self._of_runs.get(ended.run_id, 0.0) + took_s
        if isinstance(ended, e.StepSucceeded):
            self._exact[ended.step_key, targets] = took_s
            self._all.setdefault(ended.step_key, []).append(took_s)

    def of_run(self, run_id: str) -> float:
        """What the steps of a recorded run took together."""
        return self._of_runs.get(run_id, 0.0)

    def expected(self, step: StepPlan) -> float:
        """What a step would take: as long as when it last made the same, else the median of all that it made."""
        exact = self._exact.get((step.step_key, () if step.only_checks else step.targets))
        if exact is not None:
            return exact
        if step.step_key not in self._medians:
            self.unmeasured.add(step.step_key)
        return self._medians.get(step.step_key, 0.0)
