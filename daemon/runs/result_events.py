"""The events of a run in this process, and what they say of its steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeVar

from ...storage.events import Event, StepFailed, StepSkipped, StepStarted, StepSucceeded
from ...storage.runs import Life, Run

E = TypeVar("E", bound=Event)


class RunEvents(ABC):
    """`all_events` is what the run wrote, in order. Which events belong to a node a result says in `_belongs`."""

    def __init__(self, run_id: str, events: Sequence[Event]) -> None:
        self.run_id = run_id
        self.all_events: list[Event] = list(events)

    @abstractmethod
    def _belongs(self, event: Event, node_name: str) -> bool:
        """Whether an event is of the asset or op that goes by `node_name`."""

    @property
    def run(self) -> Run:
        """The run as an instance tells of it: its status, tags, config and selection."""
        life = Life()
        for place, event in enumerate(self.all_events):
            if event.type.startswith("run_"):
                life.take(place, 0, event)
        record = life.record()
        assert record is not None, "the run begins with its request"
        return record.run

    def events_for_node(self, node_name: str) -> list[Event]:
        """The events of one asset's step and the evaluations of its checks, in order."""
        return [event for event in self.all_events if self._belongs(event, node_name)]

    def is_node_success(self, node_name: str) -> bool:
        """Whether its step has succeeded."""
        ended = self._of_node(node_name, (StepSucceeded, StepFailed, StepSkipped))
        return bool(ended) and all(isinstance(event, StepSucceeded) for event in ended)

    def is_node_failed(self, node_name: str) -> bool:
        return bool(self._of_node(node_name, (StepFailed,)))

    def is_node_skipped(self, node_name: str) -> bool:
        return bool(self._of_node(node_name, (StepSkipped,)))

    def is_node_untouched(self, node_name: str) -> bool:
        """Whether none of its steps has started or was skipped."""
        return not self._of_node(node_name, (StepStarted, StepSkipped))

    def get_failed_step_keys(self) -> set[str]:
        return {event.step_key for event in self.get_step_failure_events()}

    def get_step_failure_events(self) -> list[StepFailed]:
        return self._of(StepFailed)

    def get_step_success_events(self) -> list[StepSucceeded]:
        return self._of(StepSucceeded)

    def get_step_skipped_events(self) -> list[StepSkipped]:
        return self._of(StepSkipped)

    def _of(self, cls: type[E]) -> list[E]:
        return [event for event in self.all_events if isinstance(event, cls)]

    def _of_node(self, node_name: str, kinds: tuple[type[Event], ...]) -> list[Event]:
        return [event for event in self.events_for_node(node_name) if isinstance(event, kinds)]
