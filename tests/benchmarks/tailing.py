"""Committed in one process, seen in another: the time until a tailer has read and decoded an event.

The clock begins before the append, so that the commit is in it. The limit on PostgreSQL is what two bare connections
need for the same: an insert and a notification in one commit, and a select once it has come.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from harness import Effort, Figure, Target, child_environment, percentile, scratch_folder
from servers import schema_url

from headwater.storage.events import AssetObserved
from headwater.storage.log import EventLog

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
            name="appended to seen by another process, PostgreSQL, p50",
            value=round(percentile(server, 0.5), 3),
            unit="ms",
            target=TARGET_MS,
            limit=round(percentile(bare, 0.5), 3),
            limit_is="bare psycopg: insert and notify in one commit, and a select when the notification comes",
            ratio=round(percentile(server, 0.5) / percentile(bare, 0.5), 2),
            facts={"p95_ms": round(percentile(server, 0.95), 3), "events": count},
        ),
        Figure(
            name="appended to seen by another process, SQLite, p50",
            value=round(percentile(file, 0.5), 3),
            unit="ms",
            facts={"p95_ms": round(percentile(file, 0.95), 3), "events": count},
        ),
    ]


def _seen(home: Path, count: int) -> list[float]:
    """Milliseconds of each event from just before its append until the other process has it."""
    with EventLog.open(home) as log, _tailer("tail", str(home)) as child:
        assert child.stdout is not None
        took = []
        for number in range(count):
            time.sleep(REST_S)
            began = time.monotonic_ns()
            log.append([AssetObserved(asset_key="orders", data_version=str(number))])
            took.append((int(child.stdout.readline()) - began) / 1e6)
        return took


def _bare(url: str, count: int) -> list[float]:
    with psycopg.connect(url, autocommit=True) as connection, _tailer("bare", url) as child:
        assert child.stdout is not None
        took = []
        for number in range(count):
            time.sleep(REST_S)
            began = time.monotonic_ns()
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute("INSERT INTO bare VALUES (%s, %s)", (number, "x" * 200))
                connection.execute("NOTIFY bare")
                connection.execute("COMMIT")
            took.append((int(child.stdout.readline()) - began) / 1e6)
        return took


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
