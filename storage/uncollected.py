"""Work that makes many objects and no garbage: the collector sleeps meanwhile.

Folding history, and making a State of a snapshot, put a hundred thousand objects and more where they stay. Each time
that enough are new the collector goes through all of them, which is 40 % of the time of a long fold, and finds nothing:
events and what State keeps of them have no cycles, and go when the last reference does.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector of cycles is off, in the whole process; afterwards it is as it was."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
