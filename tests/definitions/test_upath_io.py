"""IO managers over any file system: paths, formats of one's own, several partitions, values that are not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from headwater import (
    AssetIn,
    ConfigurableIOManager,
    DailyPartitionsDefinition,
    EnvVar,
    ExecutionError,
    FilesystemIOManager,
    Instance,
    InvalidConfigError,
    UPathIOManager,
    asset,
    fs_io_manager,
    materialize,
    materialize_to_memory,
    mem_io_manager,
)
from headwater.definitions.io import InputContext, NoStoredValue, OutputContext
from headwater.definitions.keys import AssetKey

ORDERS = AssetKey(["shop", "orders"])


class JsonIOManager(UPathIOManager):
    extension = ".json"

    def dump_to_path(self, context: OutputContext, obj: Any, path: UPath) -> None:
        path.write_text(json.dumps(obj))

    def load_from_path(self, context: InputContext, path: UPath) -> Any:
        return json.loads(path.read_text())

    def get_metadata(self, context: OutputContext, obj: Any) -> dict[str, Any]:
        return {"characters": len(json.dumps(obj))}


class AsyncJsonIOManager(JsonIOManager):
    async def load_from_path(self, context: InputContext, path: UPath) -> Any:
        return json.loads(path.read_text())


class ConfiguredJsonIOManager(ConfigurableIOManager, JsonIOManager):
    base_dir: str

    @property
    def _base_path(self) -> UPath:  # pyright: ignore[reportIncompatibleVariableOverride]
        return UPath(self.base_dir)


def made_by(kind: Any, base: str) -> Any:
    return kind(base_dir=base) if kind is ConfiguredJsonIOManager else kind(base)


@pytest.fixture(params=["folder", "address"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "values") if request.param == "folder" else f"memory://{tmp_path.name}"


@pytest.mark.parametrize("kind", [FilesystemIOManager, JsonIOManager, AsyncJsonIOManager, ConfiguredJsonIOManager])
def test_values_and_partitions_come_back_from_any_file_system(base: str, kind: Any) -> None:
    manager = made_by(kind, base)
    days = DailyPartitionsDefinition("2024-01-01")

    @asset(key_prefix="shop", partitions_def=days)
    def orders(context: Any) -> list[str]:
        return [context.partition_key]

    @asset(ins={"orders": AssetIn(["shop", "orders"])})
    def known(orders: dict[str, list[str]]) -> list[str]:
        return sorted(orders)

    with Instance.ephemeral() as instance:
        for key in ("2024-01-01", "2024-01-02"):
            made = materialize([orders], partition_key=key, resources={"io_manager": manager}, instance=instance)
        run = materialize([orders, known], selection="known", resources={"io_manager": manager}, instance=instance)
    assert run.output_for_node("known") == ["2024-01-01", "2024-01-02"]
    path = made.asset_materializations_for_node("orders")[0].metadata["path"].value
    assert path.endswith(f"shop/orders/2024-01-02{manager.extension if hasattr(manager, 'extension') else ''}")
    assert UPath(path).exists()


def test_what_a_manager_says_of_a_value_is_in_the_event(base: str) -> None:
    context = OutputContext(asset_key=ORDERS)
    JsonIOManager(base).handle_output(context, [1, 2])
    assert context.added_metadata["characters"].value == len("[1, 2]")


def test_a_key_with_dots_keeps_them_before_the_extension(tmp_path: Path) -> None:
    manager = JsonIOManager(tmp_path)
    manager.handle_output(OutputContext(asset_key=AssetKey("v1.2"), partition_keys=["a.b"]), 1)
    assert (tmp_path / "v1.2" / "a.b.json").read_text() == "1"


@pytest.mark.parametrize("kind", [FilesystemIOManager, JsonIOManager])
def test_a_value_for_several_partitions_is_a_dict_of_their_keys(base: str, kind: Any) -> None:
    manager = kind(base)
    manager.handle_output(OutputContext(asset_key=ORDERS, partition_keys=["a", "b"]), {"a": 1, "b": 2})
    assert manager.load_input(InputContext(asset_key=ORDERS, name="orders", partition_keys=["b"])) == 2
    both = InputContext(asset_key=ORDERS, name="orders", partition_keys=["a", "b"])
    assert manager.load_input(both) == {"a": 1, "b": 2}
    with pytest.raises(ExecutionError, match="one value for 2 partitions"):
        manager.handle_output(OutputContext(asset_key=ORDERS, partition_keys=["a", "b"]), {"a": 1})


@pytest.mark.parametrize("kind", [FilesystemIOManager, JsonIOManager])
def test_a_value_that_is_not_there_names_the_cause(base: str, kind: Any) -> None:
    with pytest.raises(NoStoredValue, match="there is none"):
        kind(base).load_input(InputContext(asset_key=ORDERS, name="orders"))


def test_the_base_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = FilesystemIOManager(EnvVar("VALUES_ARE_AT"))
    monkeypatch.setenv("VALUES_ARE_AT", str(tmp_path))
    assert manager.base_dir == tmp_path
    with pytest.raises(InvalidConfigError, match="'NOT_SET_AT_ALL', which names the base folder, is not set"):
        _ = FilesystemIOManager(EnvVar("NOT_SET_AT_ALL")).base_dir


# ---- the older names, and everything in memory -----------------------------------------------------------------------


@asset(io_manager_key="files")
def numbers() -> list[int]:
    return [1, 2]


@asset(io_manager_key="memory")
def total(numbers: list[int]) -> int:
    return sum(numbers)


def test_io_managers_in_the_older_spelling(tmp_path: Path) -> None:
    resources = {"files": fs_io_manager.configured({"base_dir": str(tmp_path)}), "memory": mem_io_manager}
    assert materialize([numbers, total], resources=resources).output_for_node("total") == 3
    assert (tmp_path / "numbers").is_file()


def test_to_memory_nothing_is_written_where_the_assets_would_write_it(tmp_path: Path) -> None:
    class Refuses(FilesystemIOManager):
        def handle_output(self, context: OutputContext, obj: Any) -> None:
            raise AssertionError("written")

    @asset(io_manager_def=Refuses(tmp_path))
    def own() -> int:
        return 5

    run = materialize_to_memory([numbers, total, own], resources={"files": Refuses(tmp_path)})
    assert (run.output_for_node("total"), run.output_for_node("own")) == (3, 5)
    assert list(tmp_path.iterdir()) == []
