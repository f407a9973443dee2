"""Simulate one seed, or many: `python tests/simulation/simulate.py SEED [COUNT] [--days DAYS]`."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
from pathlib import Path

import structlog


def main() -> int:
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
    from support.simulation import simulate

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--days", type=float, default=14)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    failed = 0
    for seed in range(given.seed, given.seed + given.count):
        try:
            print(simulate(seed, days=given.days), flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
    print(f"{given.count} simulated, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
