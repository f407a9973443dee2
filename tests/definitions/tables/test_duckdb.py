"""DuckDB tables as assets: which rows are replaced and read, in which table, and what is said of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from headwater import AssetIn, Definitions, EnvVar, ExecutionError, asset, materialize
from headwater.definitions.io import InputContext, NoStoredValue, OutputContext
from headwater.definitions.keys import AssetKey
from headwater.definitions.lifecycle import build_resources
from headwater.definitions.partitions import DailyPartitionsDefinition, HourlyPartitionsDefinition
from headwater.definitions.partitions.static import StaticPartitionsDefinition
from headwater.definitions.tables import duckdb_resource, extras
from headwater.definitions.tables.duckdb_resource import connected
from headwater.duckdb import (
    DuckDBIOManager,
    DuckDBPandasIOManager,
    DuckDBPandasTypeHandler,
    DuckDBPolarsIOManager,
    DuckDBPolarsTypeHandler,
    DuckDBPyArrowTypeHandler,
    DuckDBResource,
)

DAYS = DailyPartitionsDefinition("2024-01-01")
BY_DAY = {"partition_expr": "day"}
ORDERS = AssetKey(["shop", "orders"])


class Tables:
    """An IO manager outside of a run, and a look at its database."""

    def __init__(self, manager: DuckDBIOManager) -> None:
        self.manager = manager

    def store(self, table: Any, *, keys: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
        context = OutputContext(asset_key=ORDERS, partition_keys=keys, **arguments)
        with build_resources({"io": self.manager}) as resources:
            resources.io.handle_output(context, table)
        return {name: value.value for name, value in context.added_metadata.items()}

    def load(self, *, keys: list[str] | None = None, upstream: Any = None, **arguments: Any) -> Any:
        context = InputContext(
            asset_key=ORDERS, name="orders", partition_keys=keys, upstream_metadata=upstream, **arguments
        )
        with build_resources({"io": self.manager}) as resources:
            return resources.io.load_input(context)

    def rows(self, query: str) -> list[Any]:
        with connected(self.manager.database, {}) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(DuckDBPandasIOManager(database=str(tmp_path / "new" / "shop.duckdb")))


def days(*each: str) -> pd.DataFrame:
    return pd.DataFrame({"day": [date.fromisoformat(day) for day in each], "amount": range(len(each))})


# ---- whole tables ----------------------------------------------------------------------------------------------------


def test_a_table_comes_back_and_is_replaced_with_its_columns(tables: Tables) -> None:
    tables.store(pd.DataFrame({"a": [1, 2]}))
    tables.store(pd.DataFrame({"b": ["x"], "c": [0.5]}))
    assert tables.load().to_dict("records") == [{"b": "x", "c": 0.5}]
    assert tables.load(metadata={"columns": ["c"]}).columns.tolist() == ["c"]


def test_what_is_said_of_a_table_is_its_rows_its_columns_and_its_name(tables: Tables) -> None:
    said = tables.store(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    assert said["headwater/row_count"] == 2
    assert said["headwater/table_name"] == "shop.orders"
    assert [(c["name"], c["type"]) for c in said["headwater/column_schema"]["columns"]] == [
        ("a", "bigint"),
        ("b", "varchar"),
    ]


@pytest.mark.parametrize(
    ("key", "metadata", "configured", "schema"),
    [
        (["shop", "orders"], {}, None, "shop"),
        (["x", "shop", "orders"], {}, None, "shop"),
        (["orders"], {}, None, "public"),
        (["shop", "orders"], {}, "mine", "mine"),
        (["shop", "orders"], {"schema": "own"}, "mine", "own"),
        (['a"b; drop', "orders"], {}, None, 'a"b; drop'),
    ],
)
def test_the_schema_is_that_of_the_metadata_of_the_manager_or_of_the_key(
    tmp_path: Path, key: list[str], metadata: dict[str, str], configured: str | None, schema: str
) -> None:
    manager = DuckDBPandasIOManager(database=str(tmp_path / "x.duckdb"), schema=configured)
    context = OutputContext(asset_key=AssetKey(key), metadata=metadata)
    with build_resources({"io": manager}) as resources:
        resources.io.handle_output(context, pd.DataFrame({"a": [1]}))
    found = Tables(manager).rows("select table_schema from information_schema.tables where table_name = 'orders'")
    assert found == [(schema,)]


def test_a_table_that_is_not_there_names_the_asset_and_the_way_out(tables: Tables) -> None:
    with pytest.raises(NoStoredValue, match="takes the value of 'shop/orders' as its argument 'orders'"):
        tables.load()
    assert tables.load(value_optional=True) is None


def test_another_value_than_a_table_is_refused_with_what_is_stored(tables: Tables) -> None:
    with pytest.raises(ExecutionError, match=r"returned a list, but DuckDBPandasIOManager stores pandas\.DataFrame"):
        tables.store([1, 2])


# ---- partitions ------------------------------------------------------------------------------------------------------


def test_a_partition_that_is_made_again_replaces_its_own_rows_only(tables: Tables) -> None:
    of_days: dict[str, Any] = {"partitions_def": DAYS, "metadata": BY_DAY}
    tables.store(days("2024-01-01", "2024-01-01"), keys=["2024-01-01"], **of_days)
    tables.store(days("2024-01-02"), keys=["2024-01-02"], **of_days)
    said = tables.store(days("2024-01-01"), keys=["2024-01-01"], **of_days)
    assert said["headwater/partition_row_count"] == 1
    assert "headwater/row_count" not in said
    assert tables.rows("select day, count(*) from shop.shop.orders group by day order by day") == [
        (date(2024, 1, 1), 1),
        (date(2024, 1, 2), 1),
    ]
    assert len(tables.load(keys=["2024-01-02"], partitions_def=DAYS, upstream=BY_DAY)) == 1


def test_several_partitions_are_one_table_both_ways(tables: Tables) -> None:
    keys = ["2024-01-01", "2024-01-02", "2024-01-05"]
    tables.store(days(*keys), keys=keys, partitions_def=DAYS, metadata=BY_DAY)
    tables.store(days("2024-01-03"), keys=["2024-01-03"], partitions_def=DAYS, metadata=BY_DAY)
    loaded = tables.load(keys=["2024-01-02", "2024-01-03", "2024-01-05"], partitions_def=DAYS, upstream=BY_DAY)
    assert sorted(str(day)[:10] for day in loaded.day) == ["2024-01-02", "2024-01-03", "2024-01-05"]
    assert len(tables.load(keys=[], partitions_def=DAYS, upstream=BY_DAY)) == 0


@pytest.mark.parametrize("values", [[1, 2], ["1", "2"]], ids=["integers", "texts"])
def test_static_partitions_are_told_by_the_key(tables: Tables, values: list[Any]) -> None:
    of_regions: dict[str, Any] = {"partitions_def": StaticPartitionsDefinition(["1", "2"])}
    for key, value in zip("12", values, strict=True):
        for _ in range(2):
            frame = pd.DataFrame({"region": [value]})
            tables.store(frame, keys=[key], metadata={"partition_expr": "region"}, **of_regions)
    assert len(tables.load()) == 2
    assert tables.load(keys=["2"], upstream={"partition_expr": "region"}, **of_regions).region.tolist() == [values[1]]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["2024-01-01 23:30:00", "2024-01-02 00:00:00"]),
        pd.to_datetime(pd.Series(["2024-01-01 23:30:00", "2024-01-02 00:00:00"])),
        pd.to_datetime(pd.Series(["2024-01-02 04:30:00", "2024-01-02 05:00:00"])).dt.tz_localize("UTC"),
    ],
    ids=["texts", "clock times", "instants"],
)
def test_windows_of_time_are_those_of_the_partitions_own_zone(tables: Tables, column: Any) -> None:
    days_there = DailyPartitionsDefinition("2024-01-01", timezone="America/New_York")
    frame = pd.DataFrame({"at": column, "n": [1, 2]})
    metadata = {"partition_expr": "at"}
    tables.store(frame, keys=["2024-01-01", "2024-01-02"], partitions_def=days_there, metadata=metadata)
    for key, number in [("2024-01-01", 1), ("2024-01-02", 2)]:
        assert tables.load(keys=[key], partitions_def=days_there, upstream=metadata).n.tolist() == [number]


def test_hours_are_half_open(tables: Tables) -> None:
    hours = HourlyPartitionsDefinition("2024-01-01-00:00")
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-01 00:59:59", "2024-01-01 01:00:00"])})
    key = "2024-01-01-00:00"
    tables.store(frame, keys=[key, "2024-01-01-01:00"], partitions_def=hours, metadata={"partition_expr": "at"})
    assert len(tables.load(keys=[key], partitions_def=hours, upstream={"partition_expr": "at"})) == 1


def test_a_partitioned_table_must_say_how_its_rows_tell_their_partition(tables: Tables) -> None:
    with pytest.raises(ExecutionError, match=r"asset 'shop/orders' is partitioned.*add metadata=\{'partition_expr'"):
        tables.store(days("2024-01-01"), keys=["2024-01-01"], partitions_def=DAYS)


def test_a_failed_write_leaves_the_old_rows(tables: Tables) -> None:
    of_days: dict[str, Any] = {"keys": ["2024-01-01"], "partitions_def": DAYS, "metadata": BY_DAY}
    tables.store(days("2024-01-01"), **of_days)
    with pytest.raises(duckdb.Error):
        tables.store(days("2024-01-01").assign(unknown=1), **of_days)
    assert tables.rows("select count(*) from shop.shop.orders") == [(1,)]


def test_rows_of_other_partitions_are_told_of(tables: Tables, caplog: pytest.LogCaptureFixture) -> None:
    tables.store(days("2024-01-01", "2024-01-02"), keys=["2024-01-01"], partitions_def=DAYS, metadata=BY_DAY)
    assert "1 rows do not belong to the partitions that were made (2024-01-01)" in caplog.text


# ---- libraries and connections ---------------------------------------------------------------------------------------


class Mixed(DuckDBIOManager):
    @staticmethod
    def type_handlers() -> Any:
        return [DuckDBPandasTypeHandler(), DuckDBPolarsTypeHandler(), DuckDBPyArrowTypeHandler()]

    @staticmethod
    def default_load_type() -> type | None:
        return pa.Table


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), pl.LazyFrame({"a": [1]}), pa.table({"a": [1]})],
    ids=["pandas", "polars", "lazy", "pyarrow"],
)
def test_a_manager_may_store_tables_of_several_libraries(tmp_path: Path, table: Any) -> None:
    tables = Tables(Mixed(database=str(tmp_path / "x.duckdb")))
    tables.store(table)
    assert tables.load().to_pylist() == [{"a": 1}]


def test_polars_frames_come_back_as_such(tmp_path: Path) -> None:
    tables = Tables(DuckDBPolarsIOManager(database=str(tmp_path / "x.duckdb")))
    frame = pl.DataFrame({"a": [1], "at": [datetime(2024, 1, 1, tzinfo=UTC)]})
    tables.store(frame)
    assert tables.load().select("a").equals(frame.select("a"))


def test_assets_share_a_database_in_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "shop.duckdb"))
    database = EnvVar("SHOP_DATABASE")

    @asset(key_prefix="shop")
    def orders() -> pd.DataFrame:
        return pd.DataFrame({"id": [1, 2], "amount": [3, 4]})

    @asset(ins={"orders": AssetIn(["shop", "orders"], metadata={"columns": ["amount"]})})
    def revenue(orders: pd.DataFrame) -> pd.DataFrame:
        return orders.sum().to_frame().T

    @asset(deps=[revenue])
    def report(duckdb: DuckDBResource) -> None:
        with duckdb.get_connection() as connection:
            assert connection.execute("select * from shop.public.revenue").fetchall() == [(7,)]

    resources = {"io_manager": DuckDBPandasIOManager(database=database), "duckdb": DuckDBResource(database=database)}
    assert Definitions([orders, revenue, report], resources=resources).errors() == []
    assert materialize([orders, revenue, report], resources=resources).success


def test_a_database_that_stays_open_elsewhere_is_an_error_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(**_: Any) -> Any:
        raise duckdb.IOException("IO Error: Could not set lock on file")

    monkeypatch.setattr(duckdb, "connect", locked)
    monkeypatch.setattr(duckdb_resource, "WAIT_S", 0)
    with (
        pytest.raises(ExecutionError, match="is still open in another process after 0 s"),
        connected(str(tmp_path / "x.duckdb"), {}, wait_s=0),
    ):
        pass


def test_a_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"DuckDBResource needs duckdb.*pip install 'headwater\[duckdb\]'"):
        DuckDBResource(database="x.duckdb")
