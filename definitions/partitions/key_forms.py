"""The forms of time: keys and dates as users write them, read as what the clock on the wall shows."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime, time, timedelta, tzinfo
from warnings import catch_warnings, simplefilter

from ..errors import InvalidDefinitionError

ISO_DATE = "%Y-%m-%d"
ISO_HOUR = "%Y-%m-%d-%H:%M"
_OFFSET = re.compile(r"[+-]\d{4}$")
_SAMPLE = datetime(2024, 12, 31)  # noqa: DTZ001 - an example in a message


def read_key(key: str, fmt: str) -> tuple[datetime, timedelta | None]:
    """A key as what the clock on the wall shows, and the offset from UTC behind it, if there is one."""
    if fmt == ISO_DATE and len(key) == 10:  # ten times as fast as strptime
        return datetime.combine(date.fromisoformat(key), time()), None
    if fmt == ISO_HOUR and len(key) == 16:
        return datetime.fromisoformat(f"{key[:10]}T{key[11:]}"), None
    with catch_warnings():
        simplefilter("ignore", DeprecationWarning)  # from Python 3.13 on: a form without a year, which is refused here
        try:
            read = datetime.strptime(key, fmt)  # noqa: DTZ007 - a wall clock, the zone is that of the partitions
        except ValueError:
            if not _OFFSET.search(key):
                raise
            read = datetime.strptime(key, f"{fmt}%z")
    return read.replace(tzinfo=None), read.utcoffset()


def local_wall(given: str | date | datetime, fmt: str, local: tzinfo, *, what: str) -> datetime:
    """`given` on the wall clock of `local`, without a zone."""
    if isinstance(given, str):
        given = _parsed(given, fmt, what=what)
    if isinstance(given, datetime):
        return given.astimezone(local).replace(tzinfo=None) if given.tzinfo else given
    if isinstance(given, date):
        return datetime.combine(given, time())
    raise InvalidDefinitionError(f"{what} is a date, a datetime or a str like '2024-01-31', not {given!r}")


def _parsed(text: str, fmt: str, *, what: str) -> datetime:
    if fmt != ISO_DATE:
        with suppress(ValueError):
            return datetime.strptime(text, fmt)  # noqa: DTZ007 - a wall clock, the zone is given beside it
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        example = _SAMPLE.strftime(fmt)
        raise InvalidDefinitionError(f"{what} {text!r} is not a day in the form {fmt!r}, e.g. {example!r}") from None
