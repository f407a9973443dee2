"""Exclusions: windows of time that do not exist, such as weekends and holidays.

An exclusion is a cron schedule or a datetime. It takes out the windows that *start* at one of its instants; the windows
around them stay as they are, and so does the numbering.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from ..errors import InvalidDefinitionError
from .calendars import Calendar
from .key_forms import local_wall
from .rhythms import calendar_of_cron


class Exclusions:
    """The windows of `calendar` that do not exist."""

    def __init__(self, given: Sequence[str | date | datetime], calendar: Calendar, fmt: str) -> None:
        if isinstance(given, (str, date)):
            raise InvalidDefinitionError(f"exclusions is a list; did you mean [{given!r}]?")
        self.crons: list[str] = [item for item in given if isinstance(item, str)]
        self.moments: list[datetime] = [
            local_wall(item, fmt, calendar.zone, what="an exclusion") for item in given if not isinstance(item, str)
        ]
        self._calendar = calendar
        self._rhythms = [calendar_of_cron(cron, calendar.timezone) for cron in self.crons]
        self._single = frozenset(n for moment in self.moments if (n := self._window_at(moment)) is not None)

    def has(self, ordinal: int) -> bool:
        """Whether a window is excluded."""
        if ordinal in self._single:
            return True
        return any(self._starts(rhythm, ordinal) for rhythm in self._rhythms)

    def among(self, first: int, end: int) -> list[int]:
        """The excluded ones of the windows `first` to `end`, without `end`, in order."""
        found = {ordinal for ordinal in self._single if first <= ordinal < end}
        for rhythm in self._rhythms:
            found.update(self._hit(rhythm, first, end))
        return sorted(found)

    def to_json(self) -> list[Any]:
        return [*self.crons, *({"moment": moment.isoformat()} for moment in self.moments)]

    @staticmethod
    def from_json(data: Sequence[Any]) -> list[str | datetime]:
        return [item if isinstance(item, str) else datetime.fromisoformat(item["moment"]) for item in data]

    def _starts(self, rhythm: Calendar, ordinal: int) -> bool:
        start = self._calendar.start(ordinal)
        return rhythm.start(rhythm.at(start)) == start

    def _hit(self, rhythm: Calendar, first: int, end: int) -> list[int]:
        """The windows that start at a firing of one cron, going through whichever of the two has fewer starts."""
        if end <= first:
            return []
        low, high = self._calendar.start(first), self._calendar.start(end)
        start, stop = rhythm.first_starting(low), rhythm.first_starting(high)
        if stop - start > end - first:
            return [ordinal for ordinal in range(first, end) if self._starts(rhythm, ordinal)]
        found = []
        for firing in range(start, stop):
            instant = rhythm.start(firing)
            ordinal = self._calendar.at(instant)
            if self._calendar.start(ordinal) == instant:
                found.append(ordinal)
        return found

    def _window_at(self, moment: datetime) -> int | None:
        """The window that opens when the clock on the wall shows `moment`."""
        ordinal = self._calendar.first_from(moment)
        return ordinal if self._calendar.wall(ordinal).replace(fold=0) == moment.replace(fold=0) else None
