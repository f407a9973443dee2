"""Concurrent appends share a commit; what goes wrong with one of them is its own affair, or everybody's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import anyio
import pytest

from headwater.storage.batch import Batch, Expect, prepare
from headwater.storage.errors import ConflictError, LogClosed, StoreUnavailable
from headwater.storage.events import AssetObserved, RunRequested
from headwater.storage.group import GroupCommit
from headwater.storage.log import EventLog
from headwater.storage.store import Head, Row


class Commits:
    """A commit that can be held up, and that notes who shared it."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.fails: Exception | None = None
        self.tidied = threading.Event()
        self._started, self._go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.group = GroupCommit(self._commit, tidy=self.tidied.set)

    def _commit(self, batches: Sequence[Batch]) -> None:
        self._started.release()
        assert self._go_on.acquire(timeout=60)
        if self.fails is not None:
            raise self.fails
        self.groups.append([batch.rows[0][0] for batch in batches if batch.rows])

    def wait_until_one_started(self) -> None:
        assert self._started.acquire(timeout=60)

    def let_go(self, count: int = 1) -> None:
        self._go_on.release(count)

    def wait_until_queued(self, count: int) -> None:
        while len(self.group._queue) < count:
            threading.Event().wait(0.001)

    def close(self) -> None:
        self.let_go()
        self.group.close()


def batch(name: str) -> Batch:
    return Batch([prepare(AssetObserved(asset_key=name), name)])


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_threads_that_come_during_a_commit_share_the_next_one() -> None:
    commits = Commits()
    threads = [in_thread(lambda: commits.group.submit(batch("first")))]
    commits.wait_until_one_started()
    for count, name in enumerate(["second", "third", "fourth"], start=1):
        threads.append(in_thread(lambda name=name: commits.group.submit(batch(name))))
        commits.wait_until_queued(count)
    commits.let_go(2)
    for thread in threads:
        thread.join()
    commits.close()

    assert commits.groups[:2] == [["first"], ["second", "third", "fourth"]]


@pytest.mark.anyio
async def test_tasks_and_threads_share_a_commit_and_the_loop_goes_on() -> None:
    commits = Commits()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(commits.group.submit_async, batch("first"))
        await anyio.to_thread.run_sync(commits.wait_until_one_started)
        tasks.start_soon(commits.group.submit_async, batch("second"))
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(anyio.to_thread.run_sync, commits.group.submit, batch("third"))
        await anyio.to_thread.run_sync(commits.wait_until_queued, 2)
        commits.let_go(2)
    commits.close()

    assert commits.groups[:2] == [["first"], ["second", "third"]]


def test_a_waiting_thread_takes_the_lead_from_the_one_before() -> None:
    commits = Commits()
    names: dict[str, list[str]] = {}

    def submit(name: str) -> None:
        commits.group.submit(batch(name))
        names[name] = [*commits.groups[-1]]

    first = in_thread(lambda: submit("first"))
    commits.wait_until_one_started()
    second = in_thread(lambda: submit("second"))
    commits.wait_until_queued(1)
    commits.let_go()
    commits.wait_until_one_started()
    first.join()  # though the commit of the second still runs
    commits.let_go()
    second.join()
    commits.close()

    assert commits.groups[:2] == [["first"], ["second"]]


def test_a_failed_commit_fails_everyone_in_it_and_nobody_after_it() -> None:
    commits = Commits()
    commits.fails = StoreUnavailable("events.db", "disk full")
    failures: list[str] = []

    def submit(name: str) -> None:
        try:
            commits.group.submit(batch(name))
        except StoreUnavailable:
            failures.append(name)

    first = in_thread(lambda: submit("first"))
    commits.wait_until_one_started()
    second = in_thread(lambda: submit("second"))
    commits.wait_until_queued(1)
    commits.let_go(2)
    first.join()
    second.join()
    commits.fails = None
    commits.let_go()
    commits.group.submit(batch("third"))
    commits.close()

    assert failures == ["first", "second"]
    assert commits.groups[0] == ["third"]


@pytest.mark.anyio
async def test_a_cancelled_task_leaves_the_others_in_peace() -> None:
    commits = Commits()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(commits.group.submit_async, batch("first"))
        await anyio.to_thread.run_sync(commits.wait_until_one_started)
        with anyio.move_on_after(0):
            await commits.group.submit_async(batch("cancelled"))
        tasks.start_soon(commits.group.submit_async, batch("third"))
        await anyio.wait_all_tasks_blocked()
        commits.let_go(2)
    commits.close()

    assert commits.groups[1][-1] == "third"


def test_what_was_queued_before_closing_is_written_and_nothing_after() -> None:
    commits = Commits()
    first = in_thread(lambda: commits.group.submit(batch("first")))
    commits.wait_until_one_started()
    second = in_thread(lambda: commits.group.submit(batch("second")))
    commits.wait_until_queued(1)
    closing = in_thread(commits.group.close)
    commits.wait_until_queued(2)
    with pytest.raises(LogClosed):
        commits.group.submit(batch("late"))
    commits.let_go(2)
    for thread in (first, second, closing):
        thread.join()

    assert commits.groups == [["first"], ["second"]]


@pytest.mark.anyio
async def test_the_store_is_tidied_once_after_a_busy_spell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.storage.group.IDLE_S", 0.01)
    commits = Commits()
    commits.let_go()
    await commits.group.submit_async(batch("first"))

    assert await anyio.to_thread.run_sync(commits.tidied.wait, 60)
    commits.close()


# ---- with a log ------------------------------------------------------------------------------------------------------


class Slow:
    """Holds up the commits of a log until told to go on."""

    def __init__(self, log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started, self.go_on = threading.Event(), threading.Event()
        self._commit = log._store.commit
        monkeypatch.setattr(log._store, "commit", self._commit_late)

    def _commit_late(self, rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        self.started.set()
        assert self.go_on.wait(60)
        self._commit(rows, blobs, head)


def test_a_conflict_fails_its_caller_alone_in_a_shared_commit(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(log, monkeypatch)
    outcomes: dict[str, object] = {}

    def append(name: str, expect: Expect | None) -> None:
        try:
            outcomes[name] = log.append([RunRequested(run_id="r1"), AssetObserved(asset_key=name)], expect=expect)
        except ConflictError as error:
            outcomes[name] = error.actual

    threads = [in_thread(lambda: append("first", None))]
    assert slow.started.wait(60)
    for count, (name, expect) in enumerate(
        [
            ("stale", Expect(run_id="r1", position=0)),
            ("second", Expect(run_id="r1", position=1)),
            ("late", Expect(run_id="r1", position=1)),  # the one before it stands in the same transaction
            ("third", None),
        ],
        start=1,
    ):
        threads.append(in_thread(lambda name=name, expect=expect: append(name, expect)))
        while len(log._group._queue) < count:
            threading.Event().wait(0.001)
    slow.go_on.set()
    for thread in threads:
        thread.join()

    assert outcomes == {"first": range(1, 3), "stale": 1, "second": range(3, 5), "late": 3, "third": range(5, 7)}
    assert log.head().offset == 6
    log.verify()


def test_readers_see_nothing_of_a_commit_until_it_is_done(file_log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(file_log, monkeypatch)
    writer = in_thread(lambda: file_log.append([AssetObserved(asset_key="orders")] * 3))
    assert slow.started.wait(60)

    assert file_log.read(after=0) == []
    slow.go_on.set()
    writer.join()
    assert len(file_log.read(after=0)) == 3


def test_many_threads_and_tasks_append_each_event_once(log: EventLog) -> None:
    def append(name: str) -> None:
        for number in range(20):
            log.append([AssetObserved(asset_key=name, data_version=str(number))])

    async def append_async(name: str) -> None:
        for number in range(20):
            await log.append_async([AssetObserved(asset_key=name, data_version=str(number))])

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(append_async, f"task_{number}")
                tasks.start_soon(anyio.to_thread.run_sync, append, f"thread_{number}")

    anyio.run(main)

    versions: dict[str, list[str | None]] = {}
    for stored in log.read(after=0):
        assert isinstance(stored.event, AssetObserved)
        versions.setdefault(stored.event.asset_key, []).append(stored.event.data_version)
    assert len(versions) == 20
    assert all(seen == [str(number) for number in range(20)] for seen in versions.values())
    log.verify()


@pytest.mark.anyio
async def test_tasks_that_are_ready_together_share_one_commit(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.storage.group.SHORT_COMMIT_S", 60.0)  # so that the loop leads from the second on
    await log.append_async([AssetObserved(asset_key="orders")])
    commits: list[int] = []
    commit = log._store.commit

    def counted(rows: list[Row], blobs: dict[str, bytes], head: Head) -> None:
        commits.append(len(rows))
        commit(rows, blobs, head)

    monkeypatch.setattr(log._store, "commit", counted)
    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(log.append_async, [AssetObserved(asset_key="orders")])

    assert commits == [100]


@pytest.mark.anyio
@pytest.mark.parametrize("limit_s", [0.0, 60.0], ids=["led by the writer thread", "led by the loop"])
async def test_a_task_may_append_in_both_ways_at_once(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, limit_s: float
) -> None:
    """A blocking append stops the very loop that would lead for the other: it takes both."""
    monkeypatch.setattr("headwater.storage.group.SHORT_COMMIT_S", limit_s)
    await log.append_async([AssetObserved(asset_key="first")])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.append_async, [AssetObserved(asset_key="waiting")])

        async def append() -> None:
            log.append([AssetObserved(asset_key="blocking")])

        tasks.start_soon(append)

    assert log.head().offset == 3
