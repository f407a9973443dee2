"""IO managers and resources for tables, each for a library that is an extra: DuckDB, pyarrow, pandas, Polars.

None of these libraries is imported before it is used. Users import from `headwater.duckdb` and its siblings.
"""
