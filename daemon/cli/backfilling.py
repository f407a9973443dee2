"""Backfilling from the command line: through the daemon, or in this process where none runs.

Through the daemon the command writes what is to be made, and then only watches the log: stopping it stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ...definitions.keys import AssetKey
from ...definitions.selection import AssetSelection
from ...storage.clock import SystemClock
from ...storage.events import BackfillEnded, BackfillRequested
from ...storage.folding import PAGE
from ...storage.ids import SystemIds
from ...storage.log import EventLog
from ...storage.snapshots import newest_state
from ...storage.state import State
from ..host.source import CodeSource
from ..runs.backfill.local import LocalBackfill
from ..runs.configuring import checked_run_config
from .backfill_history import AssetCount, counts_now
from .backfill_targets import Partitions, backfill_targets
from .catalog import catch_up, last_recorded, load
from .output import stdout_to_stderr
from .progress import progress_bar
from .settings import required_source
from .targets import known_asset, selected


@dataclass(frozen=True, slots=True)
class Detached:
    """The daemon goes on with it alone."""

    backfill_id: str


Look = Callable[[tuple[AssetCount, ...]], None]


class Backfilling:
    """One backfill of the command line, over an open log.

    Through the daemon the definitions are those that it has loaded, unless `source` names others to know of; in this
    process `source` is what is run.
    """

    def __init__(self, log: EventLog, home: Path, source: CodeSource | None, *, through_daemon: bool) -> None:
        self._log, self._home, self._source, self._through_daemon = log, home, source, through_daemon
        self._clock = SystemClock()
        recorded = last_recorded(log) if through_daemon and source is None else None
        self._definitions = None if recorded is not None else load(source or required_source(None, None, home))
        self._snapshot = recorded or self._definitions.snapshot()  # type: ignore[union-attr]
        self.state: State = newest_state(log) if through_daemon else State.pinned(self._snapshot)
        catch_up(self.state, log)

    def order(
        self,
        what: str | list[str],
        partitions: Partitions,
        *,
        run_config: Mapping[str, Any] | None,
        title: str,
        priority: int,
        tags: dict[str, str],
    ) -> BackfillRequested:
        """What is to be made of a selection or of several assets, checked; it may be nothing."""
        if not isinstance(what, str):
            what = str(AssetSelection.assets(*[known_asset(self._snapshot, key).key for key in what]))
        assets, _ = selected(self._snapshot, what)
        targets = backfill_targets(self.state, self._snapshot, assets, partitions, at=self._clock.now())
        config: dict[str, Any] = {}
        if run_config is not None:
            if self._definitions is None:
                self._definitions = load(required_source(None, None, self._home))
            keys = [AssetKey.from_user_string(asset.key) for asset in assets]
            config = checked_run_config(run_config, self._definitions, keys)
        return BackfillRequested(
            backfill_id=SystemIds().new_id(),
            targets=tuple(targets),
            origin="manual",
            definitions=self._snapshot.hash,
            title=title,
            priority=priority,
            tags=tags,
            run_config=config,
            by_caller=not self._through_daemon,
        )

    def run(self, order: BackfillRequested, *, detach: bool, quiet: bool) -> BackfillEnded | Detached:
        """Have it made, and wait for its end.

        Raises:
            KeyboardInterrupt: ctrl-C; through the daemon it goes on, in this process it is cancelled.
        """
        if not self._through_daemon:
            assert self._definitions is not None
            backfill = LocalBackfill(
                order,
                self._definitions,
                self.state,
                self._log,
                home=self._home,
                clock=self._clock,
                ids=SystemIds(),
            )
            with progress_bar("Backfill") as tell, stdout_to_stderr() if quiet else nullcontext():
                return backfill.run(lambda: _telling(tell)(counts_now(self.state, order.backfill_id)))
        self._log.append([order])
        if detach:
            say_it_goes_on(order.backfill_id)
            return Detached(order.backfill_id)
        try:
            with progress_bar("Backfill") as tell:
                return watched(self._log, self.state, order.backfill_id, _telling(tell))
        except KeyboardInterrupt:
            say_it_goes_on(order.backfill_id)
            raise


def watched(log: EventLog, state: State, backfill_id: str, look: Look) -> BackfillEnded:
    """Follow the log until the backfill is over."""
    with log.subscribe() as woken:
        while True:
            while page := log.read(state.through, PAGE):
                for stored in page:
                    state.apply(stored)
                    if isinstance(stored.event, BackfillEnded) and stored.event.backfill_id == backfill_id:
                        return stored.event
            if backfill_id in state.backfills.active:
                look(counts_now(state, backfill_id))
            woken.wait_blocking()


def _telling(tell: Callable[[int, int], None]) -> Look:
    """Moves a progress bar with what is done and failed of all assets together."""
    return lambda counts: tell(sum(one.settled for one in counts), sum(one.total for one in counts))


def say_it_goes_on(backfill_id: str) -> None:
    typer.echo(
        f"Backfill {backfill_id} goes on in the daemon. `headwater backfill show {backfill_id}` tells how far it is, "
        f"`headwater backfill cancel {backfill_id}` stops it.",
        err=True,
    )
