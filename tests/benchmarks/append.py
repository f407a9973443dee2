"""Appending to the log: one writer that awaits each event, 10 and 100 at once, against bare sqlite3.

Bare sqlite3 gets the batches that group commit made of the same events: those of one commit share a timestamp.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from bare_log import BareLog
from harness import Effort, Figure, Target, interleaved, median, ratio_of, scratch_folder, timed

from headwater.storage.events import AssetMaterialized
from headwater.storage.log import EventLog

WRITERS = 100
AT_LEAST = Target(0.7, at_least=True)
LIMIT_IS = "bare sqlite3, WAL, synchronous=FULL, the same batches"
ONE_WRITER = (
    "by wrapped calls, 180 of 232 microseconds are SQLite's, with five statements where the limit has three: the head "
    "row is read and moved as well; the rest is encoding, id, checksum and the hand-over to the queue"
)
WHERE = {
    "one_writer": ONE_WRITER,
    "one_task": ONE_WRITER,
    "threads": "waking a thread takes 10 microseconds, measured with threads that wake one another and do no more: "
    "as long as bare sqlite3 needs for the whole event. Encoding, id and checksum take 5, SQLite as much as bare; "
    "what is left is threads that queue up for the interpreter while the leader comes back from SQLite (on one core, "
    "without the way between two, the ratio is a fifth better).",
    "tasks": "of 15 microseconds of processor an event SQLite has 6 to 7, as bare sqlite3 does, encoding and id 4, the "
    "event loop 2 (tasks that await a future and do nothing else), the checksum chain 1; the rest, 2, is the queue. "
    "Letting half of the tasks prepare their next event while the other half is written gains nothing: little of "
    "a commit is waiting.",
}
EVENT = AssetMaterialized(asset_key="orders", metadata={"note": {"type": "text", "value": "x" * 200}})


def append(effort: Effort) -> list[Figure]:
    single, many = effort.of(1_000, 20), effort.of(10_000, 2 * WRITERS)
    return [
        _against_bare("append, one writer, sync", one_writer, single, effort),
        _against_bare("append, one writer, async", one_task, single, effort),
        _against_bare("append, 10 threads", callers(10), many, effort),
        _against_bare(f"append, {WRITERS} threads", callers(WRITERS), many, effort),
        _against_bare(f"append, {WRITERS} tasks", tasks, many, effort),
    ]


def _against_bare(name: str, way: Callable[[EventLog, int], None], count: int, effort: Effort) -> Figure:
    with scratch_folder() as folder, EventLog.open(folder / "home") as log:
        bare = BareLog(folder / "bare.db")
        way(log, max(1, count // 10))  # the first commits set up pages and threads
        bare.commit()
        sizes: list[list[int]] = [[1]]

        def ours() -> float:
            before = log.head().offset
            took = timed(lambda: way(log, count))
            sizes.append(batch_sizes(log, after=before))
            return count / took

        def theirs() -> float:
            return sum(sizes[-1]) / bare.commit_all(sizes[-1])

        ours()
        rates, limits = interleaved(effort.of(7, 1), ours, theirs)
        bare.close()
    return Figure(
        name=name,
        value=round(median(rates)),
        unit="events/s",
        limit=round(median(limits)),
        limit_is=LIMIT_IS,
        ratio=round(ratio_of(rates, limits), 2),
        ratio_target=AT_LEAST,
        where=WHERE.get(way.__name__, ""),
        facts={"events_per_commit": round(median([sum(s) / len(s) for s in sizes[1:]]), 1)},
    )


def batch_sizes(log: EventLog, *, after: int) -> list[int]:
    """How many events each commit had, from the offset `after` on."""
    stored = log.read(after, 10**7)
    return [sum(1 for _ in group) for _, group in groupby(stored, key=lambda one: one.timestamp)]


def one_writer(log: EventLog, count: int) -> None:
    for _ in range(count):
        log.append([EVENT])


def one_task(log: EventLog, count: int) -> None:
    async def write() -> None:
        for _ in range(count):
            await log.append_async([EVENT])

    asyncio.run(write())


def callers(at_once: int) -> Callable[[EventLog, int], None]:
    """That many threads, each of which awaits its own events one by one."""

    def threads(log: EventLog, count: int) -> None:
        each = max(1, count // at_once)
        writers = [threading.Thread(target=one_writer, args=(log, each)) for _ in range(at_once)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    return threads


def tasks(log: EventLog, count: int) -> None:
    each = max(1, count // WRITERS)

    async def write() -> None:
        for _ in range(each):
            await log.append_async([EVENT])

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(write())

    asyncio.run(all_of_them())


def bare_seconds(folder: Path, sizes: list[int]) -> float:
    """What bare sqlite3 takes for transactions of these sizes."""
    log = BareLog(folder / "bare.db")
    try:
        log.commit()
        return log.commit_all(sizes)
    finally:
        log.close()
