"""Moving old events out of the database into files, without a moment in which the history is not whole.

A file at a time: it is written beside its place, synced, moved into place, and its folder synced; then one transaction
names it in the database, takes its events out, and moves the anchor on. Killed before that transaction, a file stands
there that nobody knows and that the next attempt writes anew; killed after it, the rest is for the next attempt.

What has not come to its end stays: events behind the last Tick's `through` are still to be decided upon, a run that is
not over is read by its worker, and what no snapshot covers would have to be read at every start.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from hashlib import sha256
from itertools import islice
from pathlib import Path

from . import snapshots
from .checksum import GENESIS, verify_chain
from .events import Tick
from .folding import catch_up
from .log import EventLog
from .row_lines import json_line, row_line
from .store import ArchiveRow, Head, Row
from .transfer import FORMAT, VERSION

FILE_EVENTS = 20_000  # of one file: it is read as a whole

Progress = Callable[[int, int], None]
"""Told through which offset events are archived, and how far it goes."""


def archive(
    events: EventLog, *, until: int, to: Path | None = None, progress: Progress = lambda done, total: None
) -> int:
    """Move the events through offset `until` into files, as far as may be; returns the last offset that is archived.

    `to` is an absolute path, by default where the last file was put, and first of all the home that the log lies in.

    Raises:
        ArchivePlaceUnknown: the log is on a server, and nobody has ever said `to`.
        ArchivedMeanwhile: another process archives too.
        LogCorrupt: a row is missing or damaged. It and all behind it stay where they are.
        OSError: a file cannot be written.
    """
    assert to is None or to.is_absolute(), to
    folder = events.archive_folder() if to is None else str(to)
    end = min(until, may_go_through(events))
    known = events.archives()
    last, checksum = (known[-1].last, known[-1].checksum) if known else (0, GENESIS)
    while last < end:
        rows = list(islice(events.all_rows(after=last), min(FILE_EVENTS, end - last)))
        newest = Head(rows[-1][0], rows[-1][4], rows[-1][-1], 0)
        verify_chain(rows, newest, after=last, checksum=checksum)
        events.archive(_written(events.archive_path(folder), rows)._replace(folder=folder))
        last, checksum = newest.offset, newest.checksum
        progress(last, end)
    return last


def may_go_through(events: EventLog) -> int:
    """The last offset that may be archived today. Takes a snapshot if the newest one is too old to go so far."""
    ticks = events.query(types=["tick"], newest_first=True, limit=1)
    bounds = [ticks[0].event.through if ticks and isinstance(ticks[0].event, Tick) else 0]
    if runs := events.unfinished_runs():
        bounds.append(events.query(run_id=runs[0], limit=1)[0].offset - 1)
    end = min(bounds)
    state = snapshots.newest_state(events, until=bounds[0])
    if state.through < end:
        catch_up(state, events, through=bounds[0])
        snapshots.save(events, snapshots.dump(state))
    return end


def _written(folder: Path, rows: list[Row]) -> ArchiveRow:
    """The file of these rows, in its place and durable. Its name is its own, also where several logs share a folder."""
    first, last = rows[0], rows[-1]
    header = {
        "format": FORMAT,
        "version": VERSION,
        **Head(last[0], last[4], last[-1], 0)._asdict(),
        "first": first[0],
        "types": sorted({row[2] for row in rows}),
        "assets": sorted({row[5] for row in rows if row[5] is not None}),
    }
    text = json_line(header) + "".join(map(row_line, rows))
    data = gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)
    name = f"events-{first[0]:012}-{last[0]:012}-{last[-1][:8]}.jsonl.gz"
    _put(folder / name, data)
    return ArchiveRow(first[0], last[0], last[4], name, sha256(data).hexdigest(), last[-1])


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    with open(unfinished, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
