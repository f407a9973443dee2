from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from headwater.daemon.host.watch import changes, scan

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def watching(root: Path, home: Path) -> AsyncIterator[Callable[[], Awaitable[set[Path]]]]:
    """A function that waits for the next change under `root`. One that the starting watch missed is seen too."""
    stop = anyio.Event()
    send, receive = anyio.create_memory_object_stream[set[Path]](100)

    async def watch() -> None:
        async for changed in changes(root, home=home, stop=stop):
            send.send_nowait(changed)

    async with send, receive, anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await anyio.wait_all_tasks_blocked()
        yield receive.receive
        stop.set()
        tasks.cancel_scope.cancel()


async def test_changed_new_and_removed_sources_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    async with watching(tmp_path, tmp_path / "home") as changed:
        (tmp_path / "a.py").write_text("22")
        assert await changed() == {tmp_path / "a.py"}
        (tmp_path / "b.py").write_text("1")
        assert tmp_path / "b.py" in await changed()
        (tmp_path / "a.py").unlink()
        assert await changed() == {tmp_path / "a.py"}


async def test_a_source_in_a_folder_made_later_is_noticed(tmp_path: Path) -> None:
    async with watching(tmp_path, tmp_path / "home") as changed:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "a.py").write_text("1")
        assert await changed() == {tmp_path / "sub" / "a.py"}
        (tmp_path / "sub" / "a.py").write_text("22")
        assert await changed() == {tmp_path / "sub" / "a.py"}


def test_homes_environments_and_caches_are_not_looked_at(tmp_path: Path) -> None:
    for folder in ("home/runs", ".venv/lib", "__pycache__", "src"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.py").write_text("1")
    folders, stamps = scan(tmp_path, home=tmp_path / "home")
    assert folders == {tmp_path, tmp_path / "src"}
    assert set(stamps) == {tmp_path / "src" / "x.py"}
