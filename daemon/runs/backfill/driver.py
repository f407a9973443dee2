"""The driver of backfills: from what has landed to the runs that come next.

Decides like a tick: pure over State and an instant, called between the fold and the append, its events written under
the leader's term. At most `window` runs of a backfill are requested and not ended, so that a backfill of 100,000
partitions is a few runs ahead of the workers and no more; when one ends, another is requested.

It must be asked only when State has folded all that it decided before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyroaring import BitMap

from ....storage import events as e
from ....storage.state import BackfillProgress, BackfillState, State
from ...evaluation.moment import Moment
from ...evaluation.timers import backoff
from .frontier import Frontier
from .slicing import Slice, Unit, slices_of, units_of

BACKFILL_TAG = "headwater/backfill"
"""The tag of the runs of a backfill: its id."""


@dataclass(slots=True)
class Steps:
    """What is to be appended in one transaction, and when to look again even if nothing lands."""

    events: list[e.Event] = field(default_factory=list)
    next_due: datetime | None = None
    requested: dict[str, BitMap] = field(default_factory=dict)
    """What the runs among them make, by asset: another backfill leaves it alone meanwhile."""

    def due(self, at: datetime) -> None:
        self.next_due = at if self.next_due is None else min(at, self.next_due)


@dataclass(slots=True)
class _Driven:
    """What the driver has worked out about one backfill under the definitions in force."""

    frontier: Frontier
    units: list[Unit]
    due: datetime | None = None
    """When a partition that was lost to infrastructure may be tried again."""


class BackfillDriver:
    """Drives all active backfills, or the one that is its caller's `own`.

    `lives` tells whether the process that makes the runs of a backfill itself is still there.
    """

    def __init__(
        self,
        state: State,
        *,
        run_id: Callable[[], str],
        window: int,
        lives: Callable[[str], bool] = lambda backfill_id: True,
        own: str | None = None,
    ) -> None:
        self.state = state
        self._run_id, self._window, self._lives, self._own = run_id, window, lives, own
        self._driven: dict[str, _Driven] = {}
        self._definitions = ""

    def decide(self, at: datetime) -> Steps:
        """The next steps of every backfill that can go on."""
        steps = Steps()
        backfills, definitions = self.state.backfills, self.state.definitions
        touched = backfills.take_touched()
        if definitions is None or not (backfills.active or backfills.orphans):
            self._driven.clear()
            return steps
        if self._definitions != self.state.definitions_hash:
            self._definitions = self.state.definitions_hash
            self._driven.clear()
        for gone in self._driven.keys() - backfills.active.keys():
            del self._driven[gone]
        if self._own is None:
            message = "its backfill is over"
            steps.events += [e.RunCancelled(run_id=run_id, message=message) for run_id in sorted(backfills.orphans)]
        moment = Moment(self.state, definitions, at, None)
        for backfill_id, backfill in backfills.active.items():
            if self._is_mine(backfill):
                self._drive(backfill, moment, touched.get(backfill_id), steps)
            elif self._own is None and not self._lives(backfill_id):
                message = "the process that made its runs is gone"
                steps.events.append(ended(self.state, backfill_id, "cancelled", message))
        return steps

    def _is_mine(self, backfill: BackfillState) -> bool:
        return backfill.backfill_id == self._own if self._own is not None else not backfill.by_caller

    def _drive(self, backfill: BackfillState, moment: Moment, touched: set[str] | None, steps: Steps) -> None:
        driven = self._driven.get(backfill.backfill_id)
        if driven is None:
            frontier = Frontier(moment, backfill.keys)
            driven = self._driven[backfill.backfill_id] = _Driven(frontier, units_of(frontier, moment.definitions))
        elif touched is None and (driven.due is None or driven.due > moment.at):
            if driven.due is not None:
                steps.due(driven.due)
            return
        progress = self.state.backfills.progress(backfill.backfill_id)
        skips = driven.frontier.advance(moment, progress, touched or set())
        steps.events += [self._skip(backfill, by_asset, reason) for reason, by_asset in skips.items()]
        if skips:
            return  # the rest is decided when they are folded: at once
        driven.due = None
        slices, held = self._slices(backfill, driven, progress, moment, steps.requested)
        for one in slices:
            for key in one.assets:
                driven.frontier.request(key, one.bits)
                steps.requested[key] = steps.requested.get(key, BitMap()) | one.bits
            steps.events.append(self._run(backfill, one))
        if driven.due is not None:
            steps.due(driven.due)
        if slices or backfill.runs:
            return
        left = {key: one.waiting for key, one in progress.items() if one.waiting}
        if not left:
            status = "failed" if any(one.failed_count for one in progress.values()) else "succeeded"
            steps.events.append(ended(self.state, backfill.backfill_id, status))
        elif not held:
            steps.events.append(self._skip(backfill, left, "not_possible"))

    def _slices(
        self,
        backfill: BackfillState,
        driven: _Driven,
        progress: Mapping[str, BackfillProgress],
        moment: Moment,
        requested: Mapping[str, BitMap],
    ) -> tuple[list[Slice], bool]:
        """The runs to request now, and whether anything that is ready is held back for the moment."""
        found: list[Slice] = []
        held = {unit: self._held(unit, driven, moment, requested) for unit in driven.units}
        for as_it_is in (False, True):
            for unit in driven.units:
                limit = self._window - len(backfill.runs) - len(found)
                found += slices_of(unit, driven.frontier, progress, held=held[unit], limit=limit, as_it_is=as_it_is)
            if found or backfill.runs:
                break
        return found, any(held.values())

    def _held(self, unit: Unit, driven: _Driven, moment: Moment, requested: Mapping[str, BitMap]) -> BitMap:
        """Ready partitions that another run is making, or that wait for the end of a back-off."""
        held = BitMap()
        for key in unit.assets:
            asset, ready = self.state.asset(key), driven.frontier.ready[key]
            held |= ready & asset.run_in_progress
            if key in requested:
                held |= ready & requested[key]
            for ordinal in ready & BitMap(asset.table.setbacks) if asset.table.setbacks else ():
                setback = asset.table.setbacks[ordinal]
                again = datetime.fromtimestamp(setback.at / 1_000_000, UTC) + backoff(setback.count)
                if again > moment.at:
                    held.add(ordinal)
                    driven.due = again if driven.due is None else min(again, driven.due)
        return held

    def _run(self, backfill: BackfillState, one: Slice) -> e.RunRequested:
        assert self.state.definitions is not None
        assets = self.state.definitions.assets
        together = self.state.definitions.made_together  # with what the backfill has not to make, or no more
        made = dict.fromkeys(other for key in one.assets for other in together.get(key, (key,)))
        return e.RunRequested(
            run_id=self._run_id(),
            targets=tuple(self._target(key, one.bits) for key in made),
            checks=tuple(
                e.PlannedCheck(asset_key=key, name=check.name, blocking=check.blocking)
                for key in made
                for check in assets[key].checks
            ),
            origin="backfill",
            definitions=self.state.definitions_hash,
            priority=backfill.priority,
            tags={**backfill.tags, BACKFILL_TAG: backfill.backfill_id},
            run_config=backfill.run_config,
            backfill_id=backfill.backfill_id,
        )

    def _skip(self, backfill: BackfillState, by_asset: Mapping[str, BitMap], reason: str) -> e.Event:
        targets = tuple(self._target(key, bits) for key, bits in by_asset.items())
        return e.BackfillSkipped(backfill_id=backfill.backfill_id, targets=targets, reason=reason)  # type: ignore[arg-type]

    def _target(self, key: str, bits: BitMap) -> e.Target:
        space = self.state.space(key)
        is_whole = len(bits) == 1 and space.key(bits.min()) is None
        return e.Target(asset_key=key, partitions=None if is_whole else space.ranges(bits))


def ended(state: State, backfill_id: str, status: str, message: str = "") -> e.BackfillEnded:
    """The end of an active backfill, with what came of each of its assets."""
    counts = [
        e.BackfillCount(
            asset_key=key,
            done=len(one.done),
            failed=one.failed_count,
            left=len(one.unmade) + len(one.made),
        )
        for key, one in state.backfills.progress(backfill_id).items()
    ]
    return e.BackfillEnded(backfill_id=backfill_id, status=status, counts=tuple(counts), message=message)  # type: ignore[arg-type]
