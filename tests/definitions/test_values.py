"""Stored values and specs, as users ask a `Definitions` for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater import (
    AssetKey,
    AssetSpec,
    ConfigurableResource,
    DefinitionErrors,
    Definitions,
    ExecutionError,
    Instance,
    InvalidInvocationError,
    IOManager,
    StaticPartitionsDefinition,
    asset,
    materialize,
)
from headwater.definitions.errors import UnknownPartition

LETTERS = StaticPartitionsDefinition(["a", "b", "c"])


@asset
def one() -> int:
    return 1


@asset
def two(one: int) -> int:
    return one + 1


@asset(partitions_def=LETTERS)
def letters(context: Any) -> str:
    return context.partition_key.upper()


DEFS = Definitions(assets=[two, one, letters])


@pytest.mark.parametrize("how", ["ephemeral", "local"])
def test_a_value_is_loaded_from_where_a_run_of_the_instance_stored_it(how: str, tmp_path: Path) -> None:
    with Instance.ephemeral() if how == "ephemeral" else Instance.local(tmp_path / "home") as instance:
        materialize([one, two], instance=instance)
        assert DEFS.load_asset_value("two", instance=instance) == 2
        assert DEFS.load_asset_value(AssetKey("one"), int, instance) == 1
        with pytest.raises(InvalidInvocationError, match="is a int, not a str"):
            DEFS.load_asset_value("one", str, instance)


def test_a_partitioned_value_is_one_partition_or_all_that_were_made(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance:
        for key in ("a", "c"):
            materialize([letters], instance=instance, partition_key=key)
        with DEFS.get_asset_value_loader(instance) as loader:
            assert loader.load_asset_value("letters", partition_key="c") == "C"
            assert loader.load_asset_value("letters") == {"a": "A", "c": "C"}
            with pytest.raises(UnknownPartition, match="'z'"):
                loader.load_asset_value("letters", partition_key="z")
            with pytest.raises(InvalidInvocationError, match="has no partitions"):
                loader.load_asset_value("one", partition_key="a")


def test_without_an_instance_the_home_of_the_environment_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Instance.local(tmp_path) as instance:
        materialize([one], instance=instance)
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))
    assert DEFS.load_asset_value("one") == 1


def test_what_was_never_stored_is_an_error_that_says_so(tmp_path: Path) -> None:
    with Instance.local(tmp_path) as instance, pytest.raises(ExecutionError, match="not been materialized yet"):
        DEFS.load_asset_value("one", instance=instance)


def test_the_io_manager_of_the_definitions_loads_and_its_resources_are_closed() -> None:
    seen: list[str] = []

    class Shelf(ConfigurableResource):
        def setup_for_execution(self, context: Any) -> None:
            seen.append("opened")

        def teardown_after_execution(self, context: Any) -> None:
            seen.append("closed")

    class FromShelf(IOManager):
        def handle_output(self, context: Any, obj: Any) -> None: ...

        def load_input(self, context: Any) -> Any:
            assert context.resources.shelf is not None
            return context.asset_key.to_user_string()

    definitions = Definitions(assets=[one], resources={"io_manager": FromShelf(), "shelf": Shelf()})
    assert definitions.load_asset_value("one") == "one"
    assert seen == ["opened", "closed"]


def test_specs_and_keys_are_of_all_assets_upstream_first() -> None:
    definitions = Definitions(assets=[two, one, AssetSpec("seen", deps=["elsewhere"])])
    assert [str(key) for key in definitions.resolve_all_asset_keys()] == ["elsewhere", "one", "seen", "two"]
    specs = definitions.resolve_all_asset_specs()
    assert [str(spec.key) for spec in specs] == ["elsewhere", "one", "seen", "two"]
    assert definitions.get_all_asset_specs() == specs
    assert definitions.resolve_assets_def("two").key == AssetKey("two")
    assert definitions.resolve_asset_graph().parents(AssetKey("two")) == [AssetKey("one")]
    with pytest.raises(InvalidInvocationError, match="'seen' is external"):
        definitions.resolve_assets_def("seen")


def test_a_graph_that_does_not_fit_together_is_not_resolved() -> None:
    with pytest.raises(DefinitionErrors):
        Definitions(assets=[one, one, AssetSpec("one")]).resolve_asset_graph()
