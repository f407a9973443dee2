"""The waits between the attempts of a step, with the clock and the random source as arguments."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LOOK_EVERY_S = 0.5
"""How often a wait looks whether the run was ended meanwhile."""


@dataclass(slots=True)
class Pause:
    """The waits between attempts: the clock and the random source of a run."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    random: Callable[[], float] = field(default_factory=lambda: random.Random().random)

    def wait(self, seconds: float, check: Callable[[], None]) -> None:
        """Wait, and call `check` every now and then, which raises where there is nothing to wait for any more."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            self.sleep(min(left, LOOK_EVERY_S))
            check()
