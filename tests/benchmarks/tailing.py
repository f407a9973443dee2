"""Committed in one process, seen in another: the time until a tailer has read and decoded an event.

The clock begins when the append returns: the event is durable then. What it takes from before the append, with the
flush to the disk, stands beside it. The limit on PostgreSQL is what two bare connections need for the same: an insert
and a notification in one commit, and a select once it has come.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
from harness import Effort, Figure, Target, child_environment, percentile, scratch_folder
from servers import schema_url

from headwater.storage.events import AssetObserved
from headwater.storage.log import EventLog

Times = list[tuple[float, float]]
"""Of each event the milliseconds until it was seen, from its commit (0 where it was seen before the writer knew), and
from before its append."""

REST_S = 0.01  # between events, so that each finds the tailer asleep
TARGET_MS = Target(3)


def tailing(effort: Effort) -> list[Figure]:
    count = effort.of(300, 5)
    with scratch_folder() as folder, schema_url() as url:
        bare = _bare(url, count)
        os.environ["HEADWATER_STORE"] = url
        try:
            server = _seen(folder / "home", count)
        finally:
            del os.environ["HEADWATER_STORE"]
        file = _seen(folder / "file", count)
    return [
        Figure(
            name="committed to seen by another process, PostgreSQL, p50",
            value=_of(server, 0.5),
            unit="ms",
            target=TARGET_MS,
            limit=_of(bare, 0.5),
            limit_is="bare psycopg: insert and notify in one commit, and a select when the notification comes",
            facts=_facts(server),
        ),
        Figure(
            name="committed to seen by another process, SQLite, p50",
            value=_of(file, 0.5),
            unit="ms",
            facts=_facts(file),
        ),
    ]


def _of(times: Times, share: float, *, which: int = 0) -> float:
    return round(percentile([both[which] for both in times], share), 3)


def _facts(times: Times) -> dict[str, float]:
    return {"p95_ms": _of(times, 0.95), "from_before_the_append_p50_ms": _of(times, 0.5, which=1), "events": len(times)}


def _times(child: subprocess.Popen[str], append: Callable[[], object]) -> tuple[float, float]:
    assert child.stdout is not None
    time.sleep(REST_S)
    began = time.monotonic_ns()
    append()
    committed = time.monotonic_ns()
    seen = int(child.stdout.readline())
    return max(0, seen - committed) / 1e6, (seen - began) / 1e6


def _seen(home: Path, count: int) -> Times:
    event = AssetObserved(asset_key="orders", data_version="1")
    with EventLog.open(home) as log, _tailer("tail", str(home)) as child:
        return [_times(child, lambda: log.append([event])) for _ in range(count)]


def _bare(url: str, count: int) -> Times:
    with psycopg.connect(url, autocommit=True) as connection, _tailer("bare", url) as child:

        def append(number: int) -> None:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute("INSERT INTO bare VALUES (%s, %s)", (number, "x" * 200))
                connection.execute("NOTIFY bare")
                connection.execute("COMMIT")

        return [_times(child, partial(append, number)) for number in range(count)]


@contextmanager
def _tailer(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that prints, for each event that it sees, when it saw it."""
    environment = child_environment(**{k: v for k, v in os.environ.items() if k == "HEADWATER_STORE"})
    command = (sys.executable, __file__, *command)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        try:
            yield child
        finally:
            child.terminate()


def _tail(home: Path) -> None:
    with EventLog.open(home) as log, log.subscribe() as woken:
        seen = log.head().offset
        print("ready", flush=True)
        while True:
            for stored in log.read(after=seen):
                print(time.monotonic_ns(), flush=True)
                seen = stored.offset
            woken.wait_blocking()


def _tail_bare(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (number bigint PRIMARY KEY, payload text)")
        connection.execute("LISTEN bare")
        print("ready", flush=True)
        seen = -1
        while True:
            for number, _payload in connection.execute("SELECT * FROM bare WHERE number > %s", (seen,)).fetchall():
                print(time.monotonic_ns(), flush=True)
                seen = number
            select.select([connection], [], [], 1.0)
            connection.pgconn.consume_input()
            while connection.pgconn.notifies() is not None:
                pass


if __name__ == "__main__":
    kind, where = sys.argv[1:]
    if kind == "tail":
        _tail(Path(where))
    else:
        _tail_bare(where)
