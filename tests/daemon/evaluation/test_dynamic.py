"""Keys that come and go while the daemon runs, alone and as a dimension beside others."""

from __future__ import annotations

import pytest

from headwater import (
    AssetDep,
    AssetSpec,
    AutomationCondition,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    IdentityPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
    StaticPartitionsDefinition,
    asset,
)
from headwater.definitions.partitions import PartitionMapping
from headwater.storage import events as e
from support.world import World

CUSTOMERS = DynamicPartitionsDefinition(name="customers")
DAYS = DailyPartitionsDefinition("2026-02-27")
REGIONS = StaticPartitionsDefinition(["north", "south"])
EAGER = AutomationCondition.eager()


@asset(partitions_def=CUSTOMERS, automation_condition=EAGER)
def profile(): ...


@asset(partitions_def=CUSTOMERS, automation_condition=EAGER)
def score(profile): ...


@asset(partitions_def=CUSTOMERS, automation_condition=AutomationCondition.on_missing())
def letter(profile): ...


@asset(partitions_def=MultiPartitionsDefinition({"date": DAYS, "region": REGIONS}), automation_condition=EAGER)
def sales(): ...


@asset(partitions_def=DAYS, automation_condition=EAGER)
def day(sales): ...


@asset(partitions_def=MultiPartitionsDefinition({"customer": CUSTOMERS, "date": DAYS}), automation_condition=EAGER)
def visits(profile): ...


def add(world: World, *keys: str) -> None:
    world.append(e.DynamicPartitionsAdded(name="customers", keys=keys))


def delete(world: World, *keys: str) -> None:
    world.append(e.DynamicPartitionsDeleted(name="customers", keys=keys))


def asked(runs: list[e.RunRequested]) -> dict[str, list[str]]:
    """The partitions that were requested, by asset, in the order of the runs."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for target in run.targets:
            found.setdefault(target.asset_key, []).extend(first for first, _ in target.partitions or ())
    return found


def finish(world: World, runs: list[e.RunRequested]) -> None:
    for run in runs:
        world.run(run)


def test_a_new_key_is_requested_the_moment_it_is_added() -> None:
    world = World()
    world.define(profile, score)
    assert world.settle() == []
    add(world, "ann", "bob")
    runs = world.settle()
    assert [sorted(t.asset_key for t in run.targets) for run in runs] == [["profile", "score"]] * 2
    assert asked(runs) == {"profile": ["ann", "bob"], "score": ["ann", "bob"]}
    finish(world, runs)
    assert world.settle() == []
    add(world, "ann")
    assert world.settle() == []


def test_on_missing_makes_a_new_key_too() -> None:
    world = World()
    world.define(AssetSpec("profile", partitions_def=CUSTOMERS), letter)
    add(world, "ann", "bob")
    world.report("profile", "ann")
    assert asked(world.settle()) == {"letter": ["ann"]}


def test_a_deleted_key_vanishes_and_returns_with_its_history() -> None:
    world = World()
    world.define(AssetSpec("profile", partitions_def=CUSTOMERS), score)
    add(world, "ann", "bob")
    world.report("profile", "ann")
    finish(world, world.settle())
    delete(world, "ann")
    world.report("profile", "ann")
    assert world.settle() == []
    add(world, "ann")
    runs = world.settle()
    assert asked(runs) == {"score": ["ann"]}  # the update that nobody could read is not lost
    finish(world, runs)
    delete(world, "ann")
    world.settle()
    add(world, "ann")
    assert world.settle() == []  # and what was made is made
    assert world.state.spaces.get_dynamic_partitions("customers") == ["bob", "ann"]


def test_what_is_reported_before_its_key_is_added_counts_once_it_is() -> None:
    world = World()
    world.define(AssetSpec("profile", partitions_def=CUSTOMERS), score)
    world.report("profile", "ann")
    assert world.settle() == []
    add(world, "ann")
    assert asked(world.settle()) == {"score": ["ann"]}


def test_keys_that_were_there_before_the_definitions_are_known() -> None:
    world = World()
    add(world, "ann")
    world.define(profile)
    assert asked(world.settle()) == {"profile": ["ann"]}
    world.restart()
    assert world.settle() == []


def test_only_the_combinations_of_the_latest_day_are_made_unasked() -> None:
    world = World()
    world.define(sales, day)
    runs = world.settle()
    assert asked(runs) == {"sales": ["2026-02-28|north", "2026-02-28|south"]}
    world.run(runs[0])
    assert world.settle() == []  # the day waits for all of its regions
    world.run(runs[1])
    assert asked(world.settle()) == {"day": ["2026-02-28"]}


def test_a_new_day_is_made_for_every_region_when_it_is_over() -> None:
    world = World()
    world.define(sales)
    finish(world, world.settle())
    assert world.next_due is not None
    world.advance(86_400)
    assert asked(world.settle()) == {"sales": ["2026-03-01|north", "2026-03-01|south"]}


def test_an_old_combination_that_is_made_again_makes_its_day_again() -> None:
    world = World()
    world.define(AssetSpec("sales", partitions_def=sales.partitions_def), day)
    world.settle()
    for region in ("north", "south"):
        world.report("sales", f"2026-02-27|{region}")
    assert asked(world.settle()) == {"day": ["2026-02-27"]}


def test_a_new_customer_is_made_for_the_latest_day() -> None:
    world = World()
    world.define(AssetSpec("profile", partitions_def=CUSTOMERS), visits)
    add(world, "ann")
    assert world.settle() == []
    world.report("profile", "ann")
    assert asked(world.settle()) == {"visits": ["ann|2026-02-27", "ann|2026-02-28"]}
    add(world, "bob")
    world.report("profile", "bob")
    assert asked(world.settle()) == {"visits": ["bob|2026-02-27", "bob|2026-02-28"]}


def test_a_redefined_dimension_keeps_what_is_known_by_key() -> None:
    world = World()
    world.define(sales)
    finish(world, world.settle())
    more = StaticPartitionsDefinition(["south", "east", "north"])

    @asset(
        name="sales",
        partitions_def=MultiPartitionsDefinition({"date": DAYS, "region": more}),
        automation_condition=EAGER,
    )
    def with_east(): ...

    world.define(with_east)
    assert asked(world.settle()) == {"sales": ["2026-02-28|east"]}


ACCOUNTS = AssetSpec("accounts", partitions_def=DynamicPartitionsDefinition(name="accounts"))
PAIRS = MultiPartitionsDefinition({"customer": CUSTOMERS, "region": REGIONS})


@pytest.mark.parametrize(
    ("partitions", "mapping", "keys"),
    [
        (CUSTOMERS, IdentityPartitionMapping(), ["ann"]),
        (CUSTOMERS, SpecificPartitionsPartitionMapping(["ann"]), ["ann"]),
        (StaticPartitionsDefinition(["ann"]), IdentityPartitionMapping(), ["ann"]),
        (PAIRS, MultiToSingleDimensionPartitionMapping("customer"), ["ann|north", "ann|south"]),
    ],
)
def test_a_key_that_is_asked_for_and_was_never_added_is_waited_for(
    partitions: PartitionsDefinition, mapping: PartitionMapping, keys: list[str]
) -> None:
    deps = [AssetDep(ACCOUNTS, partition_mapping=mapping)]

    @asset(partitions_def=partitions, deps=deps, automation_condition=EAGER)
    def statement() -> None: ...

    world = World()
    world.define(ACCOUNTS, statement)
    add(world, "ann")
    assert world.settle() == []
    world.append(e.DynamicPartitionsAdded(name="accounts", keys=("ann",)))
    assert world.settle() == []
    world.report("accounts", "ann")
    assert asked(world.settle()) == {"statement": keys}
