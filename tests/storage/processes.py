"""What the tests of several processes start: a writer and a tailer of a log, each a program of its own.

write HOME NAME COUNT [BATCH]  append COUNT batches of three (or BATCH) events; print each batch's number once durable
tail HOME NAME                 print "ready", then every offset in the order seen, until an event of the asset NAME
"""

from __future__ import annotations

import sys
from pathlib import Path

from headwater.storage.events import AssetObserved
from headwater.storage.log import EventLog

BATCH = 3


def write(home: Path, name: str, count: int, batch: int = BATCH) -> None:
    with EventLog.open(home) as log:
        for number in range(count):
            log.append([AssetObserved(asset_key=name, data_version=f"{number}.{part}") for part in range(batch)])
            print(number, flush=True)


def tail(home: Path, last: str) -> None:
    with EventLog.open(home) as log, log.subscribe() as woken:
        print("ready", flush=True)
        seen = 0
        while True:
            page = log.read(after=seen, limit=50)
            for stored in page:
                print(stored.offset)
                if getattr(stored.event, "asset_key", None) == last:
                    return
                seen = stored.offset
            if not page:
                woken.wait_blocking()


if __name__ == "__main__":
    command, home, name, *rest = sys.argv[1:]
    if command == "write":
        write(Path(home), name, *map(int, rest))
    else:
        tail(Path(home), name)
