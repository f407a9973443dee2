"""Moments as people type them: an offset, a time, or how long ago.

4711        the moment after the event at this offset
2026-03-01  this time, in the time zone of the machine unless it names one (2026-03-01T06:00Z)
2h ago      so long before now: s, min, h, d, w, or the words in full
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

from ...storage.clock import MICROSECOND, SystemClock
from ...storage.log import EventLog
from ...storage.moments import Moment, offset_of

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s+ago", re.IGNORECASE)
_UNITS = {
    "seconds": ("s", "sec", "secs", "second", "seconds"),
    "minutes": ("m", "min", "mins", "minute", "minutes"),
    "hours": ("h", "hour", "hours"),
    "days": ("d", "day", "days"),
    "weeks": ("w", "week", "weeks"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}


def parsed_moment(text: str, *, now: datetime) -> Moment:
    """The moment that `text` names.

    Raises:
        typer.BadParameter: it is none of the three.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return int(text)
    if (ago := _AGO.fullmatch(text)) is not None and (unit := _UNIT_OF.get(ago[2].lower())) is not None:
        try:
            return now - timedelta(**{unit: float(ago[1])})
        except OverflowError:
            return _BEGINNING
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no moment. Write an offset (4711), a time (2026-03-01T06:00, or with a zone "
            "2026-03-01T06:00+01:00), or how long ago ('90 min ago', '2h ago', '3 days ago')."
        ) from None


def parsed_span(text: str, *, now: datetime) -> tuple[Moment, Moment]:
    """Two moments written as A..B. An end left out is now."""
    first, dots, last = text.partition("..")
    if not dots or not first.strip():
        raise typer.BadParameter(f"{text!r} is no pair of moments. Write A..B, as in '2h ago..1h ago' or 100..200.")
    return parsed_moment(first, now=now), parsed_moment(last, now=now) if last.strip() else now


def first_at(log: EventLog, text: str) -> int:
    """The offset of the first event at or after the moment that `text` names; behind the last one where none is."""
    moment = parsed_moment(text, now=SystemClock().now())
    if isinstance(moment, datetime):
        return offset_of(log, moment - MICROSECOND if moment > _BEGINNING else moment) + 1
    return max(moment, 1)


def last_at(log: EventLog, text: str) -> int:
    """The offset of the last event up to the moment that `text` names; 0 where there is none."""
    moment = parsed_moment(text, now=SystemClock().now())
    return offset_of(log, moment) if isinstance(moment, datetime) else moment
