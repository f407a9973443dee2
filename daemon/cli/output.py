"""What commands print: tables and times for people, JSON for programs and nothing of the user's code in between."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime, timedelta
from typing import Any

from ...storage.events import KeyRanges

WIDE = 10_000  # columns of what is no terminal: nothing is cut off or wrapped there


def print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table without frames; on a terminal as wide as that is, elsewhere as wide as it needs to be and uncoloured."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDE, highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def iso(at: datetime | None) -> str | None:
    """An instant for programs: ISO 8601 in UTC with microseconds, always of one form."""
    return None if at is None else at.isoformat(timespec="microseconds")


def shown_time(at: datetime | None) -> str:
    """An instant for people, in their own time zone."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def shown_span(span: timedelta | float | None) -> str:
    """How long something took, in its two largest units."""
    if span is None:
        return ""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def shown_part(asset_key: str | None, partition: str | None = None) -> str:
    """An asset, or a partition of it: `orders`, `orders[2013-01-01]`."""
    return (asset_key or "") + (f"[{partition}]" if partition is not None else "")


def shown_ranges(asset_key: str, ranges: KeyRanges | None) -> str:
    """An asset and partitions of it as events hold them: `orders[2013-01-01..2013-01-05]`."""
    if ranges is None:
        return asset_key
    spans = [first if first == last else f"{first}..{last}" for first, last in ranges]
    return f"{asset_key}[{shortened(spans)}]"


def shortened(items: Sequence[str], *, limit: int = 3) -> str:
    """The first few of `items`, and how many more there are."""
    more = len(items) - limit
    return ", ".join([*items[:limit], *([f"and {more} more"] if more > 0 else [])])


def first_line(text: str, *, limit: int = 100) -> str:
    line = next(iter(text.strip().splitlines()), "")
    return line if len(line) <= limit else line[: limit - 1] + "…"


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Let what user code prints, and what the programs that it starts print, go to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)
