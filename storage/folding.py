"""State folded from a log: of all that is in it, and kept up with it. It starts from the newest snapshot.

This is the reader's way to State, for commands, for questions that an instance is asked, and for tests. The daemon
folds the same events in its own loop.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..definitions.snapshot import DefinitionsSnapshot
from .events import DefinitionsLoaded, Event
from .log import EventLog
from .snapshots import newest_state
from .state import State
from .uncollected import uncollected

PAGE = 5_000  # events folded at a time


@dataclass(frozen=True, slots=True)
class _Supposed:
    """An event that is folded as if it stood at the end of the log."""

    offset: int
    timestamp: int
    event: Event


def folded(log: EventLog, definitions: DefinitionsSnapshot | None = None, *, lazily: bool = False) -> State:
    """State at the end of the log, seen under `definitions`; those that hold in the log where None is given.

    Read `lazily` where the log stays open for as long as State is looked at, and only some assets are (snapshots.py).
    """
    state = _begun(log, definitions, lazily=lazily)
    catch_up(state, log)
    if definitions is not None and state.definitions_hash != definitions.hash:
        suppose(state, DefinitionsLoaded(hash=definitions.hash, asset_count=len(definitions.assets)))
    return state


def _begun(
    log: EventLog, definitions: DefinitionsSnapshot | None, *, until: int | None = None, lazily: bool = False
) -> State:
    """State of the newest snapshot, through `until` at most, which knows the bytes of `definitions` beside those of the
    log."""

    def definitions_bytes(digest: str) -> bytes:
        if definitions is not None and digest == definitions.hash:
            return definitions.to_bytes()
        return log.definitions_bytes(digest)

    return newest_state(log, definitions_bytes, until=until, lazily=lazily)


def suppose(state: State, event: Event) -> None:
    """Fold an event that is not in the log, behind all that is. Such a State cannot be kept up with the log."""
    state.apply(_Supposed(state.through + 1, state.timestamp, event))


def folded_through(
    log: EventLog, offset: int, *, supposing: DefinitionsSnapshot | None = None, lazily: bool = False
) -> State:
    """State as it was when the event at `offset` had just been folded; 0 is before the first. It may be told later that
    the definitions `supposing` were loaded, though the log does not have them."""
    state = _begun(log, supposing, until=offset, lazily=lazily)
    catch_up(state, log, through=offset)
    return state


def catch_up(state: State, log: EventLog, *, through: int | None = None) -> None:
    """Fold what has landed since, or of that what stands up to the offset `through`."""
    with uncollected():
        while through is None or state.through < through:
            page = log.read(state.through, PAGE if through is None else min(PAGE, through - state.through))
            if not page:
                return
            state.apply_all(page)
