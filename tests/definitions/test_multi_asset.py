"""Several assets of one function: how they are declared, what each of them is and reads, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetIn,
    AssetKey,
    AssetOut,
    AssetSelection,
    AssetSpec,
    BackfillPolicy,
    DailyPartitionsDefinition,
    Definitions,
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidSubsetError,
    MaterializeResult,
    StaticPartitionsDefinition,
    asset,
    build_asset_context,
    define_asset_job,
    load_assets_from_modules,
    map_asset_specs,
    multi_asset,
)
from headwater.definitions.errors import DefinitionErrors
from headwater.definitions.selection.making import to_make
from headwater.definitions.snapshot import DefinitionsSnapshot

LETTERS = StaticPartitionsDefinition(["a", "b"])


@asset
def raw() -> int:
    return 3


@multi_asset(outs={"orders": AssetOut(), "customers": AssetOut(key_prefix="shop", group_name="people")}, group_name="g")
def shop(raw):
    """What the shop sells, and to whom."""
    return raw, raw + 1


@multi_asset(specs=[AssetSpec("clean", deps=[raw]), AssetSpec("report", deps=["clean"], skippable=True)])
def tables() -> None: ...


def reads(definitions: Definitions, key: Any) -> list[tuple[str, str | None]]:
    return [(str(dep.key), dep.arg) for dep in definitions.get(key).deps]


def error_of(*assets: Any, **more: Any) -> str:
    with pytest.raises(DefinitionErrors) as caught:
        Definitions(assets=list(assets), **more).validate()
    return str(caught.value)


# ---- what they are ---------------------------------------------------------------------------------------------------


def test_each_out_is_an_asset_of_its_own_with_a_shared_step() -> None:
    snapshot = Definitions(assets=[raw, shop]).snapshot()
    orders, customers = snapshot.assets["orders"], snapshot.assets["shop/customers"]
    assert (orders.step, orders.group, [dep.key for dep in orders.deps]) == ("shop", "g", ["raw"])
    assert (customers.step, customers.group, customers.can_subset) == ("shop", "people", False)
    assert snapshot.assets["raw"].step == ""
    assert DefinitionsSnapshot.from_bytes(snapshot.to_bytes()).to_bytes() == snapshot.to_bytes()


def test_the_definition_knows_its_assets_and_has_no_key_of_its_own() -> None:
    assert shop.keys == {AssetKey("orders"), AssetKey(["shop", "customers"])}
    assert [spec.key for spec in shop.specs] == [AssetKey("orders"), AssetKey(["shop", "customers"])]
    assert shop.keys_by_output_name["customers"] == AssetKey(["shop", "customers"])
    assert shop.specs_by_key[AssetKey("orders")].group == "g"
    assert (shop.description, shop.op_name, str(shop)) == (
        "What the shop sells, and to whom.",
        "shop",
        "multi-asset 'shop'",
    )
    assert tables.asset_deps == {AssetKey("clean"): {AssetKey("raw")}, AssetKey("report"): {AssetKey("clean")}}
    assert tables.dependency_keys == {AssetKey("raw")}
    with pytest.raises(InvalidInvocationError, match="makes 2 assets and has no one key"):
        _ = shop.key
    with pytest.raises(InvalidInvocationError, match="does not make the asset 'raw'"):
        shop.get_asset_spec("raw")


def test_of_one_asset_alone_the_key_is_the_key() -> None:
    @multi_asset(specs=[AssetSpec("alone")])
    def one() -> None: ...

    assert one.key == AssetKey("alone")
    assert raw.keys == {AssetKey("raw")}
    assert raw.specs_by_key == {AssetKey("raw"): raw.spec}


def test_a_dependency_on_all_of_them_is_one_on_each() -> None:
    @asset(deps=[shop])
    def after() -> None: ...

    assert reads(Definitions(assets=[raw, shop, after]), "after") == [("orders", None), ("shop/customers", None)]
    assert AssetSelection.assets(shop).resolve(Definitions(assets=[raw, shop])) == shop.keys


def test_a_spec_that_is_needed_elsewhere_stands_for_its_asset() -> None:
    external = shop.to_source_asset("orders")
    assert (external.key, external.deps, external.is_external) == (AssetKey("orders"), (), True)
    assert [spec.key for spec in shop.to_source_assets()] == [spec.key for spec in shop.specs]


# ---- what each of them reads -----------------------------------------------------------------------------------------


def test_all_outs_read_what_the_function_takes_and_all_deps() -> None:
    @multi_asset(outs={"a": AssetOut(), "b": AssetOut()}, deps=["elsewhere"])
    def both(raw): ...

    definitions = Definitions(assets=[raw, both])
    assert reads(definitions, "a") == reads(definitions, "b") == [("elsewhere", None), ("raw", "raw")]


def test_internal_deps_are_all_that_an_out_reads() -> None:
    @multi_asset(
        outs={"a": AssetOut(), "b": AssetOut(), "c": AssetOut()},
        ins={"value": AssetIn("raw")},
        deps=["elsewhere"],
        internal_asset_deps={"b": {AssetKey("a")}, "c": {AssetKey("a"), AssetKey("raw")}},
    )
    def three(value): ...

    definitions = Definitions(assets=[raw, three])
    assert reads(definitions, "a") == [("elsewhere", None), ("raw", "value")]
    assert reads(definitions, "b") == [("a", None)]
    assert sorted(reads(definitions, "c"), key=str) == [("a", None), ("raw", "value")]


def test_an_argument_that_a_spec_names_is_read_by_that_asset_and_any_other_by_all() -> None:
    @multi_asset(specs=[AssetSpec("a", deps=["raw"]), AssetSpec("b")])
    def both(raw, other): ...

    definitions = Definitions(assets=[raw, both, AssetSpec("other")])
    assert reads(definitions, "a") == [("raw", "raw"), ("other", "other")]
    assert reads(definitions, "b") == [("other", "other")]


def test_parameters_may_be_resources_and_config() -> None:
    @multi_asset(outs={"a": AssetOut(), "b": AssetOut()}, required_resource_keys={"key"})
    def both(db): ...

    definitions = Definitions(assets=[both], resources={"db": 1, "key": 2})
    definitions.validate()
    assert reads(definitions, "a") == []
    assert "'key', which is not defined" in error_of(both, resources={"db": 1})


# ---- changing them ---------------------------------------------------------------------------------------------------


def test_specs_are_mapped_and_renamed_together_with_what_reads_them() -> None:
    [mapped] = map_asset_specs(lambda spec: spec.replace_attributes(owners=["team:a"]), [tables])
    assert [spec.owners for spec in mapped.specs] == [("team:a",), ("team:a",)]
    [renamed] = map_asset_specs(lambda spec: spec.replace_attributes(key=spec.key.with_prefix("x")), [tables])
    assert renamed.asset_deps[AssetKey(["x", "report"])] == {AssetKey(["x", "clean"])}
    assert tables.keys == {AssetKey("clean"), AssetKey("report")}


def test_loaded_with_a_prefix_they_have_it_and_the_group() -> None:
    module: Any = type("module", (), {"tables": tables, "raw": raw})
    loaded = load_assets_from_modules([module], group_name="loaded", key_prefix="p")
    snapshot = Definitions(assets=loaded).snapshot()
    assert sorted(snapshot.assets) == ["p/clean", "p/raw", "p/report"]
    assert [dep.key for dep in snapshot.assets["p/report"].deps] == ["p/clean"]
    assert {asset.group for asset in snapshot.assets.values()} == {"loaded"}


def test_inline_checks_belong_to_their_assets() -> None:
    @multi_asset(
        specs=[AssetSpec("a"), AssetSpec("b")],
        check_specs=[AssetCheckSpec("fine", asset="a"), AssetCheckSpec("fine", asset="b", blocking=True)],
    )
    def checked() -> None: ...

    snapshot = Definitions(assets=[checked]).snapshot()
    assert [(c.name, c.inline, c.blocking) for c in snapshot.assets["b"].checks] == [("fine", True, True)]
    assert len(snapshot.assets["a"].checks) == 1


# ---- calling it ------------------------------------------------------------------------------------------------------


def test_called_directly_it_runs_its_function() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")], can_subset=True)
    def some(context: AssetExecutionContext):
        for key in sorted(context.selected_asset_keys):
            yield MaterializeResult(asset_key=key, metadata={"output": context.output_for_asset_key(key)})

    assert shop(3) == (3, 4)
    assert [result.asset_key for result in some(build_asset_context())] == [AssetKey("a"), AssetKey("b")]
    [result] = some(build_asset_context(selected_asset_keys=["b"]))
    assert result.asset_key == AssetKey("b")
    with pytest.raises(InvalidInvocationError, match="takes a context"):
        some()


def test_the_context_tells_outputs_and_keys_apart() -> None:
    seen: dict[str, Any] = {}

    @multi_asset(outs={"orders": AssetOut(), "customers": AssetOut(key_prefix="shop")})
    def both(context: AssetExecutionContext):
        seen["names"] = context.selected_output_names
        seen["key"] = context.asset_key_for_output("customers")
        seen["def"] = context.assets_def.keys
        seen["same"] = context.op_execution_context is context
        seen["subset"] = context.is_subset
        with pytest.raises(InvalidInvocationError, match=r"makes several assets: use context\.selected_asset_keys"):
            _ = context.asset_key
        with pytest.raises(InvalidInvocationError, match="Did you mean 'orders'"):
            context.asset_key_for_output("order")
        with pytest.raises(InvalidInvocationError, match="say which with output_name"):
            context.add_output_metadata({"n": 1})
        with pytest.raises(InvalidInvocationError, match="cannot be added in the step of 'orders', 'shop/customers'"):
            context.add_asset_metadata({"n": 1}, asset_key="customers")
        return 1, 2

    both(build_asset_context())
    assert seen == {
        "names": {"orders", "customers"},
        "key": AssetKey(["shop", "customers"]),
        "def": both.keys,
        "same": True,
        "subset": False,
    }


# ---- parts of them ---------------------------------------------------------------------------------------------------


def test_the_neighbours_of_an_asset_are_what_only_comes_together_with_it() -> None:
    @multi_asset(specs=[AssetSpec("a"), AssetSpec("b")], can_subset=True)
    def some() -> None: ...

    definitions = Definitions(assets=[raw, tables, some])
    for assets in (definitions, definitions.snapshot()):
        selection = AssetSelection.assets("clean", "a").required_multi_asset_neighbors()
        assert selection.resolve(assets) == {AssetKey("clean"), AssetKey("report"), AssetKey("a")}
        assert AssetSelection.from_string(str(selection)) == selection


def test_the_name_of_the_function_selects_all_that_it_makes() -> None:
    definitions = Definitions(assets=[raw, shop, tables])
    assert AssetSelection.from_string("shop").resolve(definitions) == shop.keys
    assert to_make(AssetSelection.from_string("raw+ tables"), definitions.snapshot()).assets[0] == AssetKey("raw")
    job = define_asset_job("all", selection="raw tables+")
    Definitions(assets=[raw, tables], jobs=[job]).validate()


def test_a_part_that_does_not_come_alone_cannot_be_selected() -> None:
    definitions = Definitions(assets=[raw, tables])
    with pytest.raises(InvalidSubsetError, match=r"'report' cannot be made without 'clean': multi-asset 'tables'"):
        to_make(AssetSelection.from_string("report"), definitions)
    assert to_make(AssetSelection.from_string("made_with(report)"), definitions.snapshot()).assets == [
        AssetKey("clean"),
        AssetKey("report"),
    ]


def test_a_job_of_such_a_part_does_not_load() -> None:
    job = define_asset_job("half", "report")
    assert "'report' cannot be made without 'clean'" in error_of(raw, tables, jobs=[job])


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither outs nor specs"),
        ({"outs": {"a": AssetOut()}, "specs": [AssetSpec("a")]}, "both outs and specs"),
        ({"specs": []}, "makes no asset"),
        ({"outs": {"a": "b"}}, "the out 'a' of multi-asset 'fn' is 'b'. Write AssetOut()"),
        ({"specs": ["a"]}, "'a' among the specs of multi-asset 'fn' is no AssetSpec"),
        ({"specs": [AssetSpec("a"), AssetSpec("a")]}, "makes the asset 'a' 2 times"),
        ({"outs": {"a": AssetOut(), "b": AssetOut(key="a")}}, "makes the asset 'a' 2 times"),
        ({"outs": {"a": AssetOut(key="x", key_prefix="y")}}, "both key and key_prefix"),
        ({"specs": [AssetSpec("a")], "deps": ["b"]}, "both specs and deps"),
        ({"specs": [AssetSpec("a")], "internal_asset_deps": {"a": {"b"}}}, "both specs and internal_asset_deps"),
        ({"outs": {"a": AssetOut()}, "internal_asset_deps": {"b": set()}}, "names the out 'b', which it does not have"),
        ({"outs": {"a": AssetOut()}, "internal_asset_deps": {"a": {"ghost"}}}, "reads 'ghost', which is none of its"),
        ({"outs": {"a": AssetOut()}, "name": "no good"}, "'no good' cannot be the name of a multi-asset"),
        ({"specs": [AssetSpec("a")], "check_specs": [AssetCheckSpec("c", asset="b")]}, "which it does not make"),
        (
            {"specs": [AssetSpec("a", partitions_def=LETTERS), AssetSpec("b")]},
            "have different partitions, so that no run can make all of them",
        ),
        (
            {
                "outs": {"a": AssetOut(backfill_policy=BackfillPolicy.single_run()), "b": AssetOut()},
                "backfill_policy": BackfillPolicy.multi_run(2),
            },
            "different backfill policies",
        ),
    ],
)
def test_what_fits_nothing_is_refused_at_its_line(arguments: dict[str, Any], message: str) -> None:
    def fn(): ...

    with pytest.raises(InvalidDefinitionError) as caught:
        multi_asset(**arguments)(fn)
    assert message in str(caught.value)
    assert f"test_multi_asset.py:{fn.__code__.co_firstlineno}" in str(caught.value)


def test_different_partitions_are_fine_where_some_can_be_made_alone() -> None:
    days = DailyPartitionsDefinition("2026-01-01")

    @multi_asset(specs=[AssetSpec("a", partitions_def=days), AssetSpec("b")], partitions_def=LETTERS, can_subset=True)
    def some() -> None: ...

    assert [spec.partitions_def for spec in some.specs] == [days, LETTERS]


def test_two_definitions_of_one_asset_are_told_with_both_lines() -> None:
    @asset(name="clean")
    def other() -> None: ...

    assert "asset 'clean' is defined a second time" in error_of(raw, tables, other)


def test_a_name_is_that_of_one_function_only() -> None:
    @multi_asset(specs=[AssetSpec("x")], name="tables")
    def other() -> None: ...

    @asset(name="tables")
    def lone() -> None: ...

    assert "the name of multi-asset 'tables' is taken" in error_of(raw, tables, other)
    assert "the name of multi-asset 'tables' is that of an asset" in error_of(raw, tables, lone)


def test_a_way_out_and_back_into_one_step_is_a_circle() -> None:
    def build(can_subset: bool) -> list[Any]:
        @multi_asset(specs=[AssetSpec("first"), AssetSpec("last", deps=["middle"])], can_subset=can_subset)
        def ends() -> None: ...

        @asset(deps=["first"])
        def middle() -> None: ...

        return [ends, middle]

    message = error_of(*build(can_subset=False))
    assert "multi-asset 'ends' makes all its assets in one step, which would have to come before itself" in message
    assert "'middle' reads 'first', 'last' reads 'middle'" in message
    Definitions(assets=build(can_subset=True)).validate()


def test_two_steps_that_wait_for_each_other_are_a_circle_though_no_assets_are() -> None:
    @multi_asset(specs=[AssetSpec("a1"), AssetSpec("a2", deps=["b2"])])
    def left() -> None: ...

    @multi_asset(specs=[AssetSpec("b1", deps=["a1"]), AssetSpec("b2")])
    def right() -> None: ...

    assert "which would have to come before itself: 'b1' reads 'a1', 'a2' reads 'b2'" in error_of(left, right)
