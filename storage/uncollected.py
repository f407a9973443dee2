"""Work that makes many objects and no garbage: the collector of cycles stays away from it, and from what it leaves.

Folding history, making a State of a snapshot and deciding a tick put a hundred thousand objects and more where they
stay. Each time that enough are new the collector goes through all of them, which is 40 % of the time of a long fold,
and finds nothing: events and what State keeps of them have no cycles, and go when the last reference does.
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


def set_aside() -> None:
    """Collect once, and have the collector leave alone whatever is there now.

    For a moment at which what will stay has just been made: going through all of it takes about a second for each
    hundred thousand assets, and would come again whenever a quarter as much is new.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
