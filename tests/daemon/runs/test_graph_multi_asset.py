"""Several assets made by one graph: each its output, made together or some of them, by the ops that they come from."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetIn,
    AssetKey,
    AssetOut,
    AssetsDefinition,
    Config,
    DailyPartitionsDefinition,
    Definitions,
    GraphOut,
    Instance,
    InvalidDefinitionError,
    Out,
    Output,
    asset,
    graph,
    graph_asset,
    graph_multi_asset,
    materialize,
    op,
)

ran: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


@op
def cleaned(orders: list[int]) -> list[int]:
    ran.append("cleaned")
    return [one for one in orders if one]


@op
def total(orders: list[int]) -> int:
    ran.append("total")
    return sum(orders)


@op
def fails(orders: list[int]) -> int:
    raise ValueError("no")


@op(out=Out(is_required=False))
def left_out(orders: list[int]) -> Any:
    if len(orders) > 10:
        yield Output(orders)


@asset
def orders() -> list[int]:
    return [3, 0, 4]


@graph_multi_asset(outs={"clean": AssetOut(), "revenue": AssetOut()}, group_name="shop", can_subset=True)
def books(orders: Any) -> Any:
    kept = cleaned(orders)
    return {"clean": kept, "revenue": total(kept)}


def test_each_output_of_the_graph_is_the_value_of_an_asset() -> None:
    result = materialize([orders, books])
    assert result.output_for_node("books", "clean") == [3, 4]
    assert result.output_for_node("books", "revenue") == 7
    assert {str(event.asset_key) for event in result.get_asset_materialization_events()} == {
        "orders",
        "clean",
        "revenue",
    }
    assert {spec.group_name for spec in books.specs} == {"shop"}


def test_what_is_downstream_reads_one_of_them() -> None:
    @asset
    def report(revenue: int) -> str:
        return f"{revenue} sold"

    assert materialize([orders, books, report]).output_for_node("report") == "7 sold"


def test_a_run_of_some_of_them_runs_only_the_ops_that_they_come_from() -> None:
    with Instance.ephemeral() as instance:
        materialize([orders], instance=instance)
        result = materialize([orders, books], instance=instance, selection=["clean"])
    assert ran == ["cleaned"]
    assert [str(event.asset_key) for event in result.get_asset_materialization_events()] == ["clean"]


def test_outputs_may_be_returned_as_a_tuple_in_the_order_of_the_outs() -> None:
    @graph_multi_asset(
        outs={"a": AssetOut(key_prefix="x"), "b": AssetOut(key="other")}, ins={"rows": AssetIn("orders")}
    )
    def two(rows: Any) -> Any:
        return total(rows), cleaned(rows)

    result = materialize([orders, two])
    assert two.keys == {AssetKey(["x", "a"]), AssetKey("other")}
    assert result.asset_value(AssetKey(["x", "a"])) == 7
    assert result.asset_value("other") == [3, 4]


def test_what_was_given_before_an_op_failed_is_made_and_the_step_fails() -> None:
    @graph_multi_asset(outs={"clean": AssetOut(), "broken": AssetOut()})
    def half(orders: Any) -> Any:
        return {"clean": cleaned(orders), "broken": fails(orders)}

    result = materialize([orders, half], raise_on_error=False)
    assert not result.success
    assert [str(event.asset_key) for event in result.get_asset_materialization_events()] == ["orders", "clean"]


def test_an_output_that_its_op_leaves_out_is_not_made_where_it_may_be_left_out() -> None:
    @graph_multi_asset(outs={"clean": AssetOut(), "rare": AssetOut(is_required=False)})
    def some(orders: Any) -> Any:
        return {"clean": cleaned(orders), "rare": left_out(orders)}

    @asset
    def reads(rare: Any) -> None: ...

    result = materialize([orders, some, reads])
    assert result.success
    assert [str(event.asset_key) for event in result.get_asset_materialization_events()] == ["orders", "clean"]


def test_an_output_that_is_required_and_left_out_fails_the_step() -> None:
    @graph_multi_asset(outs={"rare": AssetOut(), "clean": AssetOut()})
    def some(orders: Any) -> Any:
        return {"clean": cleaned(orders), "rare": left_out(orders)}

    with pytest.raises(Exception, match="without its output 'rare'"):
        materialize([orders, some])


def test_its_assets_are_partitioned_and_its_ops_configured_below_its_name() -> None:
    class Factor(Config):
        by: int = 1

    @op
    def times(config: Factor) -> int:
        return 2 * config.by

    @op
    def key(context: Any) -> str:
        return context.partition_key

    @graph_multi_asset(
        outs={"a": AssetOut(), "b": AssetOut()}, partitions_def=DailyPartitionsDefinition("2026-03-01"), name="made"
    )
    def two() -> Any:
        return {"a": times(), "b": key()}

    config = {"ops": {"made": {"ops": {"times": {"config": {"by": 3}}}}}}
    result = materialize([two], partition_key="2026-03-01", run_config=config)
    assert (result.output_for_node("made", "a"), result.output_for_node("made", "b")) == (6, "2026-03-01")


def test_checks_are_outputs_of_the_graph_beside_the_assets() -> None:
    @op
    def has_rows(orders: list[int]) -> AssetCheckResult:
        return AssetCheckResult(passed=len(orders) > 5, metadata={"rows": len(orders)})

    spec = AssetCheckSpec("rows", asset="clean")

    @graph_multi_asset(outs={"clean": AssetOut(), "revenue": AssetOut()}, check_specs=[spec])
    def checked(orders: Any) -> Any:
        kept = cleaned(orders)
        return {"clean": kept, "revenue": total(kept), "rows": has_rows(kept)}

    @graph_asset(check_specs=[spec])
    def clean(orders: Any) -> Any:
        kept = cleaned(orders)
        return {"result": kept, "rows": has_rows(kept)}

    for made in (checked, clean):
        (event,) = materialize([orders, made]).get_asset_check_evaluations()
        assert (event.asset_key, event.check_name, event.passed) == (AssetKey("clean"), "rows", False)


def test_an_output_that_no_out_declares_is_refused_at_decoration() -> None:
    with pytest.raises(InvalidDefinitionError, match="declares the outputs clean, but returned clean, revenue"):

        @graph_multi_asset(outs={"clean": AssetOut()})
        def books(orders: Any) -> Any:
            return {"clean": cleaned(orders), "revenue": total(orders)}


def test_a_graph_of_several_outputs_makes_assets_under_other_names() -> None:
    @graph(out={"clean": GraphOut(), "sum": GraphOut()})
    def ends(rows: Any) -> Any:
        return {"clean": cleaned(rows), "sum": total(rows)}

    made = AssetsDefinition.from_graph(
        ends,
        keys_by_input_name={"rows": AssetKey("orders")},
        keys_by_output_name={"sum": AssetKey("revenue")},
        key_prefix="shop",
        metadata_by_output_name={"sum": {"unit": "euro"}},
        internal_asset_deps={"clean": {AssetKey("orders")}, "sum": {AssetKey("orders")}},
        group_name="books",
        can_subset=True,
    )
    revenue = AssetKey(["shop", "revenue"])
    assert made.keys == {AssetKey(["shop", "clean"]), revenue}
    assert made.specs_by_key[revenue].metadata["unit"] is not None
    result = materialize([orders, made])
    assert result.asset_value(revenue) == 7
    assert Definitions([orders, made]).get(revenue).deps[0].key == AssetKey("orders")


def test_an_op_of_several_outputs_makes_as_many_assets() -> None:
    @op(out={"low": Out(), "high": Out()})
    def ends(orders: list[int]) -> tuple[int, int]:
        return min(orders), max(orders)

    result = materialize([orders, AssetsDefinition.from_op(ends)])
    assert (result.asset_value("low"), result.asset_value("high")) == (0, 4)
