"""Back to a moment of a long log, and the start of a daemon on it: 1 million events of runs of 1,000 assets.

What was so at its end and half-way; how long it takes to find the offset of an instant, and what changed over the last
hundredth of the log. The log has the snapshots that a daemon takes by the way (start_up.py tells which).
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Effort, Figure, Target, scratch_folder, timed
from long_log import write
from start_up import start_up

from headwater.storage import History
from headwater.storage.log import EventLog

TARGET_MS = Target(1_000)
WHERE = "reading the nearest snapshot, and folding each event since"


def history(effort: Effort) -> list[Figure]:
    size = effort.of(1_000_000, 2_000)
    with scratch_folder() as home, EventLog.in_file(home) as log:
        write(log, size, snapshots=True)
        moments = History(log)
        head = log.head().offset
        middle = log.read(head // 2, 1)[0].at
        measured: list[tuple[str, Callable[[], object], Target | None]] = [
            ("its end", lambda: moments.at(head), TARGET_MS),
            ("its middle", lambda: moments.at(head // 2), TARGET_MS),
            ("an instant, its offset alone", lambda: moments.offset_of(middle), None),
            ("a difference over its last hundredth", lambda: moments.diff(head - size // 100, head), None),
        ]
        figures = [
            Figure(
                name=f"log of {size:,} events: {name}",
                value=round(timed(call) * 1_000, 3),
                unit="ms",
                target=target if not effort.quick else None,
                where=WHERE,
            )
            for name, call, target in measured
        ]
        return figures + start_up(log, effort)
