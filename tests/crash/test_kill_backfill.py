"""A real daemon, killed with SIGKILL at random moments while it drives a backfill.

However often it dies: the backfill comes to its end, each partition is made once, upstream first, and what reads the
hour that fails is left out. A partition is attempted twice only where its worker was killed too, and that is told.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.daemon_process import DaemonProcess, events_of, wait_until

PROJECT = Path(__file__).with_name("backfill_project.py")
KILLS = 8
DAYS = ("2024-01-01", "2024-01-05")
TARGETS = (
    e.Target(asset_key="readings", partitions=(("2024-01-01-00:00", "2024-01-05-23:00"),)),
    e.Target(asset_key="daily", partitions=(DAYS,)),
    e.Target(asset_key="checked", partitions=(DAYS,)),
)


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[DaemonProcess]:
    victim = DaemonProcess(tmp_path, PROJECT)
    yield victim
    victim.clean_up()


@pytest.mark.timeout(300)
def test_a_backfill_whose_daemon_is_killed_over_and_over_makes_everything_once(
    victim: DaemonProcess, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    with EventLog.open(victim.home) as log:
        victim.start()
        wait_until(log, lambda: bool(events_of(log, e.DefinitionsLoaded)), "it has loaded", daemon=victim)
        log.append([e.BackfillRequested(backfill_id="b", targets=TARGETS)])
        for kill in range(KILLS):
            wait_until(log, lambda term=kill + 1: log.head().term >= term, "it leads", daemon=victim)
            time.sleep(rng.uniform(0, 0.9))  # the faults' own pace, from the seed
            victim.kill()
            victim.start()
        wait_until(log, lambda: log.head().term > KILLS, "the last one leads", daemon=victim)
        wait_until(log, lambda: bool(events_of(log, e.BackfillEnded)), f"it ends (seed {seed})", daemon=victim)
        assert victim.stop() == 0, victim.output.read_text()[-2000:]
        log.verify()
        [ended] = events_of(log, e.BackfillEnded)
        assert isinstance(ended.event, e.BackfillEnded)
        began = [stored for stored in events_of(log, e.DaemonStarted) if stored.offset < ended.offset]
        assert len(began) > 2, "no daemon was killed while the backfill was under way"
        counts = {count.asset_key: (count.done, count.failed) for count in ended.event.counts}
        assert counts == {"readings": (119, 1), "daily": (4, 1), "checked": (4, 1)}, f"seed {seed}"
        requested = [
            (target.asset_key, target.partitions)
            for stored in events_of(log, e.RunRequested)
            for target in stored.event.targets  # type: ignore[attr-defined]
        ]
        lost = [s for s in events_of(log, e.RunFailed) if s.event.infrastructure]  # type: ignore[attr-defined]
        assert len(requested) - len(set(requested)) <= len(lost) * 2, f"seed {seed}"
        lines = (tmp_path / "made").read_text().splitlines()
        assert len(set(lines)) == 119 + 4 + 4
        assert len(lines) - len(set(lines)) <= len(lost), f"seed {seed}"
        for day in (f"2024-01-0{n}" for n in (1, 2, 3, 5)):
            hours = [n for n, line in enumerate(lines) if line.startswith(f"readings {day}")]
            assert max(hours) < lines.index(f"daily {day}") < lines.index(f"checked {day}"), f"seed {seed}"
