"""Moments as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer

from headwater.daemon.cli.moments import parsed_moment, parsed_span

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4711", 4711),
        ("0", 0),
        ("2026-03-01T06:00Z", datetime(2026, 3, 1, 6, tzinfo=UTC)),
        ("2026-03-01T06:00+02:00", datetime(2026, 3, 1, 4, tzinfo=UTC)),
        ("2h ago", NOW - timedelta(hours=2)),
        ("90 min ago", NOW - timedelta(minutes=90)),
        (" 1.5 days ago ", NOW - timedelta(days=1.5)),
        ("3 WEEKS ago", NOW - timedelta(weeks=3)),
        ("0s ago", NOW),
    ],
)
def test_a_moment_is_an_offset_a_time_or_how_long_ago(text: str, expected: int | datetime) -> None:
    assert parsed_moment(text, now=NOW) == expected


def test_a_time_without_a_zone_is_that_of_the_machine() -> None:
    there = datetime(2026, 3, 1, 6).astimezone()
    assert parsed_moment("2026-03-01T06:00", now=NOW) == there


def test_longer_ago_than_there_are_days_is_the_beginning() -> None:
    assert parsed_moment("99999999 weeks ago", now=NOW) == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "-3", "2 fortnights ago", "2026-13-01", ""])
def test_anything_else_is_refused_with_what_can_be_written(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no moment"):
        parsed_moment(text, now=NOW)


def test_a_span_has_two_ends_of_which_the_last_may_be_now() -> None:
    assert parsed_span("2h ago..1h ago", now=NOW) == (NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    assert parsed_span("100..", now=NOW) == (100, NOW)
    for wrong in ("100", "..100"):
        with pytest.raises(typer.BadParameter, match=r"A\.\.B"):
            parsed_span(wrong, now=NOW)
