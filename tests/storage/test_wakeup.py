"""A tailer is woken when the log grows, by whoever appended; wake-ups coalesce and carry nothing."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from headwater.storage.events import AssetObserved
from headwater.storage.log import EventLog
from headwater.storage.wakeup import Wakeups

EVENT = AssetObserved(asset_key="orders")


@pytest.mark.anyio
async def test_a_task_that_waits_is_woken_by_an_append(log: EventLog) -> None:
    with log.subscribe() as woken:
        came: list[bool] = []

        async def wait() -> None:
            came.append(await woken.wait(timeout_s=60))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await log.append_async([EVENT])
        assert came == [True]


@pytest.mark.anyio
async def test_many_appends_are_few_wake_ups(log: EventLog) -> None:
    with log.subscribe() as woken:
        for _ in range(2_000):  # more than a socket holds
            log.append([EVENT])

        wake_ups = 0
        while await woken.wait(timeout_s=0.2):  # a server's come a moment later, some together
            wake_ups += 1
        assert 1 <= wake_ups < 500


def test_without_an_append_waiting_ends_in_time(log: EventLog) -> None:
    with log.subscribe() as woken:
        assert not woken.wait_blocking(timeout_s=0)
        log.append([EVENT])
        assert woken.wait_blocking(timeout_s=60)


def test_every_subscription_is_woken_and_a_closed_one_is_forgotten(log: EventLog) -> None:
    first, second = log.subscribe(), log.subscribe()
    log.append([EVENT])
    assert first.wait_blocking(timeout_s=60)
    assert second.wait_blocking(timeout_s=60)

    first.close()
    log.append([EVENT])
    log.append([EVENT])
    assert second.wait_blocking(timeout_s=60)
    second.close()
    log.append([EVENT])


def test_an_append_that_fails_to_wake_anybody_still_succeeds(tmp_path: Path) -> None:
    with EventLog.open(tmp_path) as log, log.subscribe() as woken:
        assert woken.path is not None
        woken.path.unlink()

        assert log.append([EVENT]) == range(1, 2)


def test_two_logs_of_one_home_wake_each_other_whatever_its_name(tmp_path: Path) -> None:
    home = tmp_path / ("a long name " * 15).strip()
    link = tmp_path / "link"
    with EventLog.open(home) as log:
        link.symlink_to(home)
        with EventLog.open(link) as other, log.subscribe() as woken:
            other.append([EVENT])
            assert woken.wait_blocking(timeout_s=60)


def test_sockets_in_a_folder_of_somebody_else_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wakeups = Wakeups(tmp_path, root=tmp_path)
    with wakeups.subscribe() as woken:
        monkeypatch.setattr("headwater.storage.wakeup.TRUSTED_OWNERS", frozenset())
        wakeups.notify()
        assert not woken.clear()
    wakeups.close()
