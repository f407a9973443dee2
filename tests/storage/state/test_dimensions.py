"""Partitions of several dimensions: their numbering, and their mappings against a plain way over the keys."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from pyroaring import BitMap

from headwater.definitions.partitions import (
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    default_mapping,
)
from headwater.storage.events import DynamicPartitionsAdded, DynamicPartitionsDeleted
from headwater.storage.state import mappings
from headwater.storage.state.mappings import Side
from headwater.storage.state.ordinals import Spaces
from headwater.storage.state.tuples import TupleSpace

NOW = datetime(2024, 1, 29, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2024-01-10")
HOURS = HourlyPartitionsDefinition("2024-01-26-00:00", "2024-01-28-00:00")
WEEKS = WeeklyPartitionsDefinition("2024-01-01")
REGIONS = StaticPartitionsDefinition(["north", "south", "east"])
ZONES = StaticPartitionsDefinition(["warm", "cold"])
USERS = DynamicPartitionsDefinition(name="users")

DAYS_REGIONS = MultiPartitionsDefinition({"date": DAYS, "region": REGIONS})
DAYS_USERS_ZONES = MultiPartitionsDefinition({"date": DAYS, "user": USERS, "zone": ZONES})
WEEKS_REGIONS = MultiPartitionsDefinition({"date": WEEKS, "region": REGIONS})
HOURS_USERS = MultiPartitionsDefinition({"hour": HOURS, "user": USERS})
ZONES_REGIONS = MultiPartitionsDefinition({"zone": ZONES, "region": REGIONS})
MULTI = [DAYS_REGIONS, DAYS_USERS_ZONES, WEEKS_REGIONS, HOURS_USERS, ZONES_REGIONS]

BY_DATE = DimensionPartitionMapping("date", TimeWindowPartitionMapping())
SAME_REGION = DimensionPartitionMapping("region", IdentityPartitionMapping())
OLD_DATE = DimensionPartitionMapping("date", TimeWindowPartitionMapping(-1, 0))
TABLE = StaticPartitionMapping({"north": "cold", "south": "warm", "east": ["cold", "warm"]})

MAPPINGS: list[tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping]] = [
    *(
        (up, down, MultiToSingleDimensionPartitionMapping())
        for up, down in [(DAYS_REGIONS, WEEKS), (DAYS, DAYS_REGIONS)]
    ),
    (DAYS_USERS_ZONES, USERS, MultiToSingleDimensionPartitionMapping()),
    (DAYS, DAYS_REGIONS, MultiToSingleDimensionPartitionMapping("date", TimeWindowPartitionMapping(-2, -1))),
    (DAYS_REGIONS, DAYS, MultiToSingleDimensionPartitionMapping("date", TimeWindowPartitionMapping(-1, -1))),
    (HOURS, DAYS_REGIONS, MultiToSingleDimensionPartitionMapping("date")),
    (ZONES_REGIONS, ZONES, MultiToSingleDimensionPartitionMapping("zone")),
    (DAYS_REGIONS, WEEKS_REGIONS, MultiPartitionMapping({"date": BY_DATE, "region": SAME_REGION})),
    (DAYS_REGIONS, DAYS_USERS_ZONES, MultiPartitionMapping({"date": OLD_DATE})),
    (DAYS_REGIONS, ZONES_REGIONS, MultiPartitionMapping({"region": DimensionPartitionMapping("zone", TABLE)})),
    (WEEKS_REGIONS, DAYS_REGIONS, MultiPartitionMapping({"date": BY_DATE, "region": SAME_REGION})),
    (DAYS_REGIONS, WEEKS_REGIONS, default_mapping(DAYS_REGIONS, WEEKS_REGIONS)),
]


def world(users: list[str]) -> Spaces:
    spaces = Spaces()
    spaces.note(DynamicPartitionsAdded(name="users", keys=("gone", *users)))
    spaces.note(DynamicPartitionsDeleted(name="users", keys=("gone",)))
    return spaces


def plainly_required(mapping: PartitionMapping, key: int, *, up: Side, down: Side) -> set[str | None]:
    """The upstream keys that one downstream partition reads, found key by key and dimension by dimension."""
    if isinstance(mapping, MultiPartitionMapping):
        parts = dict(zip(names(down), str(down.space.key(key)).split("|"), strict=True))
        sides = []
        for name in names(up):
            if name in mapping.by_upstream:
                of, inner = mapping.by_upstream[name]
                sides.append(axis_keys(inner, parts[of], up=up.axes[name], down=down.axes[of]))
            else:
                sides.append(keys_of(up.axes[name], up.axes[name].existing))
        return {"|".join(chosen) for chosen in product(*sides)}
    assert isinstance(mapping, MultiToSingleDimensionPartitionMapping)
    assert up.partitions is not None
    assert down.partitions is not None
    name = mapping.dimension(up.partitions, down.partitions)
    if isinstance(up.space, TupleSpace):
        along = axis_keys(inner_of(mapping, up.axes[name], down), str(down.space.key(key)), up=up.axes[name], down=down)
        sides = [along if n == name else keys_of(up.axes[n], up.axes[n].existing) for n in names(up)]
        return {"|".join(chosen) for chosen in product(*sides)}
    parts = dict(zip(names(down), str(down.space.key(key)).split("|"), strict=True))
    return set(axis_keys(inner_of(mapping, up, down.axes[name]), parts[name], up=up, down=down.axes[name]))


def inner_of(mapping: MultiToSingleDimensionPartitionMapping, up: Side, down: Side) -> PartitionMapping:
    return mapping.partition_mapping or default_mapping(up.partitions, down.partitions)


def axis_keys(mapping: PartitionMapping, key: str, *, up: Side, down: Side) -> list[str]:
    place = down.space.find(key)
    assert place is not None
    return keys_of(up, mappings.required(mapping, BitMap([place]), up=up, down=down) & up.existing)


def names(side: Side) -> list[str]:
    assert isinstance(side.space, TupleSpace)
    return side.space.names


def keys_of(side: Side, bits: BitMap) -> list[str]:
    return [str(side.space.key(ordinal)) for ordinal in bits]


@settings(deadline=None, max_examples=150)
@given(data=st.data(), case=st.sampled_from(MAPPINGS), users=st.lists(st.sampled_from("abcd"), unique=True, min_size=1))
def test_a_mapping_reads_what_it_reads_key_by_key_and_dimension_by_dimension(
    data: st.DataObject, case: tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping], users: list[str]
) -> None:
    up_definition, down_definition, mapping = case
    assert mapping.mismatch(up_definition, down_definition) is None
    spaces = world(users)
    up, down = Side.of(spaces, up_definition, NOW), Side.of(spaces, down_definition, NOW)
    bits = BitMap(data.draw(st.lists(st.sampled_from(list(down.existing)), max_size=8)))
    read = mappings.upstream(mapping, bits, up=up, down=down)
    expected = {key for n in bits for key in plainly_required(mapping, n, up=up, down=down)}
    assert set(keys_of(up, read)) == expected
    some = BitMap(data.draw(st.lists(st.sampled_from(list(up.existing)), max_size=8)))
    readers = mappings.downstream(mapping, some, up=up, down=down)
    wanted = set(keys_of(up, some))
    for n in [*[*readers][:30], *bits]:
        assert (n in readers) == (not wanted.isdisjoint(plainly_required(mapping, n, up=up, down=down)))


@settings(deadline=None)
@given(data=st.data(), definition=st.sampled_from(MULTI), users=st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_what_exists_is_every_combination_and_survives_as_ranges(
    data: st.DataObject, definition: MultiPartitionsDefinition, users: list[str]
) -> None:
    spaces = world(users)
    space = spaces.of(definition)
    for key in data.draw(st.lists(st.sampled_from(["2024-01-12|north", "1999-01-01|a|warm", "cold|x", "north|warm"]))):
        space.number(key)  # what was seen before, and in which order, changes nothing
    keys = definition.get_partition_keys(NOW, spaces)
    existing = spaces.existing(definition, NOW)
    assert sorted(str(space.key(n)) for n in existing) == sorted(keys)
    assert {space.find(key) for key in keys} == set(existing)
    some = BitMap(data.draw(st.lists(st.sampled_from(list(existing) or [0]), max_size=20))) & existing
    ranges = space.ranges(some)
    assert space.bits(ranges) == some
    again = world(users)
    other = again.of(definition)
    assert other.ranges(other.bits(ranges)) == ranges
    assert sorted(space.ordered(some)) == list(some)
    assert [space.key(n) for n in space.ordered(some)] == [other.key(n) for n in other.ordered(other.bits(ranges))]


def test_an_ordinal_stays_whatever_is_added() -> None:
    spaces = world(["a"])
    space = spaces.of(HOURS_USERS)
    before = {n: space.key(n) for n in spaces.existing(HOURS_USERS, NOW)}
    for n in range(100):
        spaces.note(DynamicPartitionsAdded(name="users", keys=(f"user{n}",)))
        assert len(spaces.existing(HOURS_USERS, NOW)) == 48 * (n + 2)
    assert {n: space.key(n) for n in before} == before
    assert len(space._blocks) < 20  # type: ignore[attr-defined]


def test_a_thousand_million_combinations_cost_what_is_used() -> None:
    thousand = StaticPartitionsDefinition([str(n) for n in range(1000)])
    cube = MultiPartitionsDefinition({"x": thousand, "y": thousand, "z": thousand})
    spaces = Spaces()
    space, existing = spaces.of(cube), spaces.existing(cube, NOW)
    assert len(existing) == 1_000_000_000
    place = space.find("17|999|3")
    assert place is not None
    assert space.key(place) == "17|999|3"
    missing = existing - BitMap([place])
    assert len(missing) == 999_999_999
    one = default_mapping(cube, MultiPartitionsDefinition({"x": thousand, "y": thousand, "z": thousand}))
    assert isinstance(one, IdentityPartitionMapping)
    assert len(spaces.existing(cube, NOW).get_statistics()) > 0


def test_a_hole_in_a_large_dimension_costs_no_list_of_all_the_others() -> None:
    spaces = Spaces()
    spaces.note(DynamicPartitionsAdded(name="users", keys=tuple(f"user{n}" for n in range(70_000))))
    long = MultiPartitionsDefinition({"date": DailyPartitionsDefinition("2000-01-01"), "user": USERS})
    space = spaces.of(long)
    for n in range(70_000):  # as a log is folded: the axis grows by doubling, past what exists
        space.axes[1].find(f"user{n}")  # type: ignore[attr-defined]
    assert space.number("2000-01-01|user0") is not None
    assert space.number("2000-01-01|user69999") is not None
    spaces.note(DynamicPartitionsDeleted(name="users", keys=("user5000",)))
    assert len(spaces.existing(long, NOW)) == 69_999 * 8_794
    gone = space.find("2024-01-28|user5000")
    assert gone is not None
    assert gone not in spaces.existing(long, NOW)


def test_more_combinations_than_there_are_numbers_for_have_none() -> None:
    spaces = Spaces()
    for name in ("x", "y", "z"):
        spaces.note(DynamicPartitionsAdded(name=name, keys=tuple(map(str, range(3000)))))
    cube = MultiPartitionsDefinition({name: DynamicPartitionsDefinition(name=name) for name in ("x", "y", "z")})
    space = spaces.of(cube)
    assert space.find("1|1|1") is not None
    assert space.find("2999|2999|2999") is None


def test_ranges_of_other_partitions_that_an_asset_had_before_are_left_out() -> None:
    space = Spaces().of(DAYS_REGIONS)
    assert space.bits((("2024-01-10", "2024-01-12"), ("2024-01-10|a|cold", "2024-01-12|a|cold"))) == BitMap()


def test_the_last_combination_is_the_last_of_each_dimension() -> None:
    spaces = world(["b", "a"])
    up, down = Side.of(spaces, DAYS_USERS_ZONES, NOW), Side.of(spaces, None, NOW)
    read = mappings.upstream(LastPartitionMapping(), BitMap([0]), up=up, down=down)
    assert keys_of(up, read) == ["2024-01-28|a|cold"]


@pytest.mark.parametrize(
    ("up", "down", "mapping", "words"),
    [
        (DAYS_REGIONS, ZONES, None, "none of the dimensions 'date', 'region' has 2 static partitions"),
        (DAYS_REGIONS, ZONES_REGIONS, None, "differ in their dimensions"),
        (DAYS_REGIONS, DAYS, MultiToSingleDimensionPartitionMapping("day"), "there is no dimension 'day'"),
        (DAYS_REGIONS, DAYS, MultiToSingleDimensionPartitionMapping("region"), "dimension 'region' has 3 static"),
        (
            DAYS,
            WEEKS,
            MultiToSingleDimensionPartitionMapping(),
            "is between partitions of several dimensions and those",
        ),
        (DAYS_REGIONS, WEEKS_REGIONS, MultiPartitionMapping({"day": BY_DATE}), "no dimension 'day' in the upstream"),
        (DAYS_REGIONS, DAYS, MultiPartitionMapping({"date": BY_DATE}), "several dimensions on both sides"),
        (
            DAYS_REGIONS,
            WEEKS_REGIONS,
            MultiPartitionMapping({"region": BY_DATE}),
            "dimension 'region': TimeWindowPartitionMapping is between windows of time",
        ),
        (
            MultiPartitionsDefinition({"a": DAYS, "b": HOURS}),
            WEEKS,
            None,
            "several dimensions ('a', 'b') fit weekly",
        ),
    ],
)
def test_what_cannot_fit_is_said_with_the_dimensions(
    up: PartitionsDefinition, down: PartitionsDefinition, mapping: PartitionMapping | None, words: str
) -> None:
    reason = (mapping or default_mapping(up, down)).mismatch(up, down)
    assert reason is not None
    assert words in reason
