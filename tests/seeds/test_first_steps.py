"""What the first page about assets shows: each way to declare one, and the ways to make it in a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headwater import (
    AssetCheckResult,
    AssetDep,
    AssetKey,
    AssetOut,
    Output,
    SourceAsset,
    asset,
    asset_check,
    materialize,
    multi_asset,
)


def test_an_asset_may_write_its_file_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    @asset
    def numbers():
        Path("numbers.json").write_text(json.dumps([1, 2, 3]))

    assert materialize([numbers]).success
    assert json.loads(Path("numbers.json").read_text()) == [1, 2, 3]


def test_a_parameter_names_the_asset_whose_value_it_takes() -> None:
    @asset
    def numbers():
        return [1, 2, 3]

    @asset
    def more_numbers(numbers):
        return [*numbers, 4]

    assert materialize([numbers, more_numbers]).output_for_node("more_numbers") == [1, 2, 3, 4]
    assert more_numbers([1]) == [1, 4]


@pytest.mark.parametrize("dep", ["table", AssetKey("table"), AssetDep("table")])
def test_deps_give_an_order_without_a_value(dep: object) -> None:
    order: list[str] = []

    @asset
    def table():
        order.append("table")

    @asset(deps=[dep])
    def query():
        order.append("query")

    assert materialize([query, table]).success
    assert order == ["table", "query"]


def test_a_name_a_prefix_and_a_group_can_be_given() -> None:
    @asset(name="visits", key_prefix=["web"], group_name="ingestion")
    def any_name():
        return 1

    assert any_name.key == AssetKey(["web", "visits"])
    assert any_name.group_name == "ingestion"
    assert materialize([any_name]).output_for_node("web__visits") == 1


def test_one_function_makes_several_assets() -> None:
    @multi_asset(outs={"users": AssetOut(), "orders": AssetOut()})
    def extract():
        yield Output(["ann"], output_name="users")
        yield Output([7], output_name="orders")

    @asset
    def report(users, orders):
        return (users, orders)

    assert materialize([extract, report]).output_for_node("report") == (["ann"], [7])


def test_a_check_takes_the_value_of_its_asset() -> None:
    @asset
    def orders():
        return [7]

    @asset_check(asset=orders)
    def orders_not_empty(orders):
        return AssetCheckResult(passed=len(orders) > 0, metadata={"num_rows": len(orders)})

    result = materialize([orders, orders_not_empty])
    [evaluation] = result.get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.metadata["num_rows"].value) == (True, 1)
    assert orders_not_empty([]).passed is False


def test_a_source_is_depended_on_and_never_made() -> None:
    users = SourceAsset(key="users")

    @asset(deps=[users])
    def clean_users():
        return ["ann"]

    result = materialize([users, clean_users])
    assert [str(event.asset_key) for event in result.get_asset_materialization_events()] == ["clean_users"]
