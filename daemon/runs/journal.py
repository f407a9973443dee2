"""What a run writes: its events, brought together and appended, each time expecting that nobody else has written to it.

The first append is the claim. `write` raises ConflictError where the run belongs to somebody else, or was ended by
somebody; `leave` then still writes what has really happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...storage.batch import Expect
from ...storage.errors import ConflictError
from ...storage.events import Event, RunCancelled, RunFailed, RunSucceeded, StepStarted

Append = Callable[[Sequence[Event], Expect | None], range]
"""Writes events durably and returns their offsets; raises ConflictError where the expectation does not hold."""

LookFurther = Callable[[int], int | None]
"""The offset of an event of the run behind the given one; None where that is the newest."""

Hold = Callable[[], AbstractContextManager[Any]]
"""Holds interrupts back for as long as it is entered."""


class Journal:
    """The events of one run. `opening` are written with the claim, ahead of everything else."""

    def __init__(
        self,
        run_id: str,
        append: Append,
        *,
        position: int,
        opening: Sequence[Event] = (),
        look_further: LookFurther | None = None,
        hold: Hold = nullcontext,
    ) -> None:
        self.run_id = run_id
        self._append, self._position, self._look_further = append, position, look_further
        self._hold = hold
        self._unwritten: list[Event] = list(opening)
        self.is_claimed = False
        self._is_writing = False

    def add(self, *events: Event) -> None:
        """Events for the next append."""
        self._unwritten += events

    def tell(self, events: Sequence[Event]) -> None:
        """Write events now."""
        self.add(*events)
        self.write()

    def write(self) -> None:
        """Write what has come together, expecting that nobody else has written to the run."""
        if not self._unwritten:
            return
        expect = Expect(run_id=self.run_id, position=self._position)
        with self._hold():
            self._is_writing = True
            try:
                offsets = self._append(self._unwritten, expect)
            except ConflictError:
                self._is_writing = False  # it is known that nothing was written
                raise
            self._position = offsets[-1]
            self.is_claimed: bool = True
            self._is_writing = False
            self._unwritten = []

    def check(self) -> None:
        """Raise ConflictError where somebody else has written to the run: most likely it was cancelled."""
        newer = self._look_further(self._position) if self._look_further else None
        if newer is not None:
            raise ConflictError(f"the newest event of run {self.run_id}", expected=self._position, actual=newer)

    def leave(self) -> None:
        """Write what has happened all the same: the run is not ours any more."""
        with self._hold():
            done, self._unwritten = self._done(), []
            if done:
                self._append(done, None)

    def cancel(self) -> None:
        """End the run as cancelled: the worker was interrupted."""
        cancelled = RunCancelled(run_id=self.run_id, message="Interrupted from the keyboard.")
        was_writing, done = self._is_writing, self._done()
        self._unwritten = [*done, cancelled]
        try:
            self.write()
        except ConflictError:
            # Either the interrupt came after the commit it fell into, or somebody else has ended the run.
            if left := [cancelled] if was_writing else done:
                self._append(left, None)

    def _done(self) -> list[Event]:
        """What is still to be written and has happened, whatever becomes of the run."""
        return [event for event in self._unwritten if not isinstance(event, (StepStarted, RunSucceeded, RunFailed))]
