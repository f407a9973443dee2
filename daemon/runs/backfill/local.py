"""A backfill in the process of the caller: the driver's decisions, and one run after the other here.

The caller holds a lease under the backfill's id: while it is held, a daemon on the same home leaves the backfill alone,
and when it is given up before the end, the daemon cancels what is left. Each run is requested and claimed in one
transaction and worked on under a lease of its own, as every run that is made in the caller's process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ....definitions.definitions import Definitions
from ....storage import events as e
from ....storage.clock import Clock
from ....storage.ids import IdSource
from ....storage.instance import Instance
from ....storage.log import EventLog, Expect
from ....storage.state import State
from ..execute import RunExecution
from ..handing import handed_inputs
from ..interrupts import held_interrupts
from ..lease import Lease
from ..planning import build_plan
from ..toolbox import Toolbox
from .driver import BackfillDriver, ended

PAGE = 5_000  # events folded at a time


class LocalBackfill:
    """One backfill that this process makes. `state` sees `log` under the definitions' snapshot."""

    def __init__(
        self,
        request: e.BackfillRequested,
        definitions: Definitions,
        state: State,
        log: EventLog,
        *,
        home: Path,
        clock: Clock,
        ids: IdSource,
    ) -> None:
        self.backfill_id: str = request.backfill_id
        self._request, self._definitions, self._state, self._log = request, definitions, state, log
        self._home, self._clock = home, clock
        self._snapshot = definitions.snapshot()
        self._driver = BackfillDriver(state, run_id=ids.new_id, window=1, own=self.backfill_id)

    def run(self, look: Callable[[], None] = lambda: None) -> e.BackfillEnded:
        """Make it, to its end. `look` is called whenever something has changed in State.

        Raises:
            KeyboardInterrupt: it was interrupted, and is recorded as cancelled.
        """
        with Lease.of_run(self._home, self.backfill_id):
            blobs = {self._snapshot.hash: self._snapshot.to_bytes()}
            self._log.append([self._request], blobs=blobs)
            try:
                return self._to_the_end(look)
            except KeyboardInterrupt:
                self._catch_up()
                if self.backfill_id in self._state.backfills.active:
                    self._log.append([ended(self._state, self.backfill_id, "cancelled", "interrupted")])
                raise

    def _to_the_end(self, look: Callable[[], None]) -> e.BackfillEnded:
        while (end := self._catch_up()) is None:
            look()
            steps = self._driver.decide(self._clock.now())
            runs = [event for event in steps.events if isinstance(event, e.RunRequested)]
            if others := [event for event in steps.events if not isinstance(event, e.RunRequested)]:
                self._log.append(others)
            for run in runs:
                self._execute(run)
            if not steps.events:
                self._wait()
        return end

    def _wait(self) -> None:
        """Another run is making what comes next: until the log grows."""
        with self._log.subscribe() as woken:
            if self._log.head().offset == self._state.through:
                woken.wait_blocking()

    def _execute(self, request: e.RunRequested) -> None:
        plan = build_plan(
            self._snapshot,
            request.run_id,
            0,
            request.targets,
            request.checks,
            inputs=handed_inputs(self._state, self._snapshot, request.targets, at=self._clock.now()),
            read_through=self._state.through,
            run_config=request.run_config,
            run_tags=request.tags,
        )

        def append(events: Sequence[e.Event], expect: Expect | None) -> range:
            return self._log.append(events, expect=expect)

        toolbox = Toolbox(
            self._definitions,
            request.run_id,
            home=self._home,
            run_tags=request.tags,
            run_config=request.run_config,
            instance=lambda: Instance(self._log, self._home),
            hold_interrupts=held_interrupts,
        )
        with Lease.of_run(self._home, request.run_id):
            RunExecution(plan, toolbox, append, opening=[request]).run()

    def _catch_up(self) -> e.BackfillEnded | None:
        """Fold what has landed; returns the end of this backfill if it is among it."""
        end = None
        while page := self._log.read(self._state.through, PAGE):
            for stored in page:
                self._state.apply(stored)
                if isinstance(stored.event, e.BackfillEnded) and stored.event.backfill_id == self.backfill_id:
                    end = stored.event
        return end
