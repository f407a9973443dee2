"""A log on each kind of store: what is promised of the log holds on all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.storage.clock import VirtualClock
from headwater.storage.ids import SeededIds
from headwater.storage.log import EventLog
from headwater.storage.memory import MemoryStore
from headwater.storage.wakeup import LocalWakeups
from support.postgres import schema_url


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["file", "postgres", "memory", "list"])
def log(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Iterator[EventLog]:
    ids = SeededIds()
    if request.param == "file":
        log = EventLog.open(tmp_path / "home", clock=clock, ids=ids)
    elif request.param == "postgres":
        request.getfixturevalue("postgres_url")
        log = EventLog.open(tmp_path / "home", clock=clock, ids=ids)
    elif request.param == "memory":
        log = EventLog.memory(clock=clock, ids=ids)
    else:
        log = EventLog(MemoryStore(), LocalWakeups(), clock=clock, ids=ids)
    with log:
        yield log


@pytest.fixture
def postgres_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty schema of a real server, which every home of the test has its log in."""
    with schema_url() as url:
        monkeypatch.setenv("HEADWATER_STORE", url)
        yield url


@pytest.fixture(params=["file", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home whose log several processes can open, on each kind of store."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_url")
    return tmp_path / "home"


@pytest.fixture
def file_log(tmp_path: Path, clock: VirtualClock) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "home", clock=clock, ids=SeededIds()) as log:
        yield log
