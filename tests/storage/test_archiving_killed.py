"""The real process inside `archive`, killed with -9 wherever it happens to be: nothing lost, nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.storage import events as e
from headwater.storage.clock import SystemClock
from headwater.storage.errors import ArchiveUnreadable
from headwater.storage.log import EventLog

EVENTS = 1500
ARCHIVE = """
import sys
from pathlib import Path
from headwater.storage import archiving
from headwater.storage.log import EventLog
archiving.FILE_EVENTS = 10
with EventLog.open(Path(sys.argv[1])) as log:
    print("open", flush=True)
    until = log.head().offset
    archiving.archive(log, until=until, to=Path(sys.argv[2]), progress=lambda done, total: print(done, flush=True))
"""


def archiver(home: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ARCHIVE, str(home), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill_somewhere(process: subprocess.Popen[str], chance: random.Random) -> None:
    """After some files, and then at any moment of the next one."""
    assert process.stdout is not None
    for _ in range(chance.randrange(1, 20)):
        process.stdout.readline()
    time.sleep(chance.random() * 0.005)
    process.kill()
    process.communicate()


@pytest.mark.parametrize("seed", range(2))
def test_an_archiver_killed_at_any_moment_has_lost_and_doubled_nothing(home: Path, tmp_path: Path, seed: int) -> None:
    chance, folder = random.Random(seed), tmp_path / "archive of all"
    with EventLog.open(home) as log:
        for first in range(0, EVENTS, 50):
            log.append([e.AssetObserved(asset_key="orders", data_version=str(first + n)) for n in range(50)])
        log.append([e.Tick(through=EVENTS, at=SystemClock().now(), definitions="")])
        before = list(log.all_rows())
        for _ in range(6):
            kill_somewhere(archiver(home, folder), chance)
            log.append([e.AssetObserved(asset_key="orders")])  # a lock that the dead one held would stop it
            assert list(log.all_rows())[: len(before)] == before
            log.verify()
        assert log.archives(), "it was never killed late enough"
        assert log.archives()[-1].last < EVENTS, "it was never killed early enough"

        process = archiver(home, folder)
        process.communicate()
        assert process.returncode == 0
        assert log.archives()[-1].last == EVENTS
        assert [a.first for a in log.archives()] == [1, *(a.last + 1 for a in log.archives()[:-1])]
        assert list(log.all_rows())[: len(before)] == before
        log.verify()
        assert not list(folder.glob("*.unfinished"))

        (folder / log.archives()[3].file).unlink()  # the files are what is read
        with pytest.raises(ArchiveUnreadable):
            list(log.all_rows())
