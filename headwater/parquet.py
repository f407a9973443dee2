"""Tables in Parquet files, of pandas, Polars or pyarrow. Comes with the extra `headwater[parquet]`."""

from __future__ import annotations

from .definitions.tables.parquet_io import PandasParquetIOManager as PandasParquetIOManager
from .definitions.tables.parquet_io import PolarsParquetIOManager as PolarsParquetIOManager
from .definitions.tables.parquet_io import PyArrowParquetIOManager as PyArrowParquetIOManager

__all__ = ["PandasParquetIOManager", "PolarsParquetIOManager", "PyArrowParquetIOManager"]
