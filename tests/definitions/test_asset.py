"""The `@asset` decorator, specs, and what a direct call does."""

from __future__ import annotations

from typing import Any

import pytest

from headwater.definitions.asset import AssetDep, AssetIn, AssetSpec, ResourceParam, SourceAsset, asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.context import AssetExecutionContext, build_asset_context
from headwater.definitions.errors import InvalidDefinitionError, InvalidInvocationError, NotYetSupported
from headwater.definitions.keys import AssetKey
from headwater.definitions.partitions import DailyPartitionsDefinition
from headwater.definitions.results import MaterializeResult


def edges(definition: Any) -> list[tuple[str, str | None]]:
    return [(str(dep.key), dep.arg) for dep in definition.deps]


def test_a_bare_decorator_names_the_asset_after_its_function() -> None:
    @asset
    def orders() -> list[int]:
        """All orders."""
        return [3, 4]

    assert orders.key == AssetKey("orders")
    assert orders.description == "All orders."
    assert orders.group_name == "default"
    assert orders.source.file == __file__
    assert not orders.returns_nothing


def test_all_that_is_said_of_an_asset_is_kept() -> None:
    daily = DailyPartitionsDefinition("2026-01-01")

    @asset(
        name="orders",
        key_prefix=["sales", "raw"],
        group_name="bronze/api",
        description="Orders.",
        tags={"team/layer": "bronze"},
        kinds={"python", "duckdb"},
        owners=["ana@example.com", "team:sales"],
        metadata={"rows": 3},
        partitions_def=daily,
        automation_condition=AutomationCondition.eager(),
        code_version="7",
        io_manager_key="lake",
    )
    def anything() -> None: ...

    assert str(anything.key) == "sales/raw/orders"
    assert anything.group_name == "bronze/api"
    assert anything.tags == {"team/layer": "bronze"}
    assert anything.spec.kinds == ("duckdb", "python")
    assert anything.spec.owners == ("ana@example.com", "team:sales")
    assert anything.metadata == {"rows": 3}
    assert anything.partitions_def == daily
    assert anything.automation_condition == AutomationCondition.eager()
    assert anything.code_version == "7"
    assert anything.io_manager_key == "lake"
    assert anything.returns_nothing


def test_parameters_are_upstream_assets_and_the_context_is_not() -> None:
    @asset(ins={"rates": AssetIn(key=["bank", "rates"])}, deps=["calendar"])
    def revenue(context: AssetExecutionContext, orders, rates) -> None: ...

    assert edges(revenue) == [("calendar", None), ("orders", "orders"), ("bank/rates", "rates")]
    assert revenue.takes_context


def test_an_asset_that_is_dependency_and_argument_is_one_edge() -> None:
    @asset(deps=[AssetDep("raw_orders", gated=False)])
    def silver_orders(raw_orders) -> MaterializeResult:
        return MaterializeResult()

    [dep] = silver_orders.deps
    assert (dep.arg, dep.value_optional, dep.gated) == ("raw_orders", True, False)
    assert silver_orders.returns_nothing


def test_a_resource_parameter_is_no_upstream_asset() -> None:
    @asset
    def orders(db: ResourceParam[dict]) -> None: ...

    assert orders.deps == ()
    assert orders.resource_names == {"db"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "x/y"}, r"'x/y' cannot be the name of an asset.*write \['x', 'y'\]"),
        ({"key": "a", "name": "b"}, "has both key and name"),
        ({"group_name": "no-dash"}, "asset 'orders' has the group 'no-dash'"),
        ({"tags": {"a b": "c"}}, "has the tag 'a b'"),
        ({"tags": {"a": 1}}, "Tags are strings"),
        ({"owners": ["nobody"]}, "has the owner 'nobody'. Give an e-mail"),
        ({"kinds": set("abcdefghijk")}, "has 11 kinds"),
        ({"automation_condition": "x"}, "has the automation_condition 'x'"),
        ({"automation_condition": AutomationCondition.eager}, r"Call it: AutomationCondition.eager\(\)"),
        ({"partitions_def": "daily"}, "has the partitions_def 'daily'"),
        ({"metadata": {"a": object()}}, "metadata 'a'"),
        ({"deps": ["x/y"]}, "'x/y' cannot be a dependency of asset 'orders'"),
        ({"ins": {"nothing": AssetIn("a")}}, "ins for 'nothing', which is no parameter"),
    ],
)
def test_a_wrong_argument_is_named_with_the_asset_and_the_line(arguments: dict[str, Any], message: str) -> None:
    def orders() -> None: ...

    with pytest.raises(InvalidDefinitionError, match=message) as raised:
        asset(**arguments)(orders)
    assert f"test_asset.py:{orders.__code__.co_firstlineno}" in str(raised.value)


@pytest.mark.parametrize("argument", ["is_virtual"])
def test_an_argument_that_does_not_act_yet_is_refused_with_what_to_use(argument: str) -> None:
    arguments: dict[str, Any] = {argument: "something"}
    with pytest.raises(NotYetSupported, match=rf"asset 'orders': {argument} is not supported yet\. [A-Z]"):

        @asset(**arguments)
        def orders() -> None: ...


def test_two_arguments_for_one_upstream_are_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match="takes 'orders' twice, as 'a' and as 'b'"):

        @asset(ins={"a": AssetIn("orders"), "b": AssetIn("orders")})
        def revenue(a, b) -> None: ...


def test_a_direct_call_runs_the_function() -> None:
    @asset
    def revenue(orders, factor=1):
        return sum(orders) * factor

    assert revenue([3, 4]) == 7
    assert revenue(orders=[3, 4], factor=2) == 14
    with pytest.raises(InvalidInvocationError, match="asset 'revenue': missing a required argument: 'orders'"):
        revenue()


def test_a_direct_call_takes_context_and_resources_from_a_built_context() -> None:
    @asset(partitions_def=DailyPartitionsDefinition("2026-01-01"))
    def orders(context: AssetExecutionContext, db: ResourceParam[dict]):
        context.add_output_metadata({"rows": 1})
        return str(context.asset_key), context.partition_time_window.start.day, db["x"]

    context = build_asset_context(partition_key="2026-01-03", resources={"db": {"x": 5}})
    assert orders(context) == ("orders", 3, 5)
    assert context.added_metadata["rows"].value == 1
    with pytest.raises(InvalidInvocationError, match=r"orders\(build_asset_context\(\), \.\.\.\)"):
        orders()


def test_a_bare_spec_and_a_source_asset_are_external() -> None:
    spec = AssetSpec(["raw", "users"], group_name="in", tags={"a": "b"})
    source = SourceAsset(key="raw_users", description="Users.")
    assert spec.is_external
    assert isinstance(source, AssetSpec)
    assert str(spec.key) == "raw/users"
    assert spec.source.file == source.source.file == __file__
    changed = source.replace_attributes(group_name="x")
    assert (changed.group_name, changed.description, type(changed)) == ("x", "Users.", SourceAsset)
    assert spec.merge_attributes(tags={"c": "d"}).tags == {"a": "b", "c": "d"}
