"""IO managers: the shapes of inputs, values that are not there, and files that are never half written."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from headwater.definitions.errors import ExecutionError
from headwater.definitions.io import FilesystemIOManager, InMemoryIOManager, InputContext, NoStoredValue, OutputContext
from headwater.definitions.keys import AssetKey
from headwater.definitions.partitions import AllPartitionMapping, IdentityPartitionMapping

RAW = AssetKey("raw")


@pytest.fixture(params=["files", "memory"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return FilesystemIOManager(tmp_path) if request.param == "files" else InMemoryIOManager()


def store(manager: Any, value: Any, *, key: AssetKey = RAW, partition: str | None = None) -> OutputContext:
    context = OutputContext(asset_key=key, partition_keys=None if partition is None else [partition])
    manager.handle_output(context, value)
    return context


def load(manager: Any, *, key: AssetKey = RAW, partitions: list[str] | None = None, **arguments: Any) -> Any:
    arguments = {"name": "raw", "for_asset": AssetKey("clean"), **arguments}
    return manager.load_input(InputContext(asset_key=key, partition_keys=partitions, **arguments))


# ---- shapes ----------------------------------------------------------------------------------------------------------


def test_a_value_comes_back(manager: Any) -> None:
    store(manager, [1, 2])
    store(manager, [3])
    assert load(manager) == [3]


def test_one_partition_gives_the_bare_value_and_several_a_dict(manager: Any) -> None:
    for partition in "abc":
        store(manager, partition.upper(), partition=partition)
    assert load(manager, partitions=["b"]) == "B"
    assert load(manager, partitions=["a", "c"]) == {"a": "A", "c": "C"}


def test_no_partition_gives_none_key_by_key_and_an_empty_dict_for_all(manager: Any) -> None:
    assert load(manager, partitions=[], mapping=IdentityPartitionMapping()) is None
    assert load(manager, partitions=[], mapping=AllPartitionMapping()) == {}


def test_a_missing_value_names_the_cause_and_the_way_out(manager: Any) -> None:
    with pytest.raises(NoStoredValue) as raised:
        load(manager, partitions=["a"])
    message = str(raised.value)
    assert (
        "asset 'clean' takes the value of 'raw' as its argument 'raw', but there is none for partition 'a'" in message
    )
    assert "has not been materialized yet for partition 'a', or it returned no value" in message
    assert "deps=['raw']" in message
    with pytest.raises(NoStoredValue, match="is annotated to return no value"):
        load(manager, upstream_returns_nothing=True)


def test_a_missing_value_is_none_where_the_asset_is_also_a_dependency(manager: Any) -> None:
    store(manager, "A", partition="a")
    assert load(manager, value_optional=True) is None
    assert load(manager, partitions=["a", "b"], value_optional=True) == {"a": "A", "b": None}


def test_missing_partitions_can_be_allowed(manager: Any) -> None:
    store(manager, "A", partition="a")
    with pytest.raises(NoStoredValue):
        load(manager, partitions=["a", "b"])
    assert load(manager, partitions=["a", "b"], metadata={"allow_missing_partitions": True}) == {"a": "A"}


# ---- files -----------------------------------------------------------------------------------------------------------


def test_files_lie_under_the_parts_of_the_key(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    context = store(manager, 1, key=AssetKey(["sales", "orders"]), partition="2026-01-01")
    assert context.added_metadata["path"].value == str(tmp_path / "sales" / "orders" / "2026-01-01")
    assert (tmp_path / "sales" / "orders" / "2026-01-01").is_file()


@pytest.mark.parametrize("part", ["..", "/etc/passwd", ".", "a/b", "%2E", "", "x" * 300, "é" * 200, ".hidden", "a\0b"])
def test_no_key_leaves_the_base_or_meets_another(tmp_path: Path, part: str) -> None:
    manager = FilesystemIOManager(tmp_path / "base")
    for number, partition in enumerate([part, f"{part}2"]):
        store(manager, number, partition=partition)
    assert load(manager, partitions=[part]) == 0
    assert load(manager, partitions=[f"{part}2"]) == 1
    assert len([path for path in (tmp_path / "base" / "raw").iterdir() if path.is_file()]) == 2


def test_an_asset_that_becomes_partitioned_keeps_its_old_value(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    store(manager, "whole")
    store(manager, "A", partition="a")
    assert load(manager) == "whole"
    assert load(manager, partitions=["a"]) == "A"
    store(manager, "whole again")
    assert load(manager) == "whole again"


def test_a_key_that_continues_another_does_not_disturb_it(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1, key=AssetKey("a"))
    store(manager, 3, key=AssetKey(["a", "b", "c"]))
    store(manager, 2, key=AssetKey(["a", "b"]))
    assert [load(manager, key=AssetKey(["a", "b", "c"][:length])) for length in (1, 2, 3)] == [1, 2, 3]


def test_a_failed_write_leaves_the_old_value_and_no_litter(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    store(manager, "old")
    with pytest.raises(ExecutionError, match="the value of asset 'raw', a lock, cannot be pickled"):
        store(manager, threading.Lock())
    assert load(manager) == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_a_folder_that_was_removed_meanwhile_is_made_again(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path / "base", fsync=True)
    store(manager, 1, partition="a")
    (tmp_path / "base" / "raw" / "a").unlink()
    (tmp_path / "base" / "raw").rmdir()
    store(manager, 2, partition="a")
    assert load(manager, partitions=["a"]) == 2


def test_one_value_for_several_partitions_is_refused(tmp_path: Path) -> None:
    manager = FilesystemIOManager(tmp_path)
    with pytest.raises(ExecutionError, match=r"one value for 2 partitions. Return a dict"):
        manager.handle_output(OutputContext(asset_key=RAW, partition_keys=["a", "b"]), 1)


def test_the_default_folder_is_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path))
    assert FilesystemIOManager().base_dir == tmp_path / "storage"
