"""Requests for what is stale or missing alone: of a job or of a target, and none where all is fresh."""

from __future__ import annotations

from typing import Any

from headwater.definitions.asset import AssetSpec, asset
from headwater.definitions.asset_jobs import define_asset_job
from headwater.definitions.multi_asset import multi_asset
from headwater.definitions.ops.job import job
from headwater.definitions.ops.op import op
from headwater.definitions.partitions import StaticPartitionsDefinition
from headwater.definitions.requests import RunRequest
from headwater.definitions.sensors import sensor
from headwater.storage import events as e
from support.sensing import SensingWorld

inbox = AssetSpec("inbox")
COLOURS = StaticPartitionsDefinition(["red", "blue"])


@asset(deps=[inbox])
def orders() -> None: ...


@asset(deps=[orders])
def revenue() -> None: ...


@asset(partitions_def=COLOURS)
def paint() -> None: ...


@multi_asset(specs=[AssetSpec("low", deps=[inbox]), AssetSpec("high")])
def both() -> None: ...


every = define_asset_job("every", ["orders", "revenue"])
painting = define_asset_job("painting", "paint")


@op
def nothing() -> None: ...


@job
def ops() -> None:
    nothing()


def world_of(request: RunRequest, **target: Any) -> SensingWorld:
    @sensor(**target, minimum_interval_seconds=30)
    def looks(context: Any) -> RunRequest:
        return request

    world = SensingWorld()
    world.define(inbox, orders, revenue, paint, both, jobs=[every, painting, ops], sensors=[looks])
    return world


def made(runs: list[e.RunRequested]) -> list[list[str]]:
    return [[target.asset_key for target in run.targets] for run in runs]


def after(world: SensingWorld, seconds: int) -> list[e.RunRequested]:
    return world.until(f"2026-03-01T00:{seconds // 60:02}:{seconds % 60:02}+00:00")


def test_of_a_job_what_is_missing_and_then_what_is_stale_is_made() -> None:
    world = world_of(RunRequest(stale_assets_only=True), job=every)
    (run,) = world.sense()
    assert (made([run]), run.job_name) == ([["orders", "revenue"]], "every")
    world.run(run)
    assert after(world, 30) == []
    world.report("inbox")
    assert made(after(world, 60)) == [["orders"]]


def test_where_all_is_fresh_the_evaluation_says_so_and_its_run_key_is_not_used_up() -> None:
    world = world_of(RunRequest(run_key="once", stale_assets_only=True), asset_selection=["orders"])
    world.report("orders")
    assert world.sense() == []
    assert world.evaluations("looks")[-1].skip_reason == "nothing that it asks for is stale or missing"
    world.report("inbox")
    assert made(after(world, 30)) == [["orders"]]
    assert after(world, 60) == []


def test_only_the_assets_that_the_request_names_are_looked_at() -> None:
    request = RunRequest(asset_selection=["revenue"], stale_assets_only=True)
    assert made(world_of(request, job=every).sense()) == [["revenue"]]


def test_of_a_partitioned_asset_the_partition_of_the_request_is_looked_at() -> None:
    world = world_of(RunRequest(partition_key="red", stale_assets_only=True), job=painting)
    world.report("paint", "red")
    assert world.sense() == []
    other = world_of(RunRequest(partition_key="blue", stale_assets_only=True), job=painting)
    other.report("paint", "red")
    (run,) = other.sense()
    assert run.targets == (e.Target(asset_key="paint", partitions=(("blue", "blue"),)),)


def test_what_can_only_be_made_together_comes_together() -> None:
    world = world_of(RunRequest(stale_assets_only=True), asset_selection=["low", "high"])
    world.report("low")
    world.report("high")
    world.report("inbox")
    assert made(world.sense()) == [["high", "low"]]


def test_a_job_of_ops_has_nothing_that_could_be_stale() -> None:
    world = world_of(RunRequest(stale_assets_only=True), job=ops)
    assert world.sense() == []
    assert "makes no assets" in world.evaluations("looks")[-1].error.message
