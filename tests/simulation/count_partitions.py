"""Play random histories of partitions and count in how many of them each shape was at work:
`python tests/simulation/count_partitions.py SEED COUNT`."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter
from pathlib import Path


def main() -> int:
    sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2]), str(Path(__file__).parent)]
    from test_random_partitions import check  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    given = parser.parse_args()
    met: Counter[str] = Counter()
    failed: list[int] = []
    for seed in range(given.seed, given.seed + given.count):
        try:
            met.update(check(seed).met)
        except Exception:
            failed.append(seed)
            traceback.print_exc()
    for what, count in sorted(met.items()):
        print(f"{count:6d}  {what}")
    print(f"{given.count} histories, {len(failed)} failed: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
