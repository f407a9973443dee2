"""The moment that a tick would evaluate, now or at any offset of a log: made anew from the log alone, by a reader.

What is news in it landed since the last tick. Ticks that decided nothing are not written at once: of the past the next
written Tick lists them; behind the last one nobody can know, and a daemon that is at work counts as having ticked about
all but the newest events (`settled`).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.clock import from_microseconds, to_microseconds
from ...storage.events import DefinitionsLoaded, Tick
from ...storage.folding import catch_up, suppose
from ...storage.log import EventLog
from ...storage.snapshots import newest_state
from .moment import Moment

PAGE = 5_000  # events read at a time
LATELY = timedelta(seconds=1)  # what landed longer ago than this a daemon at work has ticked about
LOADING = timedelta(seconds=10)  # a daemon that has started has loaded its definitions and ticked once by then


@dataclass(frozen=True, slots=True)
class _Boundary:
    """Where a tick stood: what it had read, and when it was."""

    through: int = 0
    at: datetime | None = None
    is_written: bool = True


def moment_at(
    log: EventLog,
    *,
    through: int,
    at: datetime,
    definitions: DefinitionsSnapshot | None = None,
    settled: datetime | None = None,
) -> Moment | None:
    """What a tick at the instant `at` sees that has read the log through `through`; None where nothing is defined.

    `definitions` are used where they are given, else those that hold in the log there. What landed since the tick
    before counts as what has just changed; `settled` is the instant up to which a daemon has ticked about everything.
    """

    def definitions_bytes(digest: str) -> bytes:
        if definitions is not None and digest == definitions.hash:
            return definitions.to_bytes()
        return log.definitions_bytes(digest)

    before = _tick_before(log, through, at, settled)
    state = newest_state(log, definitions_bytes, until=before.through, lazily=True)
    catch_up(state, log, through=before.through)
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
        at=max(at, before.at) if before.at else at,
        previous_at=before.at,
        changes=state.take_changes(),
        arrivals=arrivals,
        previously_requested=state.last_tick.requested if before.is_written else {},
    )


def settled_until(log: EventLog, *, now: datetime) -> datetime | None:
    """Up to which instant a daemon that is at work on the log has ticked about all that landed; None where it has not
    ticked yet, since its definitions are not loaded."""
    started = log.query(types=["daemon_started"], newest_first=True, limit=1)
    after = started[0].offset if started else 0
    first = log.query(types=["definitions_loaded", "definitions_failed", "tick"], after=after, limit=1)
    if first:
        is_at_work = first[0].event.type != "definitions_failed" or bool(
            log.query(types=["tick"], after=after, limit=1)
        )
    else:
        is_at_work = bool(started) and now - started[0].at > LOADING
    return now - LATELY if is_at_work else None


def _tick_before(log: EventLog, through: int, at: datetime, settled: datetime | None) -> _Boundary:
    """The last tick ahead of the one at `at` that has read the log through `through`."""
    last = log.query(types=["tick"], newest_first=True, limit=1, before=through + 1)
    written = last[0].event if last else None
    found = _Boundary(written.through, written.at) if isinstance(written, Tick) else _Boundary()
    for boundary in _silent(log, through, at, settled):
        if boundary.at is not None and (found.at is None or boundary.at > found.at):
            found = boundary
    return found


def _silent(log: EventLog, through: int, at: datetime, settled: datetime | None) -> list[_Boundary]:
    """The ticks behind the last written one that decided nothing, as far as they lie ahead of `at`."""
    following = log.query(types=["tick"], limit=1, after=through)
    tick = following[0].event if following else None
    if isinstance(tick, Tick):
        return [_Boundary(seen, when, False) for seen, when in tick.silent if seen <= through and when < at]
    if settled is None:
        return []
    until = min(settled, at)
    landed = offset_at(log, until)
    if log.query(types=["definitions_loaded"], after=landed, limit=1):
        return []  # what comes now is the first tick under these definitions
    return [_Boundary(min(landed, through), until, False)] if landed else []


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
    return offset_at(log, at), at


def offset_at(log: EventLog, at: datetime) -> int:
    """The last offset that had landed at an instant; 0 where none had."""
    offsets = range(1, log.head().offset + 1)
    return bisect_right(offsets, to_microseconds(at), key=lambda offset: log.read(offset - 1, 1)[0].timestamp)
