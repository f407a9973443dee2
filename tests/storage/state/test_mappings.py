"""Partition mappings on bitmaps, against an oracle that maps each window by comparing instants."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from headwater.definitions.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    PartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from headwater.storage.events import DynamicPartitionsAdded
from headwater.storage.state import Causes, mappings, time_mapping
from headwater.storage.state.mappings import Side
from headwater.storage.state.ordinals import Spaces, clip, spans
from support import random_partitions
from support.random_partitions import KINDS

NOW = datetime(2024, 12, 1, tzinfo=UTC)
NEW_YORK, BERLIN, KATHMANDU = "America/New_York", "Europe/Berlin", "Asia/Kathmandu"
CRON = TimeWindowPartitionsDefinition("2024-10-10", "%Y-%m-%d-%H:%M", cron_schedule="0 9,17 * * 1-5", timezone=NEW_YORK)
WINDOWS: list[TimeWindowPartitionsDefinition] = [
    HourlyPartitionsDefinition("2024-10-20"),
    HourlyPartitionsDefinition("2024-10-25", "2024-11-10", timezone=NEW_YORK),
    HourlyPartitionsDefinition("2024-10-20", minute_offset=30, timezone=BERLIN),
    HourlyPartitionsDefinition("2024-10-20", timezone=KATHMANDU),
    DailyPartitionsDefinition("2024-10-20"),
    DailyPartitionsDefinition("2024-10-15", timezone=NEW_YORK, end_offset=1),
    DailyPartitionsDefinition("2024-10-20", timezone=BERLIN, hour_offset=2, minute_offset=30),
    WeeklyPartitionsDefinition("2024-10-01", timezone=BERLIN),
    MonthlyPartitionsDefinition("2024-09-01"),
    TimeWindowPartitionsDefinition("2024-10-20", "%Y-%m-%d-%H:%M", cron_schedule="*/20 * * * *"),
    CRON,
]
YZ = StaticPartitionsDefinition(["z", "y"])
XYZ = StaticPartitionsDefinition(["x", "y", "z"])


def side(partitions: PartitionsDefinition | None) -> Side:
    return Side.of(Spaces(), partitions, NOW)


def instants(windows: TimeWindowPartitionsDefinition, ordinal: int) -> tuple[float, float]:
    window = windows.window_at(ordinal)
    return window.start.timestamp(), window.end.timestamp()


def oracle(bits: BitMap, source: TimeWindowPartitionsDefinition, target: TimeWindowPartitionsDefinition) -> BitMap:
    """Every window that exists in `target`, compared with every one of `bits`."""
    given = [instants(source, n) for n in bits]
    others = [(n, instants(target, n)) for n in clip(target, NOW)]
    return BitMap([n for n, (start, end) in others if any(start < e and s < end for s, e in given)])


@st.composite
def subsets(draw: st.DrawFn, existing: BitMap) -> BitMap:
    """Some of the partitions: a stride, a stretch, or any few."""
    count = len(existing)
    stride = draw(st.sampled_from([1, 2, 3, 7, 25, 200]))
    first = draw(st.integers(0, count - 1))
    last = draw(st.integers(first, count - 1))
    few = draw(st.lists(st.integers(0, count - 1), max_size=5))
    return BitMap([*existing[first : last + 1 : stride], *(existing[n] for n in few)])


@settings(deadline=None)
@given(data=st.data(), source=st.sampled_from(WINDOWS), target=st.sampled_from(WINDOWS), few=st.sampled_from([0, 64]))
def test_windows_map_to_those_that_share_time(
    data: st.DataObject,
    source: TimeWindowPartitionsDefinition,
    target: TimeWindowPartitionsDefinition,
    few: int,
) -> None:
    bits = data.draw(subsets(clip(source, NOW)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time_mapping, "FEW", few)  # 0: the way of many runs, whatever their number
        found = time_mapping.overlapping(bits, source.calendar, target.calendar) & clip(target, NOW)
    assert found == oracle(bits, source, target)


@settings(deadline=None)
@given(
    data=st.data(),
    up=st.sampled_from(WINDOWS),
    down=st.sampled_from(WINDOWS),
    start=st.integers(-3, 3),
    more=st.integers(0, 3),
)
def test_offsets_move_by_windows_of_the_downstream_and_back(
    data: st.DataObject,
    up: TimeWindowPartitionsDefinition,
    down: TimeWindowPartitionsDefinition,
    start: int,
    more: int,
) -> None:
    mapping = TimeWindowPartitionMapping(start, start + more, allow_nonexistent_upstream_partitions=True)
    bits = data.draw(subsets(clip(down, NOW)))
    widened = BitMap([n + k for n in bits for k in range(start, start + more + 1)])
    there = mappings.upstream(mapping, bits, up=side(up), down=side(down))
    assert there == oracle(widened, down, up)
    one = data.draw(st.sampled_from(list(clip(up, NOW))))
    readers = mappings.downstream(mapping, BitMap([one]), up=side(up), down=side(down))
    for n in [*readers][:20] + [*bits][:20]:
        read = mappings.upstream(mapping, BitMap([n]), up=side(up), down=side(down))
        assert (one in read) == (n in readers)


@settings(deadline=None)
@given(
    data=st.data(),
    up=st.sampled_from(WINDOWS),
    down=st.sampled_from(WINDOWS),
    start=st.integers(-3, 3),
    more=st.integers(0, 2),
)
def test_many_positions_are_mapped_at_once_as_they_are_one_by_one(
    data: st.DataObject,
    up: TimeWindowPartitionsDefinition,
    down: TimeWindowPartitionsDefinition,
    start: int,
    more: int,
) -> None:
    mapping, there = TimeWindowPartitionMapping(start, start + more), {"up": side(up), "down": side(down)}
    groups = data.draw(st.lists(st.tuples(st.integers(1, 50), subsets(clip(up, NOW))), max_size=5))
    causes = Causes(groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mappings, "FEW", 0)
        patch.setattr(mappings, "EACH", 10**9)
        found = mappings.causes_downstream(mapping, causes, **there)
    assert found == causes.mapped(lambda bits: mappings.downstream(mapping, bits, **there))


def test_a_day_that_a_country_skipped_is_the_reason_of_nothing() -> None:
    """Samoa went to the other side of the date line: 2011-12-30 was not there."""
    up = DailyPartitionsDefinition("2011-12-20", "2012-01-10", timezone="Pacific/Apia")
    down = MonthlyPartitionsDefinition("2011-11-01", "2012-02-01", timezone="Pacific/Apia")
    mapping, there = TimeWindowPartitionMapping(), {"up": side(up), "down": side(down)}
    first = up.first_ordinal
    causes = Causes((n + 1, BitMap([first + n])) for n in range(20))
    assert len(causes.groups) > mappings.FEW
    found = mappings.causes_downstream(mapping, causes, **there)
    assert found == causes.mapped(lambda bits: mappings.downstream(mapping, bits, **there))


def test_what_a_window_requires_beyond_the_upstreams_ends() -> None:
    up, down = DailyPartitionsDefinition("2024-11-20"), DailyPartitionsDefinition("2024-11-18", end_offset=1)

    def required(mapping: TimeWindowPartitionMapping, day: str) -> list[str]:
        bits = mappings.required(mapping, BitMap([down.ordinal_of(day)]), up=side(up), down=side(down))
        return [up.key_of(n) for n in bits]

    assert required(TimeWindowPartitionMapping(), "2024-11-18") == ["2024-11-18"]  # it starts too late: waited for
    assert required(TimeWindowPartitionMapping(), "2024-12-01") == ["2024-12-01"]  # today: not there yet
    assert required(TimeWindowPartitionMapping(-1, 0), "2024-11-20") == ["2024-11-20"]  # only the offset leads there
    assert required(TimeWindowPartitionMapping(-1, -1), "2024-11-20") == []
    lenient = TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
    assert required(lenient, "2024-11-18") == required(lenient, "2024-12-01") == []


@pytest.mark.parametrize(
    ("mapping", "key", "reads"),
    [
        (IdentityPartitionMapping(), "y", ["y"]),
        (AllPartitionMapping(), "y", ["z", "y"]),
        (LastPartitionMapping(), "y", ["y"]),
        (SpecificPartitionsPartitionMapping(["z"]), "x", ["z"]),
        (StaticPartitionMapping({"z": ["x", "y"], "y": "x"}), "x", ["z", "y"]),
        (StaticPartitionMapping({"z": ["x", "y"], "y": "x"}), "z", []),
    ],
)
def test_static_keys_are_mapped_forth_and_back(mapping: PartitionMapping, key: str, reads: list[str]) -> None:
    up, down = side(YZ), side(XYZ)
    place = down.space.find(key)
    assert place is not None
    read = mappings.upstream(mapping, BitMap([place]), up=up, down=down)
    assert [up.space.key(n) for n in read] == reads
    for n in up.existing:
        back = mappings.downstream(mapping, BitMap([n]), up=up, down=down)
        assert (place in back) == (n in read)


@pytest.mark.seeds(2, nightly=60)
def test_what_asks_for_a_partition_is_what_is_found_from_it(seed: int) -> None:
    """Of all kinds of partitions and mappings, also where the partition that is asked for does not exist."""
    rng = random.Random(seed)
    for up, down in product(KINDS.values(), repeat=2):
        spaces = Spaces()
        spaces.note(DynamicPartitionsAdded(name="people", keys=("ann", "bob", "x")))
        spaces.note(DynamicPartitionsAdded(name="guests", keys=("bob", "cid")))
        above, below = (Side.of(spaces, one, datetime(2026, 3, 1, 3, tzinfo=UTC)) for one in (up, down))
        for mapping in [*random_partitions.mappings(rng, up, down), LastPartitionMapping(), AllPartitionMapping()]:
            if mapping.mismatch(up, down) is not None:
                continue
            asked = {n: mappings.required(mapping, BitMap([n]), up=above, down=below) for n in below.existing}
            assert mappings.required(mapping, below.existing, up=above, down=below) == BitMap.union(*asked.values())
            for one in above.existing | BitMap.union(*asked.values()):
                found = mappings.downstream(mapping, BitMap([one]), up=above, down=below)
                assert found == BitMap([n for n, bits in asked.items() if one in bits]), (up, down, mapping)


def test_the_last_window_is_the_one_that_is_complete() -> None:
    up, down = side(DailyPartitionsDefinition("2024-11-01")), side(None)
    read = mappings.upstream(LastPartitionMapping(), BitMap([0]), up=up, down=down)
    assert [up.space.key(n) for n in read] == ["2024-11-30"]
    assert mappings.downstream(LastPartitionMapping(), up.existing - read, up=up, down=down) == BitMap()


@given(bits=st.sets(st.integers(0, 300)))
def test_runs_cover_the_bits_and_nothing_else(bits: set[int]) -> None:
    runs = list(spans(BitMap(bits)))
    assert [n for first, last in runs for n in range(first, last + 1)] == sorted(bits)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(runs))


def test_one_hour_and_fifty_years_of_hours_cost_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    hourly = HourlyPartitionsDefinition("1974-01-01", "2024-01-01", timezone=NEW_YORK)
    daily = DailyPartitionsDefinition("1974-01-01", "2024-01-01", timezone=NEW_YORK)
    calls: list[int] = []
    at = type(daily.calendar).at
    monkeypatch.setattr(type(daily.calendar), "at", lambda self, instant: calls.append(instant) or at(self, instant))
    hours, days = clip(hourly, NOW), clip(daily, NOW)
    assert len(hours) == 438_288
    calls.clear()
    assert time_mapping.overlapping(hours, hourly.calendar, daily.calendar) == days
    assert len(calls) == 2
