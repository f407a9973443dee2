"""Time zones by name, and the instants that their wall clocks mean when daylight saving moves them.

Zone data is looked up when it is first needed: most definitions are in UTC and need none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .errors import InvalidDefinitionError

if TYPE_CHECKING:
    from datetime import tzinfo


def zone(name: str) -> tzinfo:
    """The time zone called `name`.

    Raises:
        InvalidDefinitionError: there is no such zone on this machine.
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # 10 ms at the first use

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as exc:
        hint = "Write a name like 'UTC' or 'Europe/Berlin'; slim systems may need the tzdata package."
        raise InvalidDefinitionError(f"there is no time zone {name!r} here. {hint}") from exc


def first_instant(wall: datetime, local: tzinfo) -> datetime:
    """The instant, in UTC, at which the clocks of `local` first show `wall`, or a later time if they skip it.

    Arithmetic on datetimes of one zone ignores the jumps of its clock; that of instants in UTC does not.
    """
    if local is UTC:
        return wall.replace(tzinfo=UTC)
    at = wall.replace(tzinfo=local).astimezone(UTC)
    if at.astimezone(local).replace(tzinfo=None) == wall:
        return at
    # The clock skips `wall`. Read with the offset of before the jump it is an instant after the jump, read with that
    # of after (fold=1) it is one before; the jump itself is found between the two.
    after, before = at, wall.replace(tzinfo=local, fold=1).astimezone(UTC)
    offset_after = after.astimezone(local).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(local).utcoffset() == offset_after:
            after = middle
        else:
            before = middle
    return after
