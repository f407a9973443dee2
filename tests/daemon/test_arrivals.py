"""Arrivals: what counts as a file that has landed, and that no file or folder can end the daemon."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import pytest

from headwater.daemon.arrivals import ArrivalWatcher
from headwater.definitions.arrival import FileArrival
from headwater.storage.events import AssetMaterialized


class Inbox:
    """A watched folder, and what was recorded of it."""

    def __init__(self, folder: Path, pattern: str = "{partition}.csv") -> None:
        self.folder, self.pattern = folder, pattern
        self.events: list[AssetMaterialized] = []
        self.recorded: dict[str, str] = {}
        self._arrived = anyio.Event()

    def drop(self, name: str, text: str = "x") -> None:
        building = self.folder / f".{name}"
        building.write_text(text)
        building.replace(self.folder / name)

    async def _append(self, events: Sequence[AssetMaterialized]) -> None:
        self.events += events
        for event in events:
            path = event.metadata["path"]
            assert isinstance(path, dict)
            self.recorded[str(path["value"])] = event.data_version or ""
        self._arrived.set()

    async def until(self, count: int) -> list[str | None]:
        """Wait until so many files were recorded; returns their partitions."""
        with anyio.fail_after(10):
            while len(self.events) < count:
                self._arrived = anyio.Event()
                await self._arrived.wait()
        return [event.partition for event in self.events]

    async def watch(self, test: Callable[[], Awaitable[None]]) -> None:
        watcher = ArrivalWatcher(
            "inbox",
            FileArrival(str(self.folder), self.pattern),
            append=self._append,
            recorded=lambda _, path: self.recorded.get(path),
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watcher.run)
            await test()
            tasks.cancel_scope.cancel()


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    (tmp_path / "inbox").mkdir()
    return Inbox(tmp_path / "inbox")


def test_files_that_were_there_and_files_that_come_are_recorded_once(inbox: Inbox) -> None:
    async def test() -> None:
        assert await inbox.until(1) == ["before"]
        inbox.drop("after.csv")
        inbox.drop("no.txt")
        inbox.drop("third.csv")
        assert await inbox.until(3) == ["before", "after", "third"]

    inbox.drop("before.csv")
    anyio.run(inbox.watch, test)


def test_a_file_that_changes_is_another_update(inbox: Inbox) -> None:
    async def test() -> None:
        await inbox.until(1)
        inbox.drop("a.csv", "longer than before")
        assert await inbox.until(2) == ["a", "a"]

    inbox.drop("a.csv")
    anyio.run(inbox.watch, test)


def test_several_files_of_an_unpartitioned_asset_are_each_remembered(inbox: Inbox) -> None:
    inbox.pattern = "*.csv"
    for name in ("a.csv", "b.csv", "c.csv"):
        inbox.drop(name)

    async def first() -> None:
        await inbox.until(3)

    async def again() -> None:
        inbox.drop("d.csv")
        await inbox.until(4)

    anyio.run(inbox.watch, first)
    anyio.run(inbox.watch, again)
    assert len(inbox.events) == 4  # a restart records only what is new


def test_a_folder_that_goes_away_is_watched_again(inbox: Inbox) -> None:
    async def test() -> None:
        inbox.drop("a.csv")
        await inbox.until(1)
        inbox.folder.rename(inbox.folder.with_name("elsewhere"))
        with anyio.fail_after(10):
            while not inbox.folder.exists():  # noqa: ASYNC110 - it is made again by the watcher
                await anyio.sleep(0.01)
        inbox.drop("b.csv")
        assert await inbox.until(2) == ["a", "b"]

    anyio.run(inbox.watch, test)


def test_what_is_no_readable_file_is_left_alone(inbox: Inbox) -> None:
    async def test() -> None:
        (inbox.folder / "loop.csv").symlink_to("loop.csv")
        (inbox.folder / "folder.csv").mkdir()
        os.close(os.open(os.fsencode(inbox.folder) + b"/\xff.csv", os.O_CREAT))
        inbox.drop("good.csv")
        assert await inbox.until(1) == ["good"]

    anyio.run(inbox.watch, test)


def test_a_file_in_the_place_of_the_folder_is_waited_out(inbox: Inbox) -> None:
    inbox.folder.rmdir()
    inbox.folder.write_text("not a folder")

    async def test() -> None:
        await anyio.sleep(0.1)
        inbox.folder.unlink()
        with anyio.fail_after(10):
            while not inbox.folder.exists():  # noqa: ASYNC110
                await anyio.sleep(0.01)
        inbox.drop("a.csv")
        assert await inbox.until(1) == ["a"]

    anyio.run(inbox.watch, test)
