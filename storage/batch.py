"""One caller's append on its way into the log: its rows, what it expects, who waits for it, and what became of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .checksum import row_body
from .errors import NotStorable
from .events import Event, encode

PreparedRow = tuple[str, str, int, str | None, str | None, str | None, str, str]
"""An event as it will be stored, all but what its place in the log decides: id, type, schema_version, asset_key,
partition, run_id, payload, and the text of all these that its checksum covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must hold when an append commits; otherwise it fails with `ConflictError` and nothing of it is written.

    `position` is the offset of the newest event of `run_id` (0: it has none): whoever else has written to the run since
    then was faster. `term` is the leader's: a daemon that lost the lead can commit no decision.
    """

    run_id: str | None = None
    position: int | None = None
    term: int | None = None

    def __post_init__(self) -> None:
        if (self.run_id is None) != (self.position is None):
            raise ValueError("Expect needs both run_id and position, or neither.")


def prepare(event: Event, id: str) -> PreparedRow:
    """The row of an event. Done in the caller's thread: what cannot be stored fails here, and fails nobody else.

    Raises:
        NotStorable: a text holds a NUL character, which not every database can store.
    """
    fields = event.__dict__
    type, version = event.type, event.schema_version
    asset_key, partition, run_id = fields.get("asset_key"), fields.get("partition"), fields.get("run_id")
    payload = encode(event)
    body = row_body(id, type, version, asset_key, partition, run_id, payload)
    if "\0" in body:
        raise NotStorable(f"an event of type {type} has a NUL character in its asset key, partition or run id")
    return id, type, version, asset_key, partition, run_id, payload, body


@dataclass(slots=True, eq=False)
class Batch:
    rows: Sequence[PreparedRow]
    expect: Expect | None = None
    blobs: Mapping[str, bytes] | None = None
    new_term: Callable[[int], PreparedRow] | None = None
    """Set where this append begins a new term: makes its first event, which names the term."""

    closes: bool = False
    """The last append, after which none is accepted."""

    offsets: range = field(default=range(0), init=False)
    term: int = field(default=0, init=False)
    error: BaseException | None = field(default=None, init=False)

    # Who waits: a thread on `wake`, or a task on `future`. A lone thread that commits by itself has neither.
    wake: threading.Lock | None = field(default=None, init=False)
    future: asyncio.Future[None] | None = field(default=None, init=False)
    is_done: bool = field(default=False, init=False)
    wakes: threading.Lock | None = field(default=None, init=False)
    """Of the thread that this one wakes when it is woken: see group.py."""
