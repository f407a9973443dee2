"""The moment that a tick would evaluate, now or at any offset of a log: made anew from the log alone, by a reader."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.clock import from_microseconds, to_microseconds
from ...storage.events import DefinitionsLoaded, Tick
from ...storage.folding import catch_up, suppose
from ...storage.log import EventLog
from ...storage.snapshots import newest_state
from .moment import Moment

PAGE = 5_000  # events read at a time


def moment_at(
    log: EventLog, *, through: int, at: datetime, definitions: DefinitionsSnapshot | None = None
) -> Moment | None:
    """What a tick at the instant `at` sees that has read the log through `through`; None where nothing is defined.

    `definitions` are used where they are given, else those that hold in the log there. What landed since the last Tick
    that was written counts as what has just changed.
    """

    def definitions_bytes(digest: str) -> bytes:
        if definitions is not None and digest == definitions.hash:
            return definitions.to_bytes()
        return log.definitions_bytes(digest)

    seen = _seen_by_last_tick(log, through)
    state = newest_state(log, definitions_bytes, until=seen, lazily=True)
    catch_up(state, log, through=seen)
    state.take_changes()
    arrivals: list[tuple[int, int]] = []
    while state.through < through:
        for stored in log.read(state.through, min(PAGE, through - state.through)):
            state.apply(stored)
            arrivals.append((stored.offset, stored.timestamp))
    if definitions is not None and state.definitions_hash != definitions.hash:
        suppose(state, DefinitionsLoaded(hash=definitions.hash, asset_count=len(definitions.assets)))
    if state.definitions is None:
        return None
    return Moment(
        state=state,
        definitions=state.definitions.evaluated,
        at=max(at, state.last_tick.at) if state.last_tick.at else at,
        previous_at=state.last_tick.at,
        changes=state.take_changes(),
        arrivals=arrivals,
        previously_requested=state.last_tick.requested,
    )


def _seen_by_last_tick(log: EventLog, through: int) -> int:
    last = log.query(types=["tick"], newest_first=True, limit=1, before=through + 1)
    return last[0].event.through if last and isinstance(last[0].event, Tick) else 0


def place_of(log: EventLog, at: datetime | int | None, *, now: datetime) -> tuple[int, datetime]:
    """The offset and the instant that `at` means: an offset, an instant, or (None) the end of the log and `now`.

    Raises:
        InvalidInvocationError: the log does not reach that far.
    """
    head = log.head().offset
    if at is None:
        return head, now
    if isinstance(at, int):
        if not 0 < at <= head:
            raise InvalidInvocationError(f"there is no offset {at}: the log ends at {head}.")
        return at, from_microseconds(log.read(at - 1, 1)[0].timestamp)
    wanted = to_microseconds(at)
    offsets = range(1, head + 1)
    return bisect_right(offsets, wanted, key=lambda offset: log.read(offset - 1, 1)[0].timestamp), at
