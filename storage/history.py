"""History: what was so at any moment of a log, and what changed between two.

    with EventLog.open(home) as log:
        history = History(log)
        then = history.at(datetime(2026, 3, 1, 6, tzinfo=UTC))
        print(then.assets["orders"].missing, [run.run_id for run in then.runs])
        print(history.diff(1_000, 2_000).to_json())

A moment is an offset or an instant. Nothing is guessed: each answer is State folded to that moment.
"""

from __future__ import annotations

from datetime import datetime

from ..definitions.errors import InvalidInvocationError
from .as_of import AsOf, as_of
from .between import Between, flipped, freshness_of, redefined, refreshed, results_of
from .clock import from_microseconds
from .folding import folded_through
from .log import EventLog
from .moments import Moment, offset_of
from .state import State

PAGE = 5_000  # events folded at a time


class History:
    """All moments of one log, which stays its caller's to close."""

    def __init__(self, log: EventLog) -> None:
        self.log = log

    def offset_of(self, moment: Moment) -> int:
        """The offset of the last event that had been committed at a moment; 0 is before the first."""
        return offset_of(self.log, moment)

    def state(self, moment: Moment) -> State:
        """State as it was, for whoever wants to know more than `at` tells."""
        return folded_through(self.log, self.offset_of(moment))

    def at(self, moment: Moment) -> AsOf:
        """What was so at a moment: assets, checks, freshness, runs and backfills.

        An instant is taken as it is: partitions that had come to exist by then are there, whenever the last event was.

        Raises:
            InvalidInvocationError: an instant without a time zone, or an offset that the log does not have.
        """
        state = self.state(moment)
        return as_of(state, _instant(moment, state))

    def diff(self, first: Moment, last: Moment) -> Between:
        """What changed from the one moment to the other.

        Raises:
            InvalidInvocationError: they stand in the wrong order, or are not moments of this log.
        """
        offset_first, offset_last = self.offset_of(first), self.offset_of(last)
        if offset_first > offset_last:
            raise InvalidInvocationError(f"{last} is before {first}. Give the earlier moment first.")
        state = folded_through(self.log, offset_first)
        at_first = _instant(first, state)
        checks, freshness = results_of(state), freshness_of(state)
        definitions, hash = state.definitions, state.definitions_hash
        between = Between(offset_first, offset_last, at_first, at_first)
        while state.through < offset_last:
            for stored in self.log.read(state.through, min(PAGE, offset_last - state.through)):
                between.take(stored, state)
                state.apply(stored)
        between.at_last = _instant(last, state)
        between.checks = flipped(checks, results_of(state))
        between.freshness = refreshed(freshness, freshness_of(state))
        between.definitions = redefined(definitions, state.definitions, (hash, state.definitions_hash))
        return between


def _instant(moment: Moment, state: State) -> datetime:
    return moment if isinstance(moment, datetime) else from_microseconds(state.timestamp)
