"""DuckDB: tables as assets, and connections as a resource. Comes with the extra `headwater[duckdb]`."""

from __future__ import annotations

from .definitions.tables.duckdb_io import DuckDBIOManager as DuckDBIOManager
from .definitions.tables.duckdb_io import DuckDBPandasIOManager as DuckDBPandasIOManager
from .definitions.tables.duckdb_io import DuckDBPandasTypeHandler as DuckDBPandasTypeHandler
from .definitions.tables.duckdb_io import DuckDBPolarsIOManager as DuckDBPolarsIOManager
from .definitions.tables.duckdb_io import DuckDBPolarsTypeHandler as DuckDBPolarsTypeHandler
from .definitions.tables.duckdb_io import DuckDBPyArrowTypeHandler as DuckDBPyArrowTypeHandler
from .definitions.tables.duckdb_resource import DuckDBResource as DuckDBResource

__all__ = [
    "DuckDBIOManager",
    "DuckDBPandasIOManager",
    "DuckDBPandasTypeHandler",
    "DuckDBPolarsIOManager",
    "DuckDBPolarsTypeHandler",
    "DuckDBPyArrowTypeHandler",
    "DuckDBResource",
]
