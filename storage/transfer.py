r"""Export and import: a log as JSON lines, to be looked at, kept, or debugged on another machine.

The form is stable, one JSON object a line:

    {"format":"headwater-events","version":1,"offset":3,"timestamp":...,"checksum":"...","term":1}
    {"definitions":"<sha256>","bytes":"<the snapshot, as text>"}                        each that is stored
    {"offset":1,"id":"...","type":"asset_observed","schema_version":1,"timestamp":<microseconds since 1970, UTC>,
     "asset_key":"orders","partition":null,"run_id":null,"checksum":"...","payload":{...}}   (one line each, in order)

The first line says where the log ends. `payload` is last and holds the bytes as they were written, since the checksums
cover them: a tool that formats the lines anew makes them unfit for import, not for reading.

An import goes into an empty log and keeps offsets, times, ids and checksums; whatever does not fit is refused before it
is written. An import that was interrupted goes on where it stopped when it is called again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TextIO

from .checksum import GENESIS, verify_chain
from .errors import ImportRefused
from .log import EventLog
from .row_lines import json_line, row_line, row_of
from .store import Head, Row

FORMAT, VERSION = "headwater-events", 1
ANOTHER_HISTORY = "the log has events of another history. Import into an empty HEADWATER_HOME."
PAGE = 5_000  # events that an import writes in one transaction

Progress = Callable[[int, int], None]
"""Told how many events are done, and how many there are."""


def export_log(log: EventLog, out: TextIO, *, until: int | None = None, progress: Progress | None = None) -> int:
    """Write the log, or its events through offset `until`, to `out`; returns the number of events.

    Raises:
        LogCorrupt: a row is missing or damaged. What was written before it is of no use for an import.
    """
    end = _end(log, until)
    out.write(json_line({"format": FORMAT, "version": VERSION, **end._asdict()}))
    for digest in log.definitions_hashes():
        out.write(json_line({"definitions": digest, "bytes": log.definitions_bytes(digest).decode()}))
    for row in _checked(islice(log.all_rows(), end.offset)):
        out.write(row_line(row))
        if progress is not None and row[0] % PAGE == 0:
            progress(row[0], end.offset)
    return end.offset


def _end(log: EventLog, until: int | None) -> Head:
    """The head that the log had when `until` was its last offset; the leader's term is that of today."""
    head = log.head()
    if until is None or until >= head.offset:
        return head
    last = next(log.all_rows(after=until - 1), None) if until else None
    return Head(0, 0, GENESIS, head.term) if last is None else Head(last[0], last[4], last[-1], head.term)


def _checked(rows: Iterable[Row]) -> Iterator[Row]:
    """`rows`, each looked at against its checksum as it goes by."""
    checksum, offset = GENESIS, 0
    for row in rows:
        verify_chain([row], Head(row[0], row[4], row[-1], 0), after=offset, checksum=checksum)
        offset, checksum = row[0], row[-1]
        yield row


def import_log(log: EventLog, lines: Iterable[str], *, progress: Progress | None = None) -> int:
    """Write exported `lines` into `log`, which must be empty or the beginning of the same history.

    Returns the number of events that were written now.

    Raises:
        ImportRefused: the lines are no export, or the log has events of its own.
        LogCorrupt: a line is not what was exported. The events before it have been written.
    """
    numbered = enumerate(lines, start=1)
    end = _header(next(numbered, (1, "")))
    at = log.head()
    if at.offset > end.offset:
        raise ImportRefused(ANOTHER_HISTORY)
    blobs: dict[str, bytes] = {}
    page: list[Row] = []
    written = 0
    for number, line in numbered:
        if line.startswith('{"definitions":'):
            data = _parsed(number, line)
            blobs[data["definitions"]] = data["bytes"].encode()
            continue
        row = _row(number, line)
        if row[0] <= at.offset:
            if row[0] == at.offset and row[-1] != at.checksum:
                raise ImportRefused(ANOTHER_HISTORY)
            continue
        page.append(row)
        if len(page) == PAGE:
            log.restore(page, blobs)
            written += len(page)
            page, blobs = [], {}
            if progress is not None:
                progress(row[0], end.offset)
    log.restore(page, blobs, end=end)
    return written + len(page)


def _header(first: tuple[int, str]) -> Head:
    data = _parsed(*first)
    if data.get("format") != FORMAT:
        raise ImportRefused(f"its first line does not say that it is an export ({FORMAT}).")
    if data.get("version") != VERSION:
        raise ImportRefused(f"it has version {data.get('version')} of the format; this headwater reads {VERSION}.")
    return Head(data["offset"], data["timestamp"], data["checksum"], data["term"])


def _parsed(number: int, line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise ImportRefused(f"line {number} is not a JSON object.")
    return data


def _row(number: int, line: str) -> Row:
    _parsed(number, line)
    row = row_of(line)
    if row is None:
        raise ImportRefused(f"line {number} is not an event as it was exported. Was it formatted anew?")
    return row
