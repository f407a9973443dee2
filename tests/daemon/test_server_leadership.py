"""Real daemons with homes of their own on one real server: one of them leads, by name, and knows when it does not."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from headwater.daemon import server_leadership
from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.daemon_process import DaemonProcess, events_of, wait_until
from support.postgres import schema_url

PROJECT = """
from headwater import AssetSpec, AutomationCondition, Definitions, asset

@asset(deps=["raw"], automation_condition=AutomationCondition.eager())
def copy(): ...

defs = Definitions(assets=[AssetSpec("raw"), copy])
"""
NUMBER = "hashtextextended(concat('headwater lead ', current_schema()), 0)"
LOCK = f"SELECT pg_advisory_lock({NUMBER})"
LOCKERS = f"""
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted = %s AND (classid::bigint << 32 | objid::bigint) = {NUMBER}
"""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with schema_url() as url:
        monkeypatch.setenv("HEADWATER_STORE", url)
        yield url


@pytest.fixture
def log(url: str, tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "watcher") as log:
        yield log


@pytest.fixture
def daemons(url: str, tmp_path: Path) -> Iterator[list[DaemonProcess]]:
    """Two daemons as on two machines: nothing but the server is common to them."""
    (tmp_path / "project.py").write_text(PROJECT)
    both = [DaemonProcess(tmp_path / name, tmp_path / "project.py") for name in ("here", "there")]
    yield both
    for daemon in both:
        daemon.clean_up()


def wait_for_lead(log: EventLog, daemon: DaemonProcess) -> None:
    """Until it has loaded its definitions, which is the first thing that a leader does."""
    before = len(events_of(log, e.DaemonStarted))
    daemon.start()
    wait_until(log, lambda: len(events_of(log, e.DaemonStarted)) > before, "it led", daemon=daemon)
    wait_until(log, lambda: bool(events_of(log, e.DefinitionsLoaded)), "definitions were loaded", daemon=daemon)


def end_of(daemon: DaemonProcess) -> str:
    """What a daemon that gives up says."""
    assert daemon.process is not None
    assert daemon.process.wait(60) == 1, daemon.output.read_text()
    return " ".join(daemon.output.read_text().split())


def wait_for_word(daemon: DaemonProcess, word: str) -> None:
    deadline = time.monotonic() + 60
    while word not in daemon.output.read_text():
        assert time.monotonic() < deadline, daemon.output.read_text()
        daemon.assert_alive()
        time.sleep(0.02)


def makes(log: EventLog, daemon: DaemonProcess) -> None:
    """It reacts to an update."""
    before = len(events_of(log, e.RunSucceeded))
    log.append([e.AssetMaterialized(asset_key="raw", origin="report")])
    wait_until(log, lambda: len(events_of(log, e.RunSucceeded)) > before, "the copy was made", daemon=daemon)


@contextmanager
def lock_taken_away(url: str) -> Iterator[psycopg.Connection[Any]]:
    """The daemon's connection breaks, and somebody else has its lock before it comes back."""
    with psycopg.connect(url, autocommit=True) as thief, psycopg.connect(url, autocommit=True) as admin:
        holder = lock_holder(admin)
        thief.execute("SET lock_timeout = '20s'")
        with thief.pipeline():
            thief.execute(LOCK)  # queues up first
            while not admin.execute(LOCKERS, (False,)).fetchone():
                time.sleep(0.01)
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (holder,))
        yield thief


def lock_holder(admin: psycopg.Connection[Any]) -> int:
    found = admin.execute(LOCKERS, (True,)).fetchall()
    assert len(found) == 1, found
    return found[0][0]


def test_a_second_daemon_on_another_machine_is_refused_by_name_until_the_first_is_gone(
    log: EventLog, daemons: list[DaemonProcess]
) -> None:
    first, second = daemons
    wait_for_lead(log, first)
    assert first.process is not None
    second.start()
    said = end_of(second)
    assert "a daemon already runs on this log" in said
    assert f"pid {first.process.pid}, host {socket.gethostname()}" in said
    assert len(events_of(log, e.DaemonStarted)) == 1

    first.kill()
    wait_for_lead(log, second)
    makes(log, second)
    assert log.head().term == 2


def test_a_daemon_whose_connection_broke_takes_the_lead_again_and_goes_on(
    url: str, log: EventLog, daemons: list[DaemonProcess]
) -> None:
    daemon = daemons[0]
    wait_for_lead(log, daemon)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (lock_holder(admin),))
    wait_for_word(daemon, "lead_regained")
    makes(log, daemon)
    assert log.head().term == 1


def test_a_daemon_that_does_not_know_whether_it_leads_decides_nothing(
    url: str, log: EventLog, daemons: list[DaemonProcess]
) -> None:
    daemon = daemons[0]
    wait_for_lead(log, daemon)
    makes(log, daemon)
    with lock_taken_away(url):
        wait_for_word(daemon, "lead_in_doubt")
        log.append([e.AssetMaterialized(asset_key="raw", origin="report")])
        time.sleep(1)  # a daemon that went on would have decided long ago
        assert len(events_of(log, e.RunRequested)) == 1
    wait_until(log, lambda: len(events_of(log, e.RunSucceeded)) == 2, "it went on where it stood", daemon=daemon)
    assert "lead_regained" in daemon.output.read_text()


def test_a_daemon_that_another_one_replaced_ends_and_says_which(
    url: str, log: EventLog, daemons: list[DaemonProcess]
) -> None:
    daemon = daemons[0]
    wait_for_lead(log, daemon)
    with lock_taken_away(url):
        log.take_lead('{"pid": "7", "host": "elsewhere"}')
        said = end_of(daemon)
    assert "has lost the lead of the log: another daemon leads it now (pid 7, host elsewhere)" in said
    assert "Traceback" not in said


@pytest.mark.anyio
async def test_a_daemon_whose_lock_stays_away_ends_with_the_reason(
    url: str, log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.storage.opening import lead_lock

    monkeypatch.setattr(server_leadership, "REGAIN_S", 1.0)
    lead = server_leadership.ServerLeadership(lead_lock(tmp_path / "watcher"), log, "the log")
    refused = pytest.raises(server_leadership.LeadLost, match="the server does not give the lock back")
    with lead.taken(), lock_taken_away(url), refused:
        await lead.keep(log.head().term)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
