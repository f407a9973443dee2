"""Notices that Python sources have changed.

Only folders that can hold sources are watched, each by itself: not environments, caches or HEADWATER_HOME, where every
run makes a folder. When folders come or go the watch starts over. What counts as a change is decided by size and time
of the files, not by the notification, so that an editor's many small steps are one change and a lost notification is
made good by the next look.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import anyio
from watchfiles import awatch

DEBOUNCE_MS = 100
STEP_MS = 100
"""How often the watching thread wakes to look: it costs the idle daemon 0.15 % of a core at 100 ms, 0.5 % at 20 ms."""

FIRST_LOOK_MS = 1000
"""How long after (re)starting a watch the files are looked at once more, for what changed while it was being set up."""

_NOT_SOURCES = {"__pycache__", "node_modules", "site-packages", "venv", "env"}

Stamps = dict[Path, tuple[int, int, int]]


def scan(root: Path, *, home: Path | None = None) -> tuple[set[Path], Stamps]:
    """The folders under `root` that can hold sources, and (time, size, inode) of each Python file in them."""
    folders: set[Path] = set()
    stamps: Stamps = {}
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:  # gone meanwhile, or not ours to read
            continue
        folders.add(folder)
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name not in _NOT_SOURCES and path != home:
                    pending.append(path)
            elif entry.name.endswith(".py"):
                try:
                    stat = entry.stat()
                except OSError:
                    continue
                stamps[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return folders, stamps


async def changes(root: Path, *, home: Path | None = None, stop: anyio.Event) -> AsyncIterator[set[Path]]:
    """The Python files under `root` that were changed, added or removed, each time that there are some.

    Set `stop` when you are cancelled: the watching thread looks at it, and would go on for a second otherwise.
    """
    _, seen = scan(root, home=home)
    while not stop.is_set():
        folders, _ = scan(root, home=home)
        if not folders:  # the whole folder is gone; it may come back (a branch is checked out)
            await anyio.sleep(1)
            continue
        async for _ in _notifications(folders, stop):
            now_folders, now = scan(root, home=home)
            changed = {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
            seen = now
            if changed:
                yield changed
            if now_folders != folders:
                break


async def _notifications(folders: set[Path], stop: anyio.Event) -> AsyncIterator[None]:
    """Something happened in `folders`. The first one also comes by itself, `FIRST_LOOK_MS` after the start."""
    watch = awatch(
        *folders,
        watch_filter=lambda _, path: not path.endswith((".pyc", "~", ".swp")),
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        rust_timeout=FIRST_LOOK_MS,
        yield_on_timeout=True,
        stop_event=stop,
        recursive=False,
    )
    looked = False
    async with aclosing(watch):
        async for happened in watch:
            if happened or not looked:
                looked = True
                yield
