"""Identifiers: UUIDs of version 7 (RFC 9562), which sort by the time they were made.

Where they come from is an argument: tests and simulations give seeded ones, so that a run of them can be repeated.
An id names a thing and orders nothing; the order of the log is its offsets.
"""

from __future__ import annotations

import os
import random
import threading
import time
from typing import Protocol

_NS_PER_MS = 1_000_000
_VERSION = 7 << 12  # above the 12 bits of the fraction
_VARIANT = 2 << 62  # above the random bits
_SEEDED_START_NS = 1_767_225_600_000 * _NS_PER_MS  # 2026-01-01

# Not the module's global source, which user code may seed. Ids are no secrets, so a system call for each is saved; a
# forked child must not go on where its parent stands.
_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)


class IdSource(Protocol):
    def new_id(self) -> str:
        """A fresh UUIDv7 in its usual text form. Safe to call from any thread."""
        ...


def uuid7(time_ns: int, random_bits: int) -> str:
    """The UUIDv7 of an instant and 62 random bits. Behind the millisecond stand 12 bits of its fraction (method 3)."""
    ms, rest_ns = divmod(time_ns, _NS_PER_MS)
    fraction = (rest_ns << 12) // _NS_PER_MS
    text = "%032x" % (ms << 80 | (_VERSION | fraction) << 64 | _VARIANT | random_bits)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class SystemIds:
    """Ids of the real time and of a random source that each process seeds from the system's."""

    def new_id(self) -> str:
        return uuid7(time.time_ns(), _random.getrandbits(62))


class SeededIds:
    """The same ids for the same seed. Their time starts in 2026 and moves one millisecond with each."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._time_ns = _SEEDED_START_NS
        self._mutex = threading.Lock()

    def new_id(self) -> str:
        with self._mutex:
            self._time_ns += _NS_PER_MS
            return uuid7(self._time_ns, self._random.getrandbits(62))
