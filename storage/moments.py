"""Moments of a log: an offset, or an instant, which is the offset of the last event that had been committed by then."""

from __future__ import annotations

from datetime import datetime

from ..definitions.errors import InvalidInvocationError
from .clock import to_microseconds
from .log import EventLog

Moment = int | datetime
"""An offset (the event there counts, 0 is before the first), or an instant with its time zone."""


def offset_of(log: EventLog, moment: Moment) -> int:
    """The offset that a moment stands for.

    Raises:
        InvalidInvocationError: an instant has no time zone, or the log does not go as far as an offset.
    """
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise InvalidInvocationError(f"{moment} has no time zone. Give it one, such as tzinfo=UTC.")
        return _offset_at(log, to_microseconds(moment))
    head = log.head().offset
    if not 0 <= moment <= head:
        raise InvalidInvocationError(
            f"there is no offset {moment}: this log goes from 1 to {head}, and 0 is before it."
        )
    return moment


def _offset_at(log: EventLog, micros: int) -> int:
    """The offset of the last event with a timestamp of at most `micros`; 0 where there is none. Order of offsets is
    order of time, so that it takes a look at one event for each doubling of the log."""
    low, high = 0, log.head().offset
    while low < high:
        middle = (low + high + 1) // 2
        found = log.read(middle - 1, 1)
        if found and found[0].timestamp <= micros:
            low = max(middle, found[0].offset)
        else:
            high = middle - 1
    return low
