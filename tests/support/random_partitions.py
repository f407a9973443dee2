"""Random partitions of every kind, and random mappings that lead from one kind to another."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from headwater import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
)
from headwater.definitions.partitions import PartitionMapping, TimeWindowPartitionsDefinition, default_mapping

NAMES = ("ann", "bob", "cid", "dan")
"""The keys that come and go in the dynamic partitions "people" and "guests"."""

DAYS = DailyPartitionsDefinition("2026-02-25")
WEEKS = WeeklyPartitionsDefinition("2026-02-15")
LETTERS = StaticPartitionsDefinition(["x", "y", "z"])
PEOPLE = DynamicPartitionsDefinition(name="people")
GUESTS = DynamicPartitionsDefinition(name="guests")

TIME: dict[str, PartitionsDefinition] = {
    "days": DAYS,
    "days from later on": DailyPartitionsDefinition("2026-02-27"),
    "days until the second": DailyPartitionsDefinition("2026-02-25", end_date="2026-03-02"),
    "days with today": DailyPartitionsDefinition("2026-02-25", end_offset=1),
    "working days": DailyPartitionsDefinition("2026-02-25", exclusions=["0 0 * * 0"]),
    "days of Berlin": DailyPartitionsDefinition("2026-02-25", timezone="Europe/Berlin"),
    "hours": HourlyPartitionsDefinition("2026-02-28-20:00", end_date="2026-03-01-04:00"),
    "weeks": WEEKS,
    "months": MonthlyPartitionsDefinition("2026-01-01"),
}
DYNAMIC: dict[str, PartitionsDefinition] = {"people": PEOPLE, "guests": GUESTS}
MULTI: dict[str, PartitionsDefinition] = {
    "days by letters": MultiPartitionsDefinition({"day": DAYS, "letter": LETTERS}),
    "days by people": MultiPartitionsDefinition({"day": DAYS, "person": PEOPLE}),
    "weeks by letters": MultiPartitionsDefinition({"day": WEEKS, "letter": LETTERS}),
    "people by letters": MultiPartitionsDefinition({"person": PEOPLE, "letter": LETTERS}),
    "people by guests": MultiPartitionsDefinition({"person": PEOPLE, "guest": GUESTS}),
    "days by people by two letters": MultiPartitionsDefinition(
        {"day": DAYS, "person": PEOPLE, "letter": StaticPartitionsDefinition(["y", "x"])}
    ),
}
FIXED: dict[str, PartitionsDefinition | None] = {
    "letters": LETTERS,
    "other letters": StaticPartitionsDefinition(["z", "w", "y"]),
    "whole": None,
}
KINDS: dict[str, PartitionsDefinition | None] = {**TIME, **DYNAMIC, **MULTI, **FIXED}


def random_kind(rng: random.Random) -> str:
    """Each family is as likely as any other."""
    return rng.choice([*rng.choice([TIME, DYNAMIC, MULTI, FIXED])])


def family(kind: str) -> str:
    families = {"time": TIME, "dynamic": DYNAMIC, "several dimensions": MULTI, "fixed": FIXED}
    return next(name for name, kinds in families.items() if kind in kinds)


def random_mapping(rng: random.Random, upstream: str, downstream: str) -> PartitionMapping | None:
    """One that leads from `downstream` to `upstream`; None is the one that holds where none is named."""
    up, down = KINDS[upstream], KINDS[downstream]
    by_default = 0.6 if upstream == downstream else 0.25
    if default_mapping(up, down).mismatch(up, down) is None and _share_keys(up, down) and rng.random() < by_default:
        return None
    close = [mapping for mapping in mappings(rng, up, down) if mapping.mismatch(up, down) is None]
    if close and rng.random() < 0.9:
        return rng.choice(close)
    return LastPartitionMapping() if up is not None and rng.random() < 0.5 else AllPartitionMapping()


def are_close(upstream: str, downstream: str) -> bool:
    """Whether some mapping leads from partitions to others, and not just to all of them or to the last."""
    up, down = KINDS[upstream], KINDS[downstream]
    return any(mapping.mismatch(up, down) is None for mapping in mappings(random.Random(0), up, down))


def mappings(
    rng: random.Random, up: PartitionsDefinition | None, down: PartitionsDefinition | None
) -> Iterator[PartitionMapping]:
    """One of each kind but `AllPartitionMapping` and `LastPartitionMapping`, whether it fits or not."""
    yield from _along_one(rng, up, down)
    several = MultiPartitionsDefinition
    if isinstance(up, several) and isinstance(down, several):
        yield _by_dimension(rng, up, down)
        yield _by_dimension(rng, up, down)
    elif isinstance(up, several) or isinstance(down, several):
        one = up if isinstance(up, several) else down
        assert isinstance(one, several)
        for name, axis in one.partitions_by_dimension.items():
            sides = (axis, down) if one is up else (up, axis)
            if _share_keys(*sides):
                yield MultiToSingleDimensionPartitionMapping(name)
            if inner := _fitting(rng, *sides):
                yield MultiToSingleDimensionPartitionMapping(name, rng.choice(inner))


def _along_one(
    rng: random.Random, up: PartitionsDefinition | None, down: PartitionsDefinition | None
) -> Iterator[PartitionMapping]:
    if _share_keys(up, down) or rng.random() < 0.1:
        yield IdentityPartitionMapping()
    if isinstance(up, TimeWindowPartitionsDefinition):
        for start, end in rng.sample([(0, 0), (-1, 0), (-1, -1), (-2, -1), (0, 1)], k=3):
            yield TimeWindowPartitionMapping(start, end, allow_nonexistent_upstream_partitions=rng.random() < 0.3)
    if isinstance(up, StaticPartitionsDefinition) and isinstance(down, StaticPartitionsDefinition):
        yield StaticPartitionMapping({key: rng.sample(down.keys, k=rng.randrange(1, 3)) for key in up.keys[:2]})
    if isinstance(up, StaticPartitionsDefinition) and rng.random() < 0.4:
        yield SpecificPartitionsPartitionMapping(rng.sample(up.keys, k=2))
    if isinstance(up, DynamicPartitionsDefinition) and rng.random() < 0.4:
        yield SpecificPartitionsPartitionMapping(rng.sample(NAMES, k=2))


def _share_keys(up: PartitionsDefinition | None, down: PartitionsDefinition | None) -> bool:
    """Whether one key, at least along one dimension, is likely to be one of both."""
    axes = [
        [*side.partitions_by_dimension.values()] if isinstance(side, MultiPartitionsDefinition) else [side]
        for side in (up, down)
    ]
    return any(one is None or other is None or one.kind == other.kind for one, other in product(*axes))


def _fitting(
    rng: random.Random, up: PartitionsDefinition | None, down: PartitionsDefinition | None
) -> list[PartitionMapping]:
    every = [*_along_one(rng, up, down), AllPartitionMapping(), LastPartitionMapping()]
    return [mapping for mapping in every if mapping.mismatch(up, down) is None]


def _by_dimension(
    rng: random.Random, up: MultiPartitionsDefinition, down: MultiPartitionsDefinition
) -> MultiPartitionMapping:
    found: dict[str, DimensionPartitionMapping] = {}
    for name, axis in up.partitions_by_dimension.items():
        if rng.random() < 0.2:
            continue  # all keys of that dimension are read
        to, other = rng.choice([*down.partitions_by_dimension.items()])
        if fitting := _fitting(rng, axis, other):
            found[name] = DimensionPartitionMapping(to, rng.choice(fitting))
    return MultiPartitionMapping(found)
