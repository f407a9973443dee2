"""Definitions: names bound to each other, and all errors of a project at once."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headwater.definitions.asset import AssetDep, AssetIn, AssetSpec, ResourceParam, SourceAsset, asset
from headwater.definitions.conditions import AutomationCondition
from headwater.definitions.definitions import Definitions
from headwater.definitions.errors import (
    CyclicDependencies,
    DefinitionErrors,
    DuplicateAsset,
    InvalidDefinitionError,
    InvalidInvocationError,
    PartitionsMismatch,
    UnknownDependency,
)
from headwater.definitions.io import FilesystemIOManager, InMemoryIOManager
from headwater.definitions.modules import load_asset_checks_from_modules, load_assets_from_modules
from headwater.definitions.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
)

DAILY = DailyPartitionsDefinition("2026-01-01")


def made(name: str, *parameters: str, **arguments: Any) -> Any:
    """An asset whose function takes `parameters` and returns them."""
    namespace: dict[str, Any] = {}
    names = [parameter.partition("=")[0] for parameter in parameters]
    exec(f"def {name}({', '.join(parameters)}): return {', '.join([repr(name), *names])}", namespace)
    return asset(**arguments)(namespace[name])


def edges(definitions: Definitions, key: str) -> list[tuple[str, str | None]]:
    return [(str(dep.key), dep.arg) for dep in definitions.get(key).deps]


def errors_of(definitions: Definitions) -> list[Any]:
    with pytest.raises(DefinitionErrors) as raised:
        definitions.validate()
    return raised.value.errors


# ---- names -----------------------------------------------------------------------------------------------------------


def test_a_parameter_is_an_asset_a_resource_or_its_default() -> None:
    defs = Definitions([made("orders"), made("revenue", "orders", "db", "factor=2")], resources={"db": "the db"})
    defs.validate()
    revenue: Any = defs.get("revenue")
    assert edges(defs, "revenue") == [("orders", "orders")]
    assert revenue.resource_args == ("db",)
    assert revenue.invoke(None, {"orders": [1]}, defs.resources) == ("revenue", [1], "the db", 2)


def test_the_same_asset_can_be_bound_differently_in_two_definitions() -> None:
    revenue = made("revenue", "orders")
    as_resource = Definitions([revenue], resources={"orders": 1})
    as_asset = Definitions([revenue, made("orders")])
    assert edges(as_resource, "revenue") == []
    assert edges(as_asset, "revenue") == [("orders", "orders")]


def test_an_annotated_resource_wins_over_an_asset_of_its_name() -> None:
    @asset
    def report(db: ResourceParam[str]) -> None: ...

    defs = Definitions([report, made("db")], resources={"db": "x"})
    assert edges(defs, "report") == []


def test_a_bare_name_finds_an_asset_with_the_same_prefix_or_group() -> None:
    defs = Definitions(
        [
            made("orders", key_prefix="sales"),
            made("revenue", "orders", key_prefix="sales"),
            made("costs", key_prefix=["finance", "raw"], group_name="money"),
            made("profit", "costs", group_name="money"),
        ]
    )
    defs.validate()
    assert edges(defs, "sales/revenue") == [("sales/orders", "orders")]
    assert edges(defs, "profit") == [("finance/raw/costs", "costs")]


def test_a_parameter_means_the_dependency_that_ends_in_its_name() -> None:
    revenue = made("revenue", "orders", deps=[AssetDep(["lake", "orders"])])
    defs = Definitions([revenue, AssetSpec(["lake", "orders"])])
    defs.validate()
    assert edges(defs, "revenue") == [("lake/orders", "orders")]


def test_an_undefined_dependency_is_external_and_takes_what_its_object_says() -> None:
    raw = SourceAsset("raw", partitions_def=DAILY)
    defs = Definitions([made("clean", deps=[raw, "ghost"], partitions_def=DAILY)])
    defs.validate()
    assert [str(node.key) for node in defs.assets] == ["ghost", "raw", "clean"]
    assert defs.get("raw").partitions_def == DAILY
    assert defs.get("ghost").is_external


def test_an_unlisted_upstream_made_elsewhere_stands_as_external() -> None:
    upstream = made("upstream", automation_condition=AutomationCondition.eager(), deps=["far"])
    defs = Definitions([made("downstream", deps=[upstream])])
    defs.validate()
    assert [str(node.key) for node in defs.assets] == ["upstream", "downstream"]


def test_edges_get_the_mapping_of_the_partitions_on_both_sides() -> None:
    takes_all = {"clean": AssetIn(partition_mapping=AllPartitionMapping())}
    defs = Definitions(
        [
            made("raw", partitions_def=DAILY),
            made("clean", "raw", partitions_def=DailyPartitionsDefinition("2026-02-01")),
            made("report", "clean"),
            made("sample", "clean", ins=takes_all, partitions_def=DAILY),
        ]
    )
    defs.validate()
    mappings = {str(node.key): node.deps[0].mapping for node in defs.assets if node.deps}
    assert mappings == {
        "clean": TimeWindowPartitionMapping(),
        "report": AllPartitionMapping(),
        "sample": AllPartitionMapping(),
    }


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_all_errors_are_reported_together_each_with_asset_line_and_advice() -> None:
    defs = Definitions(
        [
            made("orders_cleaned"),
            made("revenue", "orders_clean"),
            made("a", "b"),
            made("b", "a"),
            made("daily", partitions_def=DAILY),
            made("by_region", "daily", partitions_def=StaticPartitionsDefinition(["eu"])),
            made("orders_cleaned"),
            made("lake_table", io_manager_key="lake"),
        ],
        resources={"lake_io": InMemoryIOManager()},
    )
    duplicate, unknown, io_manager, cycle, partitions = errors_of(defs)
    assert isinstance(duplicate, DuplicateAsset)
    assert isinstance(unknown, UnknownDependency)
    assert "asset 'revenue' depends on 'orders_clean', which is not defined. Did you mean 'orders_cleaned'?" in str(
        unknown
    )
    assert "takes the resource 'lake', which is not defined. Did you mean 'lake_io'?" in str(io_manager)
    assert isinstance(cycle, CyclicDependencies)
    assert "'a' -> 'b' -> 'a'" in str(cycle)
    assert isinstance(partitions, PartitionsMismatch)
    assert (str(partitions.asset), str(partitions.upstream)) == ("by_region", "daily")


def test_each_of_several_cycles_is_reported_and_what_is_downstream_is_not() -> None:
    defs = Definitions([made("a", "a"), made("b", "c", "a"), made("c", "b"), made("d", "c")])
    assert [[str(key) for key in error.cycle] for error in errors_of(defs)] == [["a"], ["b", "c"]]


def test_a_condition_on_an_external_asset_is_refused() -> None:
    [error] = errors_of(Definitions([AssetSpec("raw", automation_condition=AutomationCondition.eager())]))
    assert "asset 'raw' is external, yet it has an automation_condition" in str(error)


def test_an_io_manager_must_be_one() -> None:
    defs = Definitions([made("a", io_manager_key="io")], resources={"io": FilesystemIOManager})
    [error] = errors_of(defs)
    assert "Give an object with the methods handle_output and load_input" in str(error)


def test_what_is_listed_must_be_an_asset() -> None:
    def plain() -> None: ...

    with pytest.raises(InvalidDefinitionError, match=r"neither an asset nor a check. Decorate it with @asset"):
        Definitions([plain])  # type: ignore[list-item]
    with pytest.raises(InvalidDefinitionError, match=r"Unpack it with a '\*'"):
        Definitions([[made("a")]])  # type: ignore[list-item]


# ---- use -------------------------------------------------------------------------------------------------------------


def test_definitions_merge_and_refuse_two_resources_of_one_name() -> None:
    db = object()
    one, two = Definitions([made("a")], resources={"db": db}), Definitions([made("b", "a", "db")], resources={"db": db})
    merged = Definitions.merge(one, two)
    merged.validate()
    assert edges(merged, "b") == [("a", "a")]
    with pytest.raises(InvalidDefinitionError, match="resource 'db' is not the same"):
        Definitions.merge(one, Definitions(resources={"db": object()}))


def test_an_unknown_asset_or_check_is_an_error_with_a_hint() -> None:
    defs = Definitions([made("orders")])
    with pytest.raises(InvalidInvocationError, match=r"there is no asset 'order'. Did you mean 'orders'"):
        defs.get("order")
    with pytest.raises(InvalidInvocationError, match="has no check 'fresh'"):
        defs.check("orders", "fresh")


def test_the_default_io_manager_keeps_files_in_the_home(tmp_path: Path) -> None:
    own = InMemoryIOManager()
    manager = Definitions().io_manager("io_manager", home=tmp_path)
    assert manager.base_dir == tmp_path / "storage"
    assert Definitions(resources={"io_manager": own}).io_manager("io_manager", home=tmp_path) is own


def test_assets_and_checks_are_found_in_modules() -> None:
    module: Any = ModuleType("pipelines")
    module.orders, module.same, module.number = made("orders"), None, 5
    module.same = module.orders
    module.several = [made("a", group_name="own"), made("b")]
    found = load_assets_from_modules([module], group_name="sales")
    assert [(str(one.key), one.group_name) for one in found] == [("orders", "sales"), ("a", "own"), ("b", "sales")]
    assert load_asset_checks_from_modules([module]) == []


def test_a_long_chain_is_bound_and_ordered_without_recursion() -> None:
    chain = [AssetSpec("a0"), *(AssetSpec(f"a{n}", deps=[f"a{n - 1}"]) for n in range(1, 3_000))]
    defs = Definitions(reversed(chain))
    defs.validate()
    assert [str(node.key) for node in defs.assets] == [f"a{n}" for n in range(3_000)]
    assert len(defs.graph.ancestors([chain[-1].key])) == 2_999
