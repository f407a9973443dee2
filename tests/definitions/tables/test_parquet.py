"""Tables in Parquet files: each library's own writer, paths, columns, and what is said of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from headwater import (
    AssetIn,
    AssetKey,
    DailyPartitionsDefinition,
    ExecutionError,
    InMemoryIOManager,
    InputContext,
    Instance,
    OutputContext,
    asset,
    materialize,
)
from headwater.definitions.tables import extras
from headwater.pandas import PandasParquetIOManager
from headwater.parquet import PyArrowParquetIOManager
from headwater.polars import PolarsParquetIOManager

DATA = {"id": [1, 2], "name": ["x", "y"]}
EACH = [
    pytest.param(PandasParquetIOManager, pd.DataFrame(DATA), id="pandas"),
    pytest.param(PolarsParquetIOManager, pl.DataFrame(DATA), id="polars"),
    pytest.param(PyArrowParquetIOManager, pa.table(DATA), id="pyarrow"),
]


def as_dict(table: Any) -> dict[str, list[Any]]:
    names = table.column_names if isinstance(table, pa.Table) else table.columns
    return {name: table[name].to_numpy().tolist() for name in names}


@pytest.mark.parametrize("remote", [False, True], ids=["folder", "address"])
@pytest.mark.parametrize(("manager", "table"), EACH)
def test_a_table_comes_back_with_the_columns_that_are_asked_for(
    tmp_path: Path, manager: Any, table: Any, remote: bool
) -> None:
    @asset(key_prefix="shop")
    def orders() -> Any:
        return table

    @asset(ins={"orders": AssetIn(["shop", "orders"])}, io_manager_key="plain")
    def whole(orders: Any) -> Any:
        return orders

    @asset(ins={"orders": AssetIn(["shop", "orders"], metadata={"columns": ["id"]})}, io_manager_key="plain")
    def ids(orders: Any) -> Any:
        return orders

    base = "memory://test_parquet" if remote else str(tmp_path / "tables")
    resources = {"io_manager": manager(base_dir=base), "plain": InMemoryIOManager()}
    run = materialize([orders, whole, ids], resources=resources)
    assert type(run.output_for_node("whole")) is type(table)
    assert as_dict(run.output_for_node("whole")) == DATA
    assert as_dict(run.output_for_node("ids")) == {"id": [1, 2]}
    said = run.asset_materializations_for_node("orders")[0].metadata
    assert said["headwater/row_count"].value == 2
    assert [column["name"] for column in said["headwater/column_schema"].value["columns"]] == ["id", "name"]
    assert said["path"].value.endswith("shop/orders.parquet")


@pytest.mark.parametrize(("manager", "table"), EACH)
def test_each_partition_is_a_file_and_several_are_a_dict(tmp_path: Path, manager: Any, table: Any) -> None:
    days = DailyPartitionsDefinition("2024-01-01")

    @asset(partitions_def=days)
    def orders() -> Any:
        return table

    @asset(io_manager_key="plain")
    def known(orders: dict[str, Any]) -> list[str]:
        return sorted(orders)

    resources = {"io_manager": manager(base_dir=str(tmp_path)), "plain": InMemoryIOManager()}
    with Instance.ephemeral() as instance:
        for key in ("2024-01-01", "2024-01-02"):
            materialize([orders], partition_key=key, resources=resources, instance=instance)
        run = materialize([orders, known], selection="known", resources=resources, instance=instance)
    assert run.output_for_node("known") == ["2024-01-01", "2024-01-02"]
    assert sorted(path.name for path in (tmp_path / "orders").iterdir()) == ["2024-01-01.parquet", "2024-01-02.parquet"]


def test_a_lazy_frame_is_collected(tmp_path: Path) -> None:
    @asset
    def orders() -> Any:
        return pl.LazyFrame(DATA)

    run = materialize([orders], resources={"io_manager": PolarsParquetIOManager(base_dir=str(tmp_path))})
    assert run.asset_materializations_for_node("orders")[0].metadata["headwater/row_count"].value == 2
    assert pl.read_parquet(tmp_path / "orders.parquet").to_dict(as_series=False) == DATA


def _half_written(table: Any, file: Any) -> None:
    file.write(b"PAR1")
    raise OSError("no space")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = PyArrowParquetIOManager(base_dir=str(tmp_path))
    context = OutputContext(asset_key=AssetKey("orders"))
    manager.handle_output(context, pa.table(DATA))
    with pytest.raises(ExecutionError, match="returned a int, but PyArrowParquetIOManager stores tables of pyarrow"):
        manager.handle_output(context, 5)
    monkeypatch.setattr(parquet, "write_table", _half_written)
    with pytest.raises(OSError, match="no space"):
        manager.handle_output(context, pa.table({"id": [3]}))
    assert [path.name for path in tmp_path.iterdir()] == ["orders.parquet"]
    assert manager.load_input(InputContext(asset_key=AssetKey("orders"), name="orders")).to_pydict() == DATA


def test_a_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"PolarsParquetIOManager needs polars.*pip install 'headwater\[polars\]'"):
        PolarsParquetIOManager(base_dir="x")
