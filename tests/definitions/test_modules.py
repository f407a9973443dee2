"""Loading what modules define: prefixes and groups, packages, `@definitions`, the folder `defs`, factories in loops."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from headwater import (
    AssetKey,
    AssetSpec,
    BackfillPolicy,
    Definitions,
    InvalidDefinitionError,
    InvalidInvocationError,
    SourceAsset,
    asset,
    asset_check,
    define_asset_job,
    definitions,
    load_asset_checks_from_package_name,
    load_assets_from_modules,
    load_assets_from_package_name,
    load_definitions_from_modules,
    load_from_defs_folder,
    map_asset_specs,
    materialize,
    repository,
    schedule,
    sensor,
    with_resources,
)
from headwater.definitions.errors import DefinitionErrors
from headwater.definitions.loading import load_definitions

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file of the user's project, whose folder is on the path; forgets its modules afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__path__", getattr(sys.modules[name], "__file__", ""))):
            del sys.modules[name]


def module_of(**values: Any) -> ModuleType:
    module = ModuleType("flow")
    vars(module).update(values)
    return module


def keys(found: Any) -> list[str]:
    return sorted(str(node.key) for node in (found.assets if isinstance(found, Definitions) else found))


@asset
def orders() -> list[int]:
    return [3, 4]


@asset
def revenue(orders: list[int]) -> int:
    return sum(orders)


@asset(deps=[revenue])
def report() -> None: ...


@asset_check(asset=orders)
def not_empty(orders: list[int]) -> bool:
    return bool(orders)


def test_a_prefix_goes_before_each_key_and_dependencies_follow() -> None:
    module = module_of(orders=orders, revenue=revenue, report=report)
    loaded = load_assets_from_modules([module], key_prefix="sales")
    defs = Definitions(loaded)
    assert keys(defs) == ["sales/orders", "sales/report", "sales/revenue"]
    assert [str(dep.key) for dep in defs.get("sales/report").deps] == ["sales/revenue"]
    assert materialize(loaded).asset_value(AssetKey(["sales", "revenue"])) == 7


def test_a_backfill_policy_is_for_the_assets_that_have_none() -> None:
    @asset(backfill_policy=BackfillPolicy.multi_run(3))
    def own() -> None: ...

    module = module_of(orders=orders, own=own, raw=AssetSpec("raw"))
    loaded = load_assets_from_modules([module], backfill_policy=BackfillPolicy.single_run())
    snapshot = Definitions(loaded).snapshot().assets
    policies = {key: asset.backfill_policy for key, asset in snapshot.items()}
    assert policies == {"orders": BackfillPolicy.single_run(), "own": BackfillPolicy.multi_run(3), "raw": None}
    assert orders.backfill_policy is None, "the loaded asset is a copy"


def test_jobs_schedules_and_sensors_at_the_top_level_are_loaded_too() -> None:
    orders_job = define_asset_job("orders_job", "orders")

    @schedule("0 6 * * *", job=orders_job)
    def nightly() -> None: ...

    @sensor(job=orders_job)
    def looks() -> None: ...

    defs = load_definitions_from_modules([module_of(orders=orders, orders_job=orders_job, all=[nightly], looks=looks)])
    assert [*defs.jobs, *defs.schedules, *defs.sensors] == ["orders_job", "nightly", "looks"]
    assert not load_definitions_from_modules([module_of(looks=looks)]).is_empty


def test_source_assets_have_a_prefix_of_their_own() -> None:
    raw = SourceAsset("raw")

    @asset(deps=[raw])
    def clean() -> None: ...

    defs = Definitions(load_assets_from_modules([module_of(raw=raw, clean=clean)], source_key_prefix=["ext", "crm"]))
    assert keys(defs) == ["clean", "ext/crm/raw"]
    assert [str(dep.key) for dep in defs.get("clean").deps] == ["ext/crm/raw"]


def test_a_spec_next_to_the_asset_that_it_describes_is_no_second_definition() -> None:
    module = module_of(orders=orders, spec=AssetSpec("orders"), other=AssetSpec("other"))
    assert keys(load_assets_from_modules([module])) == ["orders", "other"]
    assert keys(load_assets_from_modules([module], include_specs=False)) == ["orders"]


def test_a_package_is_loaded_with_all_below_it(write: Write) -> None:
    write("shop/__init__.py", "")
    write("shop/raw.py", "from headwater import asset\n@asset\ndef orders(): return 1\n")
    write("shop/deep/__init__.py", "")
    write(
        "shop/deep/checks.py",
        """
        from headwater import asset, asset_check
        @asset
        def customers(): return 2
        @asset_check(asset="customers")
        def known(): return True
        """,
    )
    assert keys(load_assets_from_package_name("shop")) == ["customers", "orders"]
    assert [check.name for check in load_asset_checks_from_package_name("shop")] == ["known"]
    with pytest.raises(InvalidInvocationError, match=r"shop\.raw is a module and no package"):
        load_assets_from_package_name("shop.raw")


def test_definitions_of_modules_hold_assets_and_checks() -> None:
    defs = load_definitions_from_modules([module_of(orders=orders, not_empty=not_empty)], resources={"x": 1})
    assert keys(defs) == ["orders"]
    assert [check.name for check in defs.asset_checks] == ["not_empty"]
    assert defs.resources == {"x": 1}


def test_a_function_under_definitions_runs_when_they_are_loaded(write: Write) -> None:
    write(
        "flow.py",
        """
        from headwater import Definitions, asset, definitions
        calls = []
        @asset
        def orders(): ...
        @definitions
        def defs():
            calls.append(1)
            return Definitions(assets=[orders])
        """,
    )
    loaded = load_definitions(module="flow")
    assert keys(loaded) == ["orders"]
    assert sys.modules["flow"].calls == [1]


def test_what_goes_wrong_in_such_a_function_is_told_with_its_line(write: Write) -> None:
    write("wrong.py", "from headwater import definitions\n@definitions\ndef defs():\n    return 1 / 0\n")
    write("none.py", "from headwater import definitions\n@definitions\ndef defs():\n    return 5\n")
    with pytest.raises(InvalidDefinitionError, match=r"wrong\.py:4: .*ZeroDivisionError"):
        load_definitions(module="wrong")
    with pytest.raises(DefinitionErrors, match=r"none\.py:2: defs\(\) returned 5\. Return Definitions"):
        load_definitions(module="none")


def test_the_room_that_is_called_definitions_is_the_decorator_too() -> None:
    import headwater.definitions as room

    assert room is definitions
    assert isinstance(definitions(lambda: Definitions()).load(), Definitions)


def test_a_repository_is_the_definitions_of_a_list() -> None:
    @repository
    def shop() -> list[Any]:
        return [[orders, revenue], not_empty, Definitions(resources={"x": 1})]

    assert keys(shop.load()) == ["orders", "revenue"]
    assert shop.load().resources == {"x": 1}


def test_the_folder_defs_is_loaded_whole(write: Write) -> None:
    write("pyproject.toml", "")
    here = write("src/shop/definitions.py", "").parent
    write("src/shop/__init__.py", "")
    write("src/shop/defs/__init__.py", "")
    write("src/shop/defs/sales/orders.py", "from headwater import asset\n@asset\ndef orders(): return 1\n")
    write(
        "src/shop/defs/resources.py",
        """
        from headwater import Definitions, definitions
        @definitions
        def defs(): return Definitions(resources={"db": "sqlite"})
        """,
    )
    for start in (here, here.parent.parent):
        loaded = load_from_defs_folder(path_within_project=start)
        assert keys(loaded) == ["orders"]
        assert loaded.resources == {"db": "sqlite"}
    write("src/shop/defs/x/defs.yaml", "type: x")
    with pytest.raises(InvalidDefinitionError, match=r"defs\.yaml: definitions in YAML are not read"):
        load_from_defs_folder(path_within_project=here)


def test_a_project_without_the_folder_says_where_it_was_looked_for(write: Write) -> None:
    here = write("pyproject.toml", "").parent
    with pytest.raises(InvalidInvocationError, match="there is no folder 'defs' in the project of"):
        load_from_defs_folder(path_within_project=here)


def test_assets_made_by_a_factory_in_a_loop_are_assets_of_their_own() -> None:
    def table(name: str) -> Any:
        @asset(name=name, group_name="raw")
        def made() -> str:
            return name

        return made

    tables = [table(name) for name in ("orders", "customers")]
    loaded = load_assets_from_modules([module_of(tables=tables)])
    assert keys(loaded) == ["customers", "orders"]
    assert materialize(loaded).output_for_node("customers") == "customers"


def test_specs_are_mapped_one_by_one() -> None:
    mapped = map_asset_specs(
        lambda spec: spec.merge_attributes(tags={"layer": "raw"}, kinds={"python"}).replace_attributes(
            group_name="shop"
        ),
        [orders, AssetSpec("other")],
    )
    assert [(dict(one.spec.tags), one.spec.kinds, one.spec.group) for one in mapped] == [
        ({"layer": "raw"}, ("python",), "shop")
    ] * 2
    assert orders.spec.group == "default"


def test_assets_bring_resources_and_io_managers_along() -> None:
    class Memory:
        def __init__(self) -> None:
            self.values: dict[str, Any] = {}

        def handle_output(self, context: Any, obj: Any) -> None:
            self.values[str(context.asset_key)] = obj

        def load_input(self, context: Any) -> Any:
            return self.values[str(context.asset_key)]

    memory = Memory()

    @asset(resource_defs={"factor": 3}, io_manager_def=memory, required_resource_keys={"factor"})
    def numbers(context: Any) -> int:
        return 2 * context.resources.factor

    assert materialize([numbers]).success
    assert memory.values == {"numbers": 6}
    with pytest.raises(InvalidDefinitionError, match="brings a resource 'factor' that is not the one"):
        Definitions([numbers], resources={"factor": 4})


def test_resources_go_to_the_assets_that_need_them() -> None:
    @asset
    def scaled(factor: int) -> int:
        return factor * 2

    (bound, plain) = with_resources([scaled, orders], {"factor": 5, "other": 1})
    assert bound.resource_defs == {"factor": 5}
    assert plain.resource_defs == {}
    assert materialize([bound]).output_for_node("scaled") == 10


def test_merged_definitions_may_repeat_a_resource_that_is_equal() -> None:
    one, two = Definitions([orders], resources={"tags": {"a": 1}}), Definitions([revenue], resources={"tags": {"a": 1}})
    assert keys(Definitions.merge(one, two)) == ["orders", "revenue"]
    with pytest.raises(InvalidDefinitionError, match="the resource 'tags' is not the same"):
        Definitions.merge(one, Definitions(resources={"tags": {"a": 2}}))
