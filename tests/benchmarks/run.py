"""`make bench`: all benchmarks, their figures as JSON on standard output and in RESULTS.md beside this file.

make bench
make bench ARGS='--only append --only idle'     some of them; RESULTS.md stays as it is
make bench ARGS='--quick'                       as little as shows that they work; likewise
"""

from __future__ import annotations

import argparse
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from append import append
from append_postgres import append_postgres
from burst import burst
from harness import Benchmark, Effort, Figure, machine, say
from history import history
from idle import idle
from in_process import materializing
from launch import launch
from reaction import reaction
from results import markdown, number
from ticks import ticks

RESULTS = Path(__file__).with_name("RESULTS.md")

BENCHMARKS: dict[str, Benchmark] = {
    "reaction": reaction,
    "launch": launch,
    "append": append,
    "append_postgres": append_postgres,
    "materialize": materializing,
    "burst": burst,
    "idle": idle,
    "ticks": ticks,
    "history": history,
}


def main() -> None:
    options = argparse.ArgumentParser(description="Measure headwater on this machine.")
    options.add_argument("--only", action="append", choices=list(BENCHMARKS), help="this benchmark; may be repeated")
    options.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    chosen = options.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # for every process that is started from here

    effort = Effort(quick=chosen.quick)
    where, date = machine(), f"{datetime.now(UTC):%Y-%m-%d}"
    found: dict[str, list[Figure]] = {}
    for name in chosen.only or BENCHMARKS:
        began = time.monotonic()
        found[name] = BENCHMARKS[name](effort)
        say(f"{name}, in {time.monotonic() - began:.0f} s")
        for figure in found[name]:
            reached = {True: "", False: "  (target missed)", None: ""}[figure.reached]
            say(f"    {figure.name}: {number(figure.value)} {figure.unit}{reached}")
    figures = {name: [figure.to_json() for figure in group] for name, group in found.items()}
    print(json.dumps({"date": date, "machine": where, "quick": effort.quick, "figures": figures}, indent=2))
    if not (chosen.only or effort.quick):
        RESULTS.write_text(markdown(where, date, [figure for group in found.values() for figure in group]))
        say(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
