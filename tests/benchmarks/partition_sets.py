"""Sets of many partitions: intersect, enumerate the missing, map, and number, on the shapes that are large in practice.

python tests/benchmarks/partition_sets.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from pyroaring import BitMap

from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    default_mapping,
)
from headwater.storage.events import DynamicPartitionsAdded
from headwater.storage.state import mappings
from headwater.storage.state.mappings import Side
from headwater.storage.state.ordinals import Spaces

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = HourlyPartitionsDefinition("1976-01-01-00:00", "2026-01-01-00:00")
DAYS = DailyPartitionsDefinition("1976-01-01", "2026-01-01")
LONG = DailyPartitionsDefinition("1970-01-01", end_offset=16_047)  # 36,500 days
REGIONS = StaticPartitionsDefinition([f"r{n}" for n in range(10)])
USERS = DynamicPartitionsDefinition(name="users")
MULTI = MultiPartitionsDefinition({"date": LONG, "region": REGIONS})
WITH_USERS = MultiPartitionsDefinition({"date": LONG, "user": USERS})
CUBE = MultiPartitionsDefinition({name: StaticPartitionsDefinition([*map(str, range(1000))]) for name in "xyz"})


def best(function: Callable[[], Any], *, times: int = 7) -> float:
    """The shortest of some runs, in milliseconds."""
    took = []
    for _ in range(times):
        start = perf_counter()
        function()
        took.append((perf_counter() - start) * 1000)
    return min(took)


def measure() -> Iterator[tuple[str, float]]:
    """What is measured, and how many milliseconds it takes."""
    import numpy  # noqa: F401 - importing it is not what is measured

    spaces = Spaces()
    hours, days = Side.of(spaces, HOURS, NOW), Side.of(spaces, DAYS, NOW)
    half = BitMap([*hours.existing][::2])
    yield f"{len(hours.existing):,} hours: intersect", best(lambda: hours.existing & half)
    yield "  missing, as ordinals", best(lambda: list(hours.existing - half))
    to_days = TimeWindowPartitionMapping()
    yield "  every other hour to days", best(lambda: mappings.downstream(to_days, half, up=hours, down=days))

    start = perf_counter()
    multi = Side.of(spaces, MULTI, NOW)
    yield f"{len(multi.existing):,} days x regions: number them all", (perf_counter() - start) * 1000
    yield "  all that exist, again", best(lambda: spaces.existing(MULTI, NOW))
    some = BitMap([*multi.existing][::2])
    yield "  intersect", best(lambda: multi.existing & some)
    yield "  missing, as ordinals", best(lambda: list(multi.existing - some))
    one_dimension = default_mapping(MULTI, LONG)
    single = Side.of(spaces, LONG, NOW)
    yield "  half of them to their days", best(lambda: mappings.downstream(one_dimension, some, up=multi, down=single))
    yield (
        "  all days to all of them",
        best(lambda: mappings.required(one_dimension, single.existing, up=multi, down=single)),
    )
    back = MultiPartitionMapping(
        {
            "date": DimensionPartitionMapping("date", TimeWindowPartitionMapping(-1, 0)),
            "region": DimensionPartitionMapping("region", IdentityPartitionMapping()),
        }
    )
    yield (
        "  all to those of a day before, too",
        best(lambda: mappings.required(back, multi.existing, up=multi, down=multi)),
    )
    yield "  half to those of a day before, too", best(lambda: mappings.required(back, some, up=multi, down=multi))
    ranges = multi.space.ranges(multi.existing)
    yield "  all as ranges of keys", best(lambda: multi.space.ranges(multi.existing))
    yield "  all from ranges of keys", best(lambda: multi.space.bits(ranges))

    added = DynamicPartitionsAdded(name="users", keys=tuple(f"user{n}" for n in range(100_000)))
    start = perf_counter()
    spaces.note(added)
    yield "100,000 dynamic keys: add them", (perf_counter() - start) * 1000
    users = Side.of(spaces, USERS, NOW)
    odd = BitMap(range(1, 100_000, 2))
    yield "  intersect", best(lambda: users.existing & odd)
    yield "  missing, as ordinals", best(lambda: list(users.existing - odd))
    same = default_mapping(USERS, USERS)
    yield "  half to an asset of the same keys", best(lambda: mappings.downstream(same, odd, up=users, down=users))
    start = perf_counter()
    large = spaces.existing(WITH_USERS, NOW)
    yield f"{len(large):,} days x users: number them all", (perf_counter() - start) * 1000
    yield "  all that exist, again", best(lambda: spaces.existing(WITH_USERS, NOW), times=3)

    cube = spaces.existing(CUBE, NOW)
    yield f"{len(cube):,} of three dimensions: all that exist", best(lambda: spaces.existing(CUBE, NOW))
    used = BitMap([*range(0, 1_000_000_000, 9_973)])
    yield f"  missing, beside {len(used):,}", best(lambda: cube - used)


if __name__ == "__main__":
    for name, took in measure():
        print(f"{took:10.2f} ms  {name}")
