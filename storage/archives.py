"""Archived events: files of rows that stand before the first row of the database. Together they are one history.

A file is JSON lines, compressed, in the form of exports; its first line says in addition which types of events and
which assets are in it, so that most questions leave most files closed. The database names every file with its SHA-256;
what is not what was written is an error and never an answer.

Files of a log in a home lie in that home, wherever it is moved to, unless another folder was named. A log on a server
has no home of its own: whoever archives first names a folder, which the database knows from then on. It has to be
readable under one path on every machine.

A run is archived whole, after it has ended: a run of which the database has the beginning is not in any file.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from .errors import ArchivePlaceUnknown, ArchiveUnreadable
from .row_lines import row_of
from .store import ArchiveRow, Row, RowFilter, Store, fits

FOLDER = "archive"


class Archives:
    """The archive of one log. `home` is where those who use the log have theirs, None in memory; `owns` says that the
    log lies in it."""

    def __init__(self, store: Store, home: Path | None, *, owns: bool) -> None:
        self._store = store
        self._home, self._owns = home, owns
        self._lock = threading.Lock()
        self._headers: dict[str, dict[str, Any]] = {}
        self._newest: tuple[str, list[Row]] = ("", [])  # the file that was read last: pages follow one another

    def with_older(self, wanted: RowFilter, rows: list[Row]) -> list[Row]:
        """`rows`, which the database gave for `wanted`, and the archived ones that belong to them."""
        if self._home is None or (rows and self._is_complete(wanted, rows)):
            return rows
        archives = self._store.archives()
        files = [a for a in archives if a.last > wanted.after and (wanted.before is None or a.first < wanted.before)]
        if not files or (wanted.run_id is not None and self._starts_later(wanted.run_id)):
            return rows
        anchor = archives[-1].last
        newer = [row for row in rows if row[0] > anchor]  # archived after they were read, otherwise
        if wanted.newest_first:
            return newer + self._matching(files[::-1], wanted, wanted.limit - len(newer))
        older = self._matching(files, wanted, wanted.limit)
        return older + newer[: wanted.limit - len(older)]

    def asset_keys(self) -> set[str]:
        """The keys that archived events are about."""
        files = self._store.archives() if self._home is not None else []
        return {key for file in files for key in self._header(file)["assets"]}

    def _is_complete(self, wanted: RowFilter, rows: list[Row]) -> bool:
        return len(rows) == wanted.limit if wanted.newest_first else rows[0][0] == wanted.after + 1

    def _starts_later(self, run_id: str) -> bool:
        return bool(self._store.rows(RowFilter(run_id=run_id, types=("run_requested",), limit=1)))

    def _matching(self, files: list[ArchiveRow], wanted: RowFilter, limit: int) -> list[Row]:
        found: list[Row] = []
        for file in files:
            if len(found) >= limit:
                break
            if self._may_have(file, wanted):
                rows = self._rows(file)
                found += [row for row in (reversed(rows) if wanted.newest_first else rows) if fits(row, wanted)]
        return found[:limit]

    def _may_have(self, file: ArchiveRow, wanted: RowFilter) -> bool:
        if wanted.types is None and wanted.asset_key is None:
            return True
        header = self._header(file)
        is_about = wanted.asset_key is None or wanted.asset_key in header["assets"]
        return is_about and (wanted.types is None or not set(wanted.types).isdisjoint(header["types"]))

    def _header(self, file: ArchiveRow) -> dict[str, Any]:
        if file.file not in self._headers:
            header = json.loads(next(_lines(self._bytes(file)), "{}"))
            self._headers[file.file] = {name: set(header.get(name, ())) for name in ("types", "assets")}
        return self._headers[file.file]

    def _rows(self, file: ArchiveRow) -> list[Row]:
        with self._lock:
            if self._newest[0] != file.sha256:
                lines = _lines(self._bytes(file))
                next(lines)
                rows = [row for line in lines if (row := row_of(line)) is not None]
                if len(rows) != file.last - file.first + 1:
                    raise ArchiveUnreadable(
                        self._path(file), "it does not have all of its events", file.first, file.last
                    )
                self._newest = (file.sha256, rows)
            return self._newest[1]

    def _bytes(self, file: ArchiveRow) -> bytes:
        path = self._path(file)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ArchiveUnreadable(path, error.strerror or str(error), file.first, file.last) from error
        if sha256(data).hexdigest() != file.sha256:
            raise ArchiveUnreadable(path, "it is not what was written", file.first, file.last)
        return data

    def _path(self, file: ArchiveRow) -> Path:
        return self.path_of(file.folder) / file.file

    def folder_of_next(self) -> str:
        """Where the next file goes, unless somebody says otherwise, in the words of `ArchiveRow.folder`.

        Raises:
            ArchivePlaceUnknown: nobody has said so yet.
        """
        if files := self._store.archives():
            return files[-1].folder
        if not self._owns:
            raise ArchivePlaceUnknown
        return ""

    def path_of(self, folder: str) -> Path:
        assert self._home is not None, "a log in memory has no archive"
        return Path(folder) if folder else self._home / FOLDER


def _lines(data: bytes) -> Iterator[str]:
    # Not splitlines: texts may hold other ends of lines than that of JSON lines.
    return (line for line in gzip.decompress(data).decode("utf-8").split("\n") if line)
