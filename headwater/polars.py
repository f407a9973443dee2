"""Assets that are Polars DataFrames. Comes with the extra `headwater[polars]`."""

from __future__ import annotations

from .definitions.tables.parquet_io import PolarsParquetIOManager as PolarsParquetIOManager

__all__ = ["PolarsParquetIOManager"]
