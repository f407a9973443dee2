"""Doing the steps of a run one after the other, each tried again where its retry policy says so.

What the steps are, and which of them can start, is said by a `Work`: the plan of an asset run, or a graph of ops.

    StepStarted(1)   raises, to be tried again -> StepUpForRetry(attempt=1), the wait -> StepStarted(2) ...
                     ends, well or for good    -> its last events, then the hooks and what they did

`StepStarted` is durable before the attempt begins. The wait looks for others who write to the run meanwhile, so that a
run that was cancelled does not wait to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ...definitions.hooks import HookDefinition
from ...definitions.retries import RetryPolicy, retry_wait
from ...storage.events import Event, StepFailed, StepStarted, StepUpForRetry
from .failures import error_info
from .pause import Pause
from .step_end import StepEnd

Tell = Callable[[Sequence[Event]], None]
"""Writes events of a step that is under way."""


class Task(Protocol):
    """One step that can start."""

    @property
    def step_key(self) -> str: ...
    @property
    def retry_policy(self) -> RetryPolicy | None: ...
    @property
    def hooks(self) -> frozenset[HookDefinition]: ...
    def started(self, attempt: int) -> StepStarted:
        """The event of the beginning of its attempt of this number."""
        ...

    def attempt(self, attempt: int, tell: Tell) -> StepEnd:
        """Do it. Raises nothing but KeyboardInterrupt and ConflictError."""
        ...

    def run_hooks(self, end: StepEnd) -> list[Event]:
        """Run its hooks, and say what came of them."""
        ...


T = TypeVar("T", bound=Task)


class Work(Protocol[T]):
    """The steps of a run: which one is next, and what follows from the end of one."""

    def take(self) -> T | None:
        """A step that can start now; None where there is none until another one has ended."""
        ...

    def ended(self, task: T, end: StepEnd) -> None: ...


class Writing(Protocol):
    """Where the events of the steps go: `Journal`, or from inside a step `StepJournal`."""

    run_id: str

    def add(self, *events: Event) -> None: ...
    def write(self) -> None: ...
    def tell(self, events: Sequence[Event]) -> None: ...
    def check(self) -> None: ...


def drive(work: Work[T], journal: Writing, pause: Pause) -> None:
    """Do all of `work` in this process."""
    while (task := work.take()) is not None:
        attempt = 1
        while True:
            journal.add(task.started(attempt))
            journal.write()
            end = task.attempt(attempt, journal.tell)
            again = retry_of(task, end, attempt, journal.run_id, pause.random())
            if again is None:
                break
            journal.tell([again])
            pause.wait(again.wait_s, journal.check)
            attempt += 1
        journal.add(*end.events)
        work.ended(task, end)
        if wanted_hooks(task, end):
            journal.write()  # a hook may take its time
            journal.add(*task.run_hooks(end))


def retry_of(task: Task, end: StepEnd, attempt: int, run_id: str, random: float) -> StepUpForRetry | None:
    """The event that says that the step will be tried again; None where it ended. `random` is from 0 up to 1."""
    if end.error is None:
        return None
    wait_s = retry_wait(end.error, task.retry_policy, attempt=attempt, random=random)
    if wait_s is None:
        return None
    failed = next((event for event in end.events if isinstance(event, StepFailed)), None)
    return StepUpForRetry(
        run_id=run_id,
        step_key=task.step_key,
        asset_key=failed.asset_key if failed else None,
        partition=failed.partition if failed else None,
        error=failed.error if failed else error_info(end.error),
        attempt=attempt,
        wait_s=wait_s,
    )


def wanted_hooks(task: Task, end: StepEnd) -> list[HookDefinition]:
    """The hooks that run after such an end, in the order of their names."""
    on = "success" if end.error is None else "failure"
    return sorted((hook for hook in task.hooks if hook.on == on), key=lambda hook: hook.name)
