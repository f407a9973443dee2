"""Assets that are pandas DataFrames. Comes with the extra `headwater[pandas]`."""

from __future__ import annotations

from .definitions.tables.parquet_io import PandasParquetIOManager as PandasParquetIOManager

__all__ = ["PandasParquetIOManager"]
