"""Snapshots of State: start-up folds what came after the newest one, and not the whole log.

A snapshot is a manifest and parts, one for each asset and check and one for the rest; parts are stored under their
SHA-256, so that one that did not change is stored once for all snapshots that have it. Bytes are a pickle of plain
data, compressed; the reader takes builtin values and nothing that would have to be imported.

A snapshot is never needed: one that is of another format, of other definitions, or damaged is passed over for the one
before it, and in the end for the beginning of the log. Taking one is in two steps, since State must not change
meanwhile and must not wait either: `dump` is quick and belongs between two events, `save` may take its time in any
thread.
"""

from __future__ import annotations

import io
import pickle
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, NoReturn

import structlog
from structlog.typing import FilteringBoundLogger

from .errors import SnapshotUnreadable
from .log import EventLog
from .state import State, dumping
from .state.comparing import told_apart
from .state.dumping import FORMAT, Dump, DumpDoesNotFit, Unread, load
from .store import SnapshotRow
from .uncollected import uncollected

__all__ = ["EVERY", "KEEP", "check", "drop", "dump", "newest_state", "save"]

EVERY = 25_000  # events after which a snapshot is due: to fold as many takes half a second
KEEP = 40  # snapshots that are kept: any moment of the last million events is near one, and most parts are shared
LEVEL = 1  # of compression: the others take three times as long for a tenth less
UNREADABLE = (DumpDoesNotFit, LookupError, ValueError, TypeError, EOFError, pickle.UnpicklingError, zlib.error)
"""What comes of reading a snapshot that is damaged or does not fit."""

log: FilteringBoundLogger = structlog.get_logger("headwater.snapshots")


def dump(state: State) -> Dump:
    """All that `state` says, for `save`. State must not change meanwhile, and may at once afterwards."""
    with uncollected():
        return dumping.dump(state)


def save(events: EventLog, dump: Dump) -> None:
    """Store a dump of State as a snapshot, and let go of those that are too many. Blocks.

    Raises:
        StoreUnavailable: the database failed; the snapshots before are as they were.
    """
    parts: dict[str, bytes] = {}

    def part(value: Any) -> str:
        data = _encode(value)
        digest = sha256(data).hexdigest()
        parts[digest] = data
        return digest

    manifest = {
        "rest": part(dump.rest),
        "assets": {key: part(value) for key, value in dump.assets.items()},
        "checks": {key: part(value) for key, value in dump.checks.items()},
    }
    kept = [s for s in events.snapshots() if s.format == FORMAT and s.offset != dump.through][: KEEP - 1]
    used = {digest for row in kept for digest in _digests(row)}
    row = SnapshotRow(dump.through, dump.timestamp, FORMAT, _encode(manifest))
    events.save_snapshot(row, parts, keep=[s.offset for s in kept], keep_parts=used)


def newest_state(
    events: EventLog,
    definitions_bytes: Callable[[str], bytes] | None = None,
    *,
    until: int | None = None,
    lazily: bool = False,
) -> State:
    """State of the newest snapshot that can be read, of offset `until` at most; the empty State where there is none.

    Read `lazily`, its assets are looked up when they are looked at: for a State that lives for one question, while
    `events` is open. What is wrong with one of them is then an error (`SnapshotUnreadable`) at that moment.
    """
    look_up = definitions_bytes or events.definitions_bytes
    for row in events.snapshots():
        if row.format != FORMAT or (until is not None and row.offset > until):
            continue
        try:
            with uncollected():
                return load(_read(events, row, lazily=lazily), look_up)
        except UNREADABLE as error:
            log.warning("snapshot_passed_over", offset=row.offset, reason=str(error))
    return State.empty(look_up)


def check(events: EventLog, progress: Callable[[int], None] = lambda offset: None) -> dict[int, list[str]]:
    """What each snapshot that says other than the log says differently, by its offset. Folds the log from zero."""
    state, wrong = State.empty(events.definitions_bytes), {}
    for row in reversed([row for row in events.snapshots() if row.format == FORMAT]):
        while state.through < row.offset and (
            page := events.read(state.through, min(5_000, row.offset - state.through))
        ):
            with uncollected():
                state.apply_all(page)
            progress(state.through)
        try:
            found = told_apart(load(_read(events, row), events.definitions_bytes), state)
        except UNREADABLE as error:
            found = [f"it cannot be read: {error}"]
        if found:
            wrong[row.offset] = found
    return wrong


def drop(events: EventLog, offsets: Collection[int]) -> None:
    """Let go of the snapshots at these offsets."""
    kept = [row for row in events.snapshots() if row.offset not in offsets]
    used = {digest for row in kept for digest in _digests(row)}
    events.save_snapshot(None, {}, keep=[row.offset for row in kept], keep_parts=used)


def _read(events: EventLog, row: SnapshotRow, *, lazily: bool = False) -> Dump:
    manifest = _decode(row.manifest)
    rest = manifest["rest"]
    parts = events.snapshot_parts([rest] if lazily else _digests(row))

    def states(digests: dict[str, str]) -> Mapping[str, Any]:
        if lazily:
            return _Stored(events, row.offset, digests)
        return {key: _part(parts, digest) for key, digest in digests.items()}

    return Dump(
        through=row.offset,
        timestamp=row.timestamp,
        assets=states(manifest["assets"]),
        checks=states(manifest["checks"]),
        rest=_part(parts, rest),
    )


class _Stored(Unread):
    """The parts of a snapshot that are read when they are needed."""

    def __init__(self, events: EventLog, offset: int, digests: dict[str, str]) -> None:
        self._events, self._offset, self._digests = events, offset, digests

    def __iter__(self) -> Iterator[str]:
        return iter(self._digests)

    def __len__(self) -> int:
        return len(self._digests)

    def read(self, keys: Collection[str]) -> dict[str, Any]:
        digests = {key: self._digests[key] for key in keys}
        parts = self._events.snapshot_parts(digests.values())
        try:
            return {key: _part(parts, digest) for key, digest in digests.items()}
        except UNREADABLE as error:
            raise SnapshotUnreadable(self._offset, error) from error


def _part(parts: Mapping[str, bytes], digest: str) -> Any:
    if digest not in parts:
        raise DumpDoesNotFit(f"its part {digest[:12]} is gone")
    data = parts[digest]
    if sha256(data).hexdigest() != digest:
        raise DumpDoesNotFit(f"its part {digest[:12]} is damaged")
    return _decode(data)


def _digests(row: SnapshotRow) -> list[str]:
    try:
        manifest = _decode(row.manifest)
        return [manifest["rest"], *manifest["assets"].values(), *manifest["checks"].values()]
    except UNREADABLE:
        return []


def _encode(value: Any) -> bytes:
    """The same bytes for the same value: without the memory of a pickler, which depends on what is one object."""
    out = io.BytesIO()
    pickler = pickle.Pickler(out, protocol=5)
    pickler.fast = True
    pickler.dump(value)
    return zlib.compress(out.getvalue(), LEVEL)


def _decode(data: bytes) -> Any:
    return _Plain(io.BytesIO(zlib.decompress(data))).load()


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain data")
