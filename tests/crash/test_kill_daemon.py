"""A real daemon, killed with SIGKILL at random moments, over and over, while files arrive.

However often it dies: every day that was fed ends handled, nothing is made twice without a reason, no acknowledged
event is lost, and the log's checksums hold.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage.log import EventLog
from support.audit import needless_attempts
from support.daemon_process import DaemonProcess, drop, fold, wait_until
from support.postgres import schema_url

PROJECT = Path(__file__).with_name("project.py")
KILLS = {"file": 50, "postgres": 15}
READS = {"raw": ["inbox"], "silver": ["raw"], "totals": ["silver"]}
BROKEN_DAY = 5


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[DaemonProcess]:
    victim = DaemonProcess(tmp_path, PROJECT)
    yield victim
    victim.clean_up()


@pytest.fixture(params=list(KILLS))
def kills(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """How often to kill; the log is a file, or on a real server."""
    if request.param == "file":
        yield KILLS["file"]
        return
    with schema_url() as url:
        monkeypatch.setenv("HEADWATER_STORE", url)
        yield KILLS["postgres"]


def day(n: int) -> str:
    return f"2013-{n // 28 + 1:02}-{n % 28 + 1:02}"


def settled(log: EventLog, fed: int) -> bool:
    """Every fed day was made and passed, the last totals were made from all of them, and nothing is under way.

    What lands between the choice of the days that the totals are handed and the start of their step is owed to them:
    it is the choice that must lie behind the newest day.
    """
    state = fold(log)
    if state.runs or "silver" not in state.assets:
        return False
    silver, totals = state.assets["silver"].table, state.assets["totals"].table
    newest = max((int(position) for _, position in silver.update.items()), default=0)
    is_made = totals.made_from[0] == totals.handled[0]
    return len(silver.readable()) == fed and is_made and int(totals.chosen[0]) >= newest


@pytest.mark.timeout(400)
def test_a_daemon_killed_many_times_loses_nothing_and_repeats_nothing(
    kills: int, victim: DaemonProcess, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    rng = random.Random(seed)
    fed, acknowledged = 0, []
    inbox = tmp_path / "inbox"
    with EventLog.open(victim.home) as log:
        for kill in range(kills):
            victim.start()
            wait_until(log, lambda term=kill + 1: log.head().term >= term, "it leads", daemon=victim)
            until = time.monotonic() + rng.choice([rng.uniform(0, 0.05), rng.uniform(0, 0.8)])
            while time.monotonic() < until:
                if fed < kills and rng.random() < 0.4:
                    drop(inbox, f"{day(fed)}.csv", "null" if fed == BROKEN_DAY else f"flights {fed}")
                    fed += 1
                if rng.random() < 0.1:
                    acknowledged += log.append([e.AssetObserved(asset_key="elsewhere", data_version=str(kill))])
                time.sleep(rng.uniform(0, 0.1))  # the faults' own pace, from the seed
            victim.kill()
        while fed < max(kills // 2, BROKEN_DAY + 1):
            drop(inbox, f"{day(fed)}.csv", f"flights {fed}")
            fed += 1
        drop(inbox, f"{day(BROKEN_DAY)}.csv", "corrected")
        victim.start()
        wait_until(log, lambda: log.head().term > kills, "the last one leads", daemon=victim)
        wait_until(log, lambda: settled(log, fed), f"all {fed} days are handled (seed {seed})", daemon=victim)
        assert victim.stop() == 0
        log.verify()
        events = log.read(0, 1_000_000)
        stored = {s.offset: s.event for s in events}
        assert all(isinstance(stored[offset], e.AssetObserved) for offset in acknowledged), f"seed {seed}"
        assert needless_attempts(events, log.definitions_bytes, READS) == [], f"seed {seed}"
        lines = (tmp_path / "totals").read_text().splitlines()
        assert [line.split()[0] for line in lines] == [day(n) for n in range(fed)], f"seed {seed}"
        assert f"{day(BROKEN_DAY)} CORRECTED" in lines, f"seed {seed}"
