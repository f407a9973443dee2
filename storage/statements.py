"""Every statement on the log, built once with SQLAlchemy Core and compiled once for a database.

A durable commit takes about 0.1 ms, and executing a Core construct through an engine costs a third of that again for
each statement. So a construct is compiled to its text when it is first needed, and the text runs on the driver's own
connection. Values go in as tuples, in the order of `Statement.names`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Dialect,
    Insert,
    Select,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    select,
    true,
    tuple_,
    update,
    values,
)
from sqlalchemy.sql.compiler import SQLCompiler

from .checksum import GENESIS
from .schema import SCHEMA_VERSION, archives, definitions, events, head, snapshot_parts, snapshots
from .store import RUN_ENDS, ArchiveRow, Head, RowFilter


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a statement for one driver, the names of its values in order, and the values that never change."""

    sql: str
    names: tuple[str, ...]
    constants: dict[str, Any]

    def values(self, given: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(given[name] if name in given else self.constants[name] for name in self.names)


def compiled(construct: ClauseElement, dialect: Dialect) -> Statement:
    result = construct.compile(dialect=dialect)
    assert isinstance(result, SQLCompiler)
    return Statement(str(result), tuple(result.positiontup or ()), dict(result.params))


# The head is one row, which the table's own check makes sure of: no statement on it needs a WHERE.
READ_HEAD = select(head.c.offset, head.c.timestamp, head.c.checksum, head.c.term)
LOCK_HEAD = READ_HEAD.with_for_update()
READ_SCHEMA_VERSION = select(head.c.schema_version)
FIRST_HEAD = insert(head).values(id=1, offset=0, timestamp=0, checksum=GENESIS, term=0, schema_version=SCHEMA_VERSION)
MOVE_HEAD = update(head).values({name: bindparam(f"new_{name}") for name in Head._fields})
INSERT_EVENT = insert(events)
_ends = events.alias("ends")
UNFINISHED_RUNS = (
    select(events.c.run_id)
    .where(events.c.type == "run_requested")
    .where(
        ~exists()
        .where(_ends.c.run_id == events.c.run_id)
        # Hidden from the planner: of the events of one run those that end it are found by the run, not by their type.
        .where(func.coalesce(_ends.c.type, "").in_([bindparam(f"end_{n}", end) for n, end in enumerate(RUN_ENDS)]))
    )
    .order_by(events.c.offset)
)
NEXT_ASSET_KEY = select(func.min(events.c.asset_key)).where(events.c.asset_key > bindparam("asset_key"))
RUN_POSITION = select(func.max(events.c.offset)).where(events.c.run_id == bindparam("run_id"))
READ_BLOB_HASHES = select(definitions.c.hash).order_by(definitions.c.hash)
READ_SNAPSHOTS = select(snapshots.c.offset, snapshots.c.timestamp, snapshots.c.format, snapshots.c.manifest).order_by(
    snapshots.c.offset.desc()
)
DROP_SNAPSHOT = delete(snapshots).where(snapshots.c.offset == bindparam("dropped"))
LAST = 2**63 - 1  # no offset is larger
PARTS_AT_ONCE = 200
READ_PARTS = select(snapshot_parts.c.hash, snapshot_parts.c.bytes).where(
    snapshot_parts.c.hash.in_([bindparam(f"hash_{n}") for n in range(PARTS_AT_ONCE)])
)
READ_PART_HASHES = select(snapshot_parts.c.hash)
DROP_PART = delete(snapshot_parts).where(snapshot_parts.c.hash == bindparam("dropped"))
READ_ARCHIVES = select(*(archives.c[name] for name in ArchiveRow._fields)).order_by(archives.c.last)
INSERT_ARCHIVE = insert(archives).values({name: bindparam(f"new_{name}") for name in ArchiveRow._fields})
DROP_EVENTS = delete(events).where(events.c.offset <= bindparam("last"))
MOVE_ANCHOR = (
    update(head)
    .where(head.c.archived_offset == bindparam("before"))
    .values(archived_offset=bindparam("last"), archived_checksum=bindparam("new_checksum"))
)
READ_BLOB = select(definitions.c.bytes).where(definitions.c.hash == bindparam("hash"))


def pages_of_parts(digests: Collection[str]) -> Iterator[dict[str, str]]:
    """The values of READ_PARTS, as often as it has to be asked."""
    wanted = sorted(set(digests))
    for start in range(0, len(wanted), PARTS_AT_ONCE):
        page = wanted[start : start + PARTS_AT_ONCE]
        page += page[-1:] * (PARTS_AT_ONCE - len(page))
        yield {f"hash_{n}": digest for n, digest in enumerate(page)}


@cache
def insert_events(count: int) -> Insert:
    """Insert `count` events by one statement; its values are those of the first, of the second, and so on."""
    return insert(events).values([{c.name: bindparam(f"{c.name}_{n}") for c in events.columns} for n in range(count)])


@cache
def append_if_head(count: int, told: Any) -> Select[tuple[Any, ...]]:
    """Append `count` events in one statement, if the head is still the one that they were made for.

    Gives one row, `told`, if they were appended, and none if not. Its values are the new head, the old one's offset,
    checksum and term, and the events. Who waits here for the lock of the head compares what the head has become.
    """
    moved = (
        update(head)
        .where(head.c.offset == bindparam("old_offset"), head.c.checksum == bindparam("old_checksum"))
        .where(head.c.term == bindparam("old_term"))
        .values({name: bindparam(f"new_{name}") for name in Head._fields})
        .returning(head.c.offset)
        .cte("moved")
    )
    columns = [column(c.name, c.type) for c in events.columns]
    data = [tuple(bindparam(f"{c.name}_{n}", type_=c.type) for c in columns) for n in range(count)]
    rows = values(*columns, name="rows").data(data)
    chosen = select(*rows.c).select_from(moved.join(rows, true()))
    return select(told).select_from(moved).add_cte(insert(events).from_select([*events.columns], chosen).cte("added"))


@cache
def select_rows(
    *,
    by_asset: bool,
    by_run: bool,
    type_count: int | None,
    partition_count: int | None,
    has_end: bool,
    newest_first: bool,
    seeks: bool,
) -> Select[tuple[Any, ...]]:
    """A page of events by key: behind (or, newest first, from the end down to) an offset.

    With `seeks` the events of an asset are asked for as a stretch of the index, from (asset, first) to (asset, last),
    in the order of both. So a planner which reckons costs cannot believe that it is quicker to walk the whole log until
    it met enough events of an asset that is busy, as they may be far back, or to sort all that the asset ever had. The
    key itself is bounded too, which says nothing new, but lets the planner guess how long the stretch is.
    """
    order = [events.c.offset]
    if by_asset and seeks:
        order = [events.c.asset_key, events.c.offset]
        place, key = tuple_(*order), bindparam("asset_key")
        page = select(*events.columns).where(place >= tuple_(key, bindparam("first", type_=BigInteger)))
        page = page.where(place <= tuple_(key, bindparam("last", type_=BigInteger)))
        page = page.where(events.c.asset_key >= key, events.c.asset_key <= key)
    else:
        page = select(*events.columns).where(events.c.offset > bindparam("after"))
        if has_end:
            page = page.where(events.c.offset < bindparam("before"))
        if by_asset:
            page = page.where(events.c.asset_key == bindparam("asset_key"))
    if by_run:
        page = page.where(events.c.run_id == bindparam("run_id"))
    if type_count is not None:
        is_wanted = events.c.type.in_([bindparam(f"type_{n}") for n in range(type_count)])
        # Hidden from the planner where an index of few rows is at hand: types are few, and each has many rows.
        page = page.where(is_wanted.is_(true()) if by_asset or by_run else is_wanted)
    if partition_count is not None:
        page = page.where(events.c.partition.in_([bindparam(f"partition_{n}") for n in range(partition_count)]))
    return page.order_by(*(c.desc() if newest_first else c.asc() for c in order)).limit(bindparam("limit"))


def select_for(wanted: RowFilter, *, seeks: bool = False) -> Select[tuple[Any, ...]]:
    return select_rows(
        by_asset=wanted.asset_key is not None,
        by_run=wanted.run_id is not None,
        type_count=None if wanted.types is None else len(wanted.types),
        partition_count=None if wanted.partitions is None else len(wanted.partitions),
        has_end=wanted.before is not None,
        newest_first=wanted.newest_first,
        seeks=seeks,
    )


def select_values(wanted: RowFilter) -> dict[str, Any]:
    values: dict[str, Any] = {"after": wanted.after, "limit": wanted.limit}
    values |= {"asset_key": wanted.asset_key, "run_id": wanted.run_id, "before": wanted.before}
    values |= {"first": wanted.after + 1, "last": LAST if wanted.before is None else wanted.before - 1}
    values |= {f"partition_{n}": key for n, key in enumerate(wanted.partitions or ())}
    return values | {f"type_{n}": name for n, name in enumerate(wanted.types or ())}
