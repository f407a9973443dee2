"""IO managers that keep tables in a DuckDB database: each asset is a table, each partition some of its rows.

>>> import pandas
>>> from headwater.duckdb import DuckDBPandasIOManager
>>> @asset(partitions_def=DailyPartitionsDefinition("2024-01-01"), metadata={"partition_expr": "day"})
... def orders(context) -> pandas.DataFrame: ...
>>> defs = Definitions([orders], resources={
...     "io_manager": DuckDBPandasIOManager(database="data/shop.duckdb", schema="shop")})

Which table and which rows: see `slices.py`. A whole asset replaces its table; partitions are deleted and inserted in
one transaction, so that a reader sees the old rows or the new ones. An input of several partitions is one table.
`AssetIn(metadata={"columns": [...]})` reads these columns only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ..errors import ExecutionError
from ..io import InputContext, IOManager, NoStoredValue, OutputContext
from ..lifecycle import InitResourceContext
from ..resources import ConfigurableIOManagerFactory
from ..table_schema import COLUMN_SCHEMA, PARTITION_ROW_COUNT, ROW_COUNT, TABLE_NAME, TableColumn, TableSchema
from .duckdb_resource import connected
from .extras import need
from .slices import Condition, TableSlice

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FRAME = "headwater_frame"  # the table in memory, as the connection knows it
_NO_ROWS = Condition("false")


class TableTypeHandler:
    """How tables of one library come out of DuckDB and go into it. `type_name` is the type's full name."""

    library: str
    type_name: str

    def handles(self, kind: Any) -> bool:
        return any(f"{one.__module__.partition('.')[0]}.{one.__name__}" == self.type_name for one in kind.__mro__)

    def to_duckdb(self, table: Any) -> Any:
        """`table` as something that DuckDB can read."""
        return table

    def from_duckdb(self, result: Any) -> Any:
        """The result of a query."""
        raise NotImplementedError


class DuckDBPandasTypeHandler(TableTypeHandler):
    library: str = "pandas"
    type_name: str = "pandas.DataFrame"

    def from_duckdb(self, result: Any) -> Any:
        return result.df()


class DuckDBPolarsTypeHandler(TableTypeHandler):
    """A LazyFrame is collected."""

    library: str = "polars"
    type_name: str = "polars.DataFrame"

    def handles(self, kind: Any) -> bool:
        return super().handles(kind) or kind.__name__ == "LazyFrame"

    def to_duckdb(self, table: Any) -> Any:
        return (table.collect() if hasattr(table, "collect") else table).to_arrow()

    def from_duckdb(self, result: Any) -> Any:
        import polars

        return polars.from_arrow(result.to_arrow_table())


class DuckDBPyArrowTypeHandler(TableTypeHandler):
    library: str = "pyarrow"
    type_name: str = "pyarrow.Table"

    def from_duckdb(self, result: Any) -> Any:
        return result.to_arrow_table()


class DuckDBIOManager(ConfigurableIOManagerFactory[IOManager]):
    """Base of the two below: derive from it to store tables of several libraries.

    `type_handlers` says which; loaded are tables of `default_load_type`, or of the first.
    """

    database: str
    connection_config: dict[str, Any] = Field(default_factory=dict)
    schema_: str | None = Field(default=None, alias="schema")

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        libraries = [handler.library for handler in self.type_handlers()]
        need("duckdb", *libraries, extra="duckdb,pandas,polars", needed_by=type(self).__name__)

    @staticmethod
    @abstractmethod
    def type_handlers() -> Sequence[TableTypeHandler]: ...

    @staticmethod
    def default_load_type() -> type | None:
        return None

    def create_io_manager(self, context: InitResourceContext) -> IOManager:
        return _DuckDBTables(self)


class DuckDBPandasIOManager(DuckDBIOManager):
    """Stores and loads pandas DataFrames; an index is not stored."""

    @staticmethod
    def type_handlers() -> Sequence[TableTypeHandler]:
        return [DuckDBPandasTypeHandler()]


class DuckDBPolarsIOManager(DuckDBIOManager):
    """Stores and loads Polars DataFrames."""

    @staticmethod
    def type_handlers() -> Sequence[TableTypeHandler]:
        return [DuckDBPolarsTypeHandler()]


class _DuckDBTables(IOManager):
    """The IO manager of one run."""

    def __init__(self, settings: DuckDBIOManager) -> None:
        self._settings = settings
        self._handlers = list(settings.type_handlers())

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        handler = next((one for one in self._handlers if one.handles(type(obj))), None)
        if handler is None:
            known = " or ".join(one.type_name for one in self._handlers)
            raise ExecutionError(
                f"asset {str(context.asset_key)!r} returned a {type(obj).__name__}, but "
                f"{type(self._settings).__name__} stores {known}. Return one of these, or use another io_manager_key."
            )
        table = TableSlice.of(context, schema=self._settings.schema_)
        with connected(self._settings.database, self._settings.connection_config) as connection:
            table = table.in_catalog(_catalog(connection))
            connection.register(FRAME, handler.to_duckdb(obj))
            connection.execute("BEGIN TRANSACTION")
            stray = _replaced(connection, table)
            connection.execute("COMMIT")
            context.add_output_metadata(_described(connection, table))
        if stray:
            context.log.warning(
                "asset %r: %s rows do not belong to the partitions that were made (%s); made again, they will be there "
                "twice. Filter them out, or correct the metadata partition_expr.",
                str(context.asset_key),
                stray,
                ", ".join(table.partition_keys or ()),
            )

    def load_input(self, context: InputContext) -> Any:
        import duckdb

        table = TableSlice.of(context, schema=self._settings.schema_)
        with connected(self._settings.database, self._settings.connection_config) as connection:
            table = table.in_catalog(_catalog(connection))
            try:
                condition = table.condition(lambda expression: _type_of(connection, expression, table.name))
                query = f"SELECT {table.select_list} FROM {table.name}"
                if condition is not None:
                    query += f" WHERE {condition.sql}"
                result = connection.sql(query, params=list(condition.parameters) if condition else None)
            except duckdb.CatalogException as error:
                if "does not exist" not in str(error):
                    raise
                if context.value_optional:
                    return None
                raise NoStoredValue(context, partition=None) from error
            return self._loader().from_duckdb(result)

    def _loader(self) -> TableTypeHandler:
        wanted = self._settings.default_load_type()
        return next((one for one in self._handlers if wanted and one.handles(wanted)), self._handlers[0])


def _replaced(connection: DuckDBPyConnection, table: TableSlice) -> int:
    """Put the rows of FRAME in the place of those of `table`; returns how many of them do not belong there."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.schema_name}")
    condition = table.condition(lambda expression: _type_of(connection, expression, FRAME))
    if condition is None:
        connection.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM {FRAME}")
        return 0
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table.name} AS SELECT * FROM {FRAME} WITH NO DATA")
    old = table.condition(lambda expression: _type_of(connection, expression, table.name)) or _NO_ROWS
    connection.execute(f"DELETE FROM {table.name} WHERE {old.sql}", old.parameters)
    connection.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM {FRAME}")
    return _first(connection, f"SELECT count(*) FROM {FRAME} WHERE ({condition.sql}) IS NOT TRUE", condition.parameters)


def _catalog(connection: DuckDBPyConnection) -> str:
    """The database that is open: a schema may have its name, and then both must be said."""
    return _first(connection, "SELECT current_database()")


def _type_of(connection: DuckDBPyConnection, expression: str, relation: str) -> str:
    return _first(connection, f"SELECT column_type FROM (DESCRIBE SELECT {expression} FROM {relation})")


def _first(connection: DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> Any:
    """The one value of a query; all of it is fetched, since the connection is busy until then."""
    return connection.execute(query, parameters).fetchall()[0][0]


def _described(connection: DuckDBPyConnection, table: TableSlice) -> dict[str, Any]:
    """Metadata of what was stored."""
    count = _first(connection, f"SELECT count(*) FROM {FRAME}")
    columns = connection.execute(f"DESCRIBE SELECT * FROM {table.name}").fetchall()
    return {
        ROW_COUNT if table.partition_keys is None else PARTITION_ROW_COUNT: count,
        COLUMN_SCHEMA: TableSchema([TableColumn(name, kind.lower()) for name, kind, *_ in columns]),
        TABLE_NAME: f"{table.schema}.{table.table}",
    }
