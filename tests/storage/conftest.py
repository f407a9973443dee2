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


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(params=["file", "memory", "list"])
def log(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> Iterator[EventLog]:
    ids = SeededIds()
    if request.param == "file":
        log = EventLog.open(tmp_path / "home", clock=clock, ids=ids)
    elif request.param == "memory":
        log = EventLog.memory(clock=clock, ids=ids)
    else:
        log = EventLog(MemoryStore(), LocalWakeups(), clock=clock, ids=ids)
    with log:
        yield log


@pytest.fixture
def file_log(tmp_path: Path, clock: VirtualClock) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "home", clock=clock, ids=SeededIds()) as log:
        yield log
