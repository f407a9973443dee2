"""Several processes write and read one log at once, and some of them are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headwater.storage.errors import LogClosed, StoreUnavailable
from headwater.storage.events import AssetObserved, Event
from headwater.storage.log import EventLog
from headwater.storage.sqlite import SqliteStore

PROCESSES = Path(__file__).with_name("processes.py")
BATCH = 3


def start(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROCESSES), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def lines(process: subprocess.Popen[str]) -> list[str]:
    output, _ = process.communicate()
    return output.split()


def read_all(log: EventLog) -> list[Event]:
    events: list[Event] = []
    while page := log.read(after=len(events)):
        assert [stored.offset for stored in page] == list(range(len(events) + 1, len(events) + len(page) + 1))
        events += [stored.event for stored in page]
    return events


def test_readers_see_each_event_of_many_writers_once_in_order_and_killed_writers_lose_nothing(home: Path) -> None:
    with EventLog.open(home) as log:
        readers = [start("tail", home, "end") for _ in range(2)]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
        mortal = {f"mortal_{n}": start("write", home, f"mortal_{n}", 1_000_000) for n in range(3)}
        steady = {f"steady_{n}": start("write", home, f"steady_{n}", 150) for n in range(2)}
        acknowledged: dict[str, int] = {}
        for n, (name, writer) in enumerate(mortal.items()):
            assert writer.stdout is not None
            for _ in range(20 + 30 * n):
                acknowledged[name] = int(writer.stdout.readline())
            writer.kill()
            acknowledged[name] = max([acknowledged[name], *map(int, writer.stdout.read().split())])
            writer.wait()
            writer.stdout.close()
        for name, writer in steady.items():
            assert lines(writer) == [str(number) for number in range(150)]
            acknowledged[name] = 149
        end = log.append([AssetObserved(asset_key="end")])[0]

        for reader in readers:
            assert lines(reader) == [str(offset) for offset in range(1, end + 1)]
        versions: dict[str, list[str]] = {}
        for event in read_all(log):
            assert isinstance(event, AssetObserved)
            versions.setdefault(event.asset_key, []).append(event.data_version or "")
        for name, last in acknowledged.items():
            written = [f"{number}.{part}" for number in range(len(versions[name]) // BATCH) for part in range(BATCH)]
            assert versions[name] == written, f"{name} lost or doubled a batch, or a part of one"
            assert len(versions[name]) // BATCH - 1 in (last, last + 1)  # killed after the commit, before it said so
        log.verify()


def test_many_writers_some_of_them_killed_and_three_tailers_agree_on_a_hundred_thousand_events(home: Path) -> None:
    """The proof of the order: every tailer sees each committed event once, in one order, without gaps."""
    batch, count = 40, 500
    with EventLog.open(home) as log:
        tailers = [start("tail", home, "end") for _ in range(3)]
        for tailer in tailers:
            assert tailer.stdout is not None
            assert tailer.stdout.readline() == "ready\n"
        steady = [start("write", home, f"steady_{n}", count, batch) for n in range(5)]
        mortal = [start("write", home, f"mortal_{n}", 1_000_000, batch) for n in range(3)]
        for n, writer in enumerate(mortal):
            assert writer.stdout is not None
            for _ in range(30 * (n + 1)):
                writer.stdout.readline()
            writer.kill()
            writer.communicate()
        for writer in steady:
            assert len(lines(writer)) == count
        end = log.append([AssetObserved(asset_key="end")])[0]

        assert end > 5 * batch * count
        for tailer in tailers:
            assert lines(tailer) == [str(offset) for offset in range(1, end + 1)]
        log.verify()


def test_a_writer_killed_while_it_holds_the_lock_stops_nobody(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from headwater.storage.sqlite import SqliteStore\n"
        "store = SqliteStore(Path(sys.argv[1]) / 'events.db')\n"
        "store.begin()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with EventLog.open(tmp_path) as log:
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

        assert log.append([AssetObserved(asset_key="orders")]) == range(1, 2)


def test_a_commit_wakes_a_tailer_in_another_process(home: Path) -> None:
    with EventLog.open(home) as log, log.subscribe() as woken:
        writer = start("write", home, "orders", 1)

        assert woken.wait_blocking(timeout_s=60)
        assert len(log.read(after=0)) == BATCH
        assert lines(writer) == ["0"]


def test_a_dead_tailer_is_removed_and_the_living_ones_are_woken(tmp_path: Path) -> None:
    with EventLog.open(tmp_path) as log:
        tailer = start("tail", tmp_path, "end")
        assert tailer.stdout is not None
        tailer.stdout.readline()
        with log.subscribe() as woken:
            assert woken.path is not None
            folder = woken.path.parent
            assert len(list(folder.iterdir())) == 2
            tailer.kill()
            lines(tailer)

            log.append([AssetObserved(asset_key="orders")])

            assert woken.wait_blocking(timeout_s=60)
            assert list(folder.iterdir()) == [woken.path]
        assert not folder.exists()


# ---- forks -----------------------------------------------------------------------------------------------------------


def in_child(function: Callable[[], str]) -> str:
    """What `function` returns in a forked child."""
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(send, function().encode())
        except BaseException as error:
            os.write(send, repr(error).encode())
        finally:
            os._exit(0)
    os.close(send)
    with os.fdopen(receive) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return text


def test_a_forked_child_opens_the_store_that_its_parent_prepared(tmp_path: Path) -> None:
    EventLog.open(tmp_path).close()
    SqliteStore.prepare()

    def child() -> str:
        with EventLog.open(tmp_path) as log:
            return str(log.append([AssetObserved(asset_key="orders")]))

    assert in_child(child) == "range(1, 2)"
    with EventLog.open(tmp_path) as log:
        assert len(log.read(after=0)) == 1


def test_a_forked_child_cannot_use_the_log_of_its_parent(tmp_path: Path) -> None:
    def use(log: EventLog) -> str:
        refused: list[str] = []
        for use in (lambda: log.append([AssetObserved(asset_key="a")]), lambda: log.read(after=0), log.head):
            with pytest.raises(LogClosed, match="open it in the child"):
                use()
            refused.append("refused")
        with pytest.raises(StoreUnavailable, match="open when this process was forked"):
            EventLog.open(tmp_path)
        log.close()
        return " ".join(refused)

    with EventLog.open(tmp_path) as log:
        log.append([AssetObserved(asset_key="orders")])
        assert in_child(lambda: use(log)) == "refused refused refused"
        assert log.append([AssetObserved(asset_key="orders")]) == range(2, 3)
        log.verify()


def test_a_child_of_a_killed_parent_does_not_keep_its_lock(tmp_path: Path) -> None:
    """The parent dies inside a transaction; its forked child lives on and must not hold up the next writer."""
    code = (
        "import os, signal, sys, time\n"
        "from pathlib import Path\n"
        "from headwater.storage.log import EventLog\n"
        "log = EventLog.open(Path(sys.argv[1]))\n"
        "log._store.begin()\n"
        "if os.fork() == 0:\n"
        "    print(os.getpid(), flush=True)\n"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"
        "signal.pause()\n"
    )
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline()
        parent.kill()
        parent.wait()
        with EventLog.open(tmp_path) as log:
            assert log.append([AssetObserved(asset_key="orders")]) == range(1, 2)
