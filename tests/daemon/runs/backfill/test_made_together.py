"""Backfills of assets that can only be made together."""

from __future__ import annotations

from typing import Any

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.multi_asset import multi_asset
from headwater.definitions.partitions import StaticPartitionsDefinition
from headwater.storage import events as e
from support.world import World, keys_of, parts_of

LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
ALL = tuple((letter, letter) for letter in "abc")


@asset(partitions_def=LETTERS)
def up(): ...


@multi_asset(specs=[AssetSpec("p", deps=[up]), AssetSpec("q")], partitions_def=LETTERS)
def both() -> None: ...


@asset(partitions_def=LETTERS, deps=["q"])
def down(): ...


def backfill(world: World, *keys: str, ranges: Any = ALL) -> None:
    targets = tuple(e.Target(asset_key=key, partitions=ranges) for key in keys)
    world.append(e.BackfillRequested(backfill_id="b", targets=targets))


def play(world: World, *, fail: Any = ()) -> list[e.RunRequested]:
    return world.run_all(fail=fail)


def the_end(world: World) -> tuple[str, dict[str, tuple[int, int]]]:
    [stored] = world.log.query(types=["backfill_ended"])
    assert isinstance(stored.event, e.BackfillEnded)
    return stored.event.status, {count.asset_key: (count.done, count.failed) for count in stored.event.counts}


def world_of(*assets: Any) -> World:
    world = World()
    world.define(*assets)
    return world


def test_they_are_made_in_one_run_with_what_they_read() -> None:
    world = world_of(up, both, down)
    backfill(world, "up", "p", "q", "down")
    runs = play(world)
    assert [sorted(keys) for keys in keys_of(runs)] == [["down", "p", "q", "up"]] * 3
    assert the_end(world) == ("succeeded", dict.fromkeys(("up", "p", "q", "down"), (3, 0)))


def late_world() -> World:
    """Here `p` reads all partitions of `up` by way of `total`, and `q` nothing."""
    total = asset(name="total", deps=[up])(lambda: None)

    @multi_asset(specs=[AssetSpec("p", deps=["total"]), AssetSpec("q")], partitions_def=LETTERS)
    def late() -> None: ...

    world = world_of(up, total, late)
    targets = [e.Target(asset_key=key, partitions=ALL) for key in ("up", "p", "q")]
    world.append(e.BackfillRequested(backfill_id="b", targets=(e.Target(asset_key="total"), *targets)))
    return world


def test_one_that_reads_nothing_waits_for_what_the_other_reads() -> None:
    runs = play(late_world())
    assert [sorted(keys) for keys in keys_of(runs)] == [["up"]] * 3 + [["total"]] + [["p", "q"]] * 3


def test_where_one_cannot_be_made_none_is() -> None:
    world = late_world()
    runs = play(world, fail=["total"])
    assert keys_of(runs) == [["up"]] * 3 + [["total"]]
    assert the_end(world)[0] == "failed"
    skipped = [s.event for s in world.log.query(types=["backfill_skipped"])]
    assert {(t.asset_key, t.partitions) for event in skipped for t in event.targets} == {("p", ALL), ("q", ALL)}  # type: ignore[attr-defined]


def test_a_backfill_of_one_of_them_makes_the_other_too() -> None:
    world = world_of(up, both)
    backfill(world, "q", ranges=(("b", "b"),))
    runs = play(world)
    assert parts_of(runs) == [("p", "b"), ("q", "b")]
    assert the_end(world) == ("succeeded", {"q": (1, 0)})
