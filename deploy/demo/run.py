"""`make demo`: a real daemon, real flights, a file dropped for each day, and what the daemon makes of it, live.

Without `--days` it feeds 60 days and keeps watching until ctrl-C. Started again, it goes on from its log: what is fresh
is not computed again. `--fresh` begins anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from feeder import deliveries, drop  # noqa: E402 - found beside this file
from view import Watcher  # noqa: E402

from headwater.daemon.reactions import reactions, spread_ms  # noqa: E402
from headwater.storage.log import EventLog  # noqa: E402

DATA = Path(os.environ.get("HEADWATER_DEMO_DATA", HERE / ".data"))
HOME = DATA / "headwater"
MAX_CONCURRENT_RUNS = 10
QUIET_S = 0.5  # nothing may have happened for this long before the end is believed
GIVE_UP_S = 120.0
NOTICE_S = 10.0  # a broken file's fault is given this long to be noticed before the corrected one comes


def main() -> int:
    options = argparse.ArgumentParser(description="Feed the flights of 2013 to a daemon, day by day.")
    options.add_argument(
        "--days", type=int, help="feed this many days and end (1 to 365); 60 and keep watching without"
    )
    options.add_argument("--pause", type=float, default=0.25, help="seconds between two files (0.25)")
    options.add_argument("--fresh", action="store_true", help="throw away what an earlier demo has made")
    chosen = options.parse_args()
    if chosen.days is not None and not 1 <= chosen.days <= 365:
        options.error("--days takes a number from 1 to 365: the data set is the year 2013")
    if chosen.fresh:
        shutil.rmtree(DATA, ignore_errors=True)
    HOME.mkdir(parents=True, exist_ok=True)
    daemon = start_daemon()
    try:
        return watch(daemon, days=chosen.days or 60, pause_s=chosen.pause, stay=chosen.days is None)
    except KeyboardInterrupt:
        return 0
    finally:
        stop(daemon)


def start_daemon() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "headwater.daemon.cli.entry", "dev", "-f", str(HERE / "flights.py")]
    command += ["--max-concurrent-runs", str(MAX_CONCURRENT_RUNS)]
    environment = {**os.environ, "HEADWATER_HOME": str(HOME), "HEADWATER_DEMO_DATA": str(DATA)}
    with open(HOME / "daemon.log", "ab") as output:
        # In a group of its own: ctrl-C is for the demo, which then stops the daemon in good order.
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output, process_group=0)


def stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.send_signal(signal.SIGTERM)
    try:
        daemon.wait(20)
    except subprocess.TimeoutExpired:
        daemon.kill()


def watch(daemon: subprocess.Popen[bytes], *, days: int, pause_s: float, stay: bool) -> int:
    console = Console()
    with EventLog.open(HOME) as log:
        watcher = Watcher(log)
        watcher.follow()
        before = watcher.state.through
        already = set(watcher.state.asset("inbox_flights").table.versions) if before else set()
        if already:
            console.print(f"Going on from a log of {before} events with {len(already)} days recorded.")
        watcher.news.clear()
        watcher.runs = watcher.failures = 0
        fed = 0
        waiting = iter([d for d in deliveries(days) if not _recorded(watcher, d.day)])
        with Live(console=console, refresh_per_second=8) as live:
            next_drop, last_news = time.monotonic(), time.monotonic()
            exhausted, held, last_drop = False, None, time.monotonic()
            while daemon.poll() is None:
                now = time.monotonic()
                if watcher.follow():
                    last_news = now
                while watcher.news:
                    console.print(watcher.news.popleft())
                if not exhausted and now >= next_drop and watcher.state.definitions is not None:
                    delivery = held or next(waiting, None)
                    exhausted = delivery is None
                    early = delivery is not None and delivery.corrected and not watcher.is_gated(delivery.day)
                    held = delivery if early and now - last_drop < NOTICE_S else None
                    if held is not None:
                        next_drop = now + pause_s  # nobody corrects a file before its fault was seen
                    elif delivery is not None:
                        drop(delivery, DATA / "inbox")
                        fed, last_drop = fed + 1, now
                        next_drop = now + pause_s
                        if delivery.broken or delivery.corrected:
                            how = "broken on purpose" if delivery.broken else "corrected"
                            console.print(f"[bold]{delivery.day}.csv dropped, {how}[/]")
                live.update(watcher.draw(fed=fed))
                if exhausted and watcher.quiet and now - last_news > QUIET_S and not stay:
                    break
                if exhausted and not stay and now - last_news > GIVE_UP_S:
                    console.print(f"[red]Nothing has happened for {GIVE_UP_S:.0f} s; see {HOME / 'daemon.log'}[/]")
                    return 1
                time.sleep(0.02)  # the view's own pace; the daemon's does not depend on it
        if daemon.poll() is not None:
            console.print(f"[red]The daemon ended with status {daemon.returncode}; see {HOME / 'daemon.log'}[/]")
            return 1
        summarise(console, watcher, fed=fed, since=before)
    return 0


def _recorded(watcher: Watcher, day: str) -> bool:
    table, ordinal = watcher.state.asset("inbox_flights").locate(day)
    return ordinal in table.versions


def summarise(console: Console, watcher: Watcher, *, fed: int, since: int) -> None:
    new = [stored for stored in watcher.events if stored.offset > since]
    found = reactions(watcher.events, max_concurrent_runs=MAX_CONCURRENT_RUNS)
    console.print(f"\nfiles fed {fed}, events {len(new)}, runs {watcher.runs}, failed runs {watcher.failures}")
    console.print(f"days in daily_delays: {watcher.passed('silver_flights')} of {watcher.done('inbox_flights')}")
    if not watcher.runs:
        return
    _tell(console, "reaction, upstream event committed to downstream step started", found.immediate)
    _tell(console, "apart: runs that their condition held back", found.held_by_condition)
    _tell(console, "apart: runs that the limit of concurrent runs held back", found.held_by_limit)


def _tell(console: Console, what: str, seconds: list[float]) -> None:
    if times := spread_ms(seconds):
        figures = ", ".join(f"{name} {value:.1f} ms" for name, value in times.items())
        console.print(f"{what} ({len(seconds)}): {figures}")


if __name__ == "__main__":
    sys.exit(main())
