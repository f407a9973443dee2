"""The graphs that the benchmarks of ticks run over: eager assets in layers over roots that something else makes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from headwater import (
    AssetsDefinition,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    Definitions,
    MonthlyPartitionsDefinition,
    PartitionsDefinition,
    WeeklyPartitionsDefinition,
    asset,
    observable_source_asset,
)

PARENTS = 3  # random ones of the layer before


def layered(
    size: int, *, width: int, roots: int | None = None, partitions: PartitionsDefinition | None = None
) -> Definitions:
    """`size` assets in layers of `width` over `roots` (as many), "root_0" and so on; the last layer may be shorter."""
    chance = random.Random(1)
    above = [f"root_{number}" for number in range(width if roots is None else roots)]
    assets: list[AssetsDefinition | AssetSpec] = [AssetSpec(key, partitions_def=partitions) for key in above]
    for first in range(0, size, width):
        layer = [f"asset_{number}" for number in range(first, min(first + width, size))]
        assets += [eager(key, chance.sample(above, min(PARENTS, len(above))), partitions) for key in layer]
        above = layer
    return Definitions(assets=assets)


def chains(size: int, *, length: int) -> Definitions:
    """`size` assets in chains of `length`, each over a root of its own."""
    count = size // length
    roots = [AssetSpec(f"root_{number}") for number in range(count)]
    links = [
        eager(f"asset_{number}", [f"asset_{number - count}" if number >= count else f"root_{number}"], None)
        for number in range(count * length)
    ]
    return Definitions(assets=[*roots, *links])


def swept(days: int, *, readers: int) -> Definitions:
    """A root of daily partitions that something observes, and assets that read it by the day, the week or the month,
    a window that lies further back, or all of it."""
    daily = daily_partitions(days)
    weekly = WeeklyPartitionsDefinition(daily.start, end_date=daily.end)
    monthly = MonthlyPartitionsDefinition(daily.start, end_date=daily.end)
    kinds: list[PartitionsDefinition | None] = [daily, weekly, monthly, daily, None]
    read = [eager(f"reader_{number}", ["root_0"], kinds[number % len(kinds)]) for number in range(readers)]

    @observable_source_asset(name="root_0", partitions_def=daily)
    def observed() -> None: ...

    return Definitions(assets=[observed, *read])


def daily_partitions(days: int) -> DailyPartitionsDefinition:
    start = datetime(2016, 1, 4, tzinfo=UTC)
    return DailyPartitionsDefinition(start, end_date=start + timedelta(days=days))


def eager(key: str, deps: list[str], partitions: PartitionsDefinition | None) -> AssetsDefinition:
    @asset(name=key, deps=deps, partitions_def=partitions, automation_condition=AutomationCondition.eager())
    def trivial() -> None: ...

    return trivial
