"""Watching one folder: which files in it have just changed, and which were renamed into place, without polling.

watchfiles, which watches the sources, looks for changes every few milliseconds: at 2 ms to notice a file it takes 2 %
of a core while nothing happens, at 0.1 % it takes 120 ms (measured, 1.3.0). An inbox needs both, so on Linux this
reads the kernel's inotify directly; elsewhere it uses watchfiles in between.

However a notification gets lost (a network file system sends none), the folder's own modification time is compared once
a second, and a change that nobody has told of makes every name count as changed.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio

LOOK_S = 1.0

_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name behind it
_MODIFY, _CLOSE_WRITE, _MOVED_TO, _CREATE = 0x2, 0x8, 0x80, 0x100
_DELETE_SELF, _MOVE_SELF, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x4000, 0x8000
_MASK = _MODIFY | _CLOSE_WRITE | _MOVED_TO | _CREATE | _DELETE_SELF | _MOVE_SELF


Names = dict[str, bool]
"""Names of files, each with whether it is known to have been renamed into place."""


async def changed_names(folder: Path) -> AsyncGenerator[Names, None]:
    """The names in `folder` that may have changed; all of them first, and whenever that is the safe answer.

    A folder that does not exist is made, also when it is removed later.
    """
    notices = _inotify_names(folder) if sys.platform == "linux" else _watchfiles_names(folder)
    seen = 0
    async for names in notices:
        stamp = _changed_at(folder)
        if names is None or (not names and stamp != seen):
            names = _all_names(folder)
        seen = stamp
        if names:
            yield names


def _changed_at(folder: Path) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except FileNotFoundError:
        return 0


def _all_names(folder: Path) -> Names:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: False for entry in entries}
    except FileNotFoundError:  # it is made again by whoever watches
        return {}


async def _inotify_names(folder: Path) -> AsyncGenerator[Names | None, None]:
    """Names as the kernel tells them; None for "look at everything", none at all once a second."""
    libc = ctypes.CDLL(None, use_errno=True)
    while True:
        os.makedirs(folder, exist_ok=True)
        descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(folder), _MASK) < 0:
            number = ctypes.get_errno()
            if descriptor >= 0:
                os.close(descriptor)
            raise OSError(number, f"{os.strerror(number)} (inotify; see fs.inotify.max_user_watches)", str(folder))
        try:
            yield None  # what was there before the watch began
            gone = False
            while not gone:
                with anyio.move_on_after(LOOK_S):
                    await anyio.wait_readable(descriptor)
                names, gone = _read(descriptor)
                yield names
        finally:
            os.close(descriptor)


def _read(descriptor: int) -> tuple[Names | None, bool]:
    """The names told of so far, and whether the folder itself is gone."""
    names: Names | None = {}
    try:
        data = os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return names, False
    place, gone = 0, False
    while place < len(data):
        _, mask, _, length = _EVENT.unpack_from(data, place)
        place += _EVENT.size
        name = os.fsdecode(data[place : place + length].rstrip(b"\0"))
        place += length
        gone = gone or bool(mask & (_IGNORED | _DELETE_SELF | _MOVE_SELF))
        if mask & _OVERFLOW:
            names = None
        elif names is not None and name:
            names[name] = bool(mask & _MOVED_TO)  # a write after the rename takes it back
    return names, gone


async def _watchfiles_names(folder: Path) -> AsyncGenerator[Names | None, None]:
    from watchfiles import awatch

    os.makedirs(folder, exist_ok=True)
    yield None
    timeout_ms = int(LOOK_S * 1000)
    watch = awatch(folder, debounce=20, step=20, recursive=False, rust_timeout=timeout_ms, yield_on_timeout=True)
    async for changes in watch:
        yield {Path(path).name: False for _, path in changes}
