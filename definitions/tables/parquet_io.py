"""IO managers that keep tables in Parquet files, through the writers and readers of pandas, Polars and pyarrow.

>>> from headwater.parquet import PandasParquetIOManager
>>> defs = Definitions([orders], resources={"io_manager": PandasParquetIOManager(base_dir="data/tables")})

One file for each asset or partition, at the path that `value_files.py` says, with the extension `.parquet`. A file on
this machine is replaced in one step. `AssetIn(metadata={"columns": [...]})` reads these columns only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ExecutionError
from ..io import InputContext, OutputContext
from ..resources import ConfigurableIOManager
from ..table_schema import COLUMN_SCHEMA, PARTITION_ROW_COUNT, ROW_COUNT
from ..upath_io import UPathIOManager
from ..value_files import replacing
from .extras import need
from .frame_schema import frame_rows, frame_schema

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from upath import UPath

COLUMNS = "columns"


class _ParquetIOManager(ConfigurableIOManager, UPathIOManager):
    """What the three below share. `base_dir` is a folder or the address of one."""

    base_dir: str | None = None

    extension: ClassVar[str | None] = ".parquet"
    libraries: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    marks: ClassVar[tuple[str, ...]]
    """Methods of which a table that can be stored has one."""

    def model_post_init(self, context: Any, /) -> None:
        super().model_post_init(context)
        need(*self.libraries, extra=self.extra, needed_by=type(self).__name__)

    @property
    def _base_path(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.base_dir

    def dump_to_path(self, context: OutputContext, obj: Any, path: UPath) -> None:
        if not any(hasattr(obj, method) for method in self.marks):
            raise ExecutionError(
                f"asset {str(context.asset_key)!r} returned a {type(obj).__name__}, but {type(self).__name__} stores "
                f"tables of {self.libraries[0]}. Return one, or use another io_manager_key."
            )
        with replacing(path) as file:
            self.write_table(obj, file)

    def load_from_path(self, context: InputContext, path: UPath) -> Any:
        columns = context.metadata.get(COLUMNS)
        with path.open("rb") as file:
            return self.read_table(file, None if columns is None else list(columns))

    def get_metadata(self, context: OutputContext, obj: Any) -> Mapping[str, Any]:
        count = PARTITION_ROW_COUNT if context.has_asset_partitions else ROW_COUNT
        metadata: dict[str, Any] = {COLUMN_SCHEMA: frame_schema(obj)}
        if (rows := frame_rows(obj)) is not None:
            metadata[count] = rows
        return metadata

    @abstractmethod
    def write_table(self, table: Any, file: Any) -> None:
        """Write a table to an open file."""

    @abstractmethod
    def read_table(self, file: Any, columns: list[str] | None) -> Any:
        """The table in an open file, of these columns or all."""


class PandasParquetIOManager(_ParquetIOManager):
    """Stores pandas DataFrames, with their index where it is more than a count."""

    libraries: ClassVar[tuple[str, ...]] = ("pandas", "pyarrow")
    extra: ClassVar[str] = "pandas"
    marks: ClassVar[tuple[str, ...]] = ("to_parquet",)

    def write_table(self, table: pandas.DataFrame, file: Any) -> None:
        table.to_parquet(file)

    def read_table(self, file: Any, columns: list[str] | None) -> pandas.DataFrame:
        import pandas

        return pandas.read_parquet(file, columns=columns)


class PolarsParquetIOManager(_ParquetIOManager):
    """Stores Polars DataFrames; a LazyFrame is collected first."""

    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    extra: ClassVar[str] = "polars"
    marks: ClassVar[tuple[str, ...]] = ("write_parquet",)

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        super().handle_output(context, obj.collect() if hasattr(obj, "collect") else obj)

    def write_table(self, table: polars.DataFrame, file: Any) -> None:
        table.write_parquet(file)

    def read_table(self, file: Any, columns: list[str] | None) -> polars.DataFrame:
        import polars

        return polars.read_parquet(file, columns=columns)


class PyArrowParquetIOManager(_ParquetIOManager):
    """Stores pyarrow Tables."""

    libraries: ClassVar[tuple[str, ...]] = ("pyarrow",)
    extra: ClassVar[str] = "parquet"
    marks: ClassVar[tuple[str, ...]] = ("to_pylist",)

    def write_table(self, table: pyarrow.Table, file: Any) -> None:
        from pyarrow import parquet

        parquet.write_table(table, file)

    def read_table(self, file: Any, columns: list[str] | None) -> pyarrow.Table:
        from pyarrow import parquet

        return parquet.read_table(file, columns=columns)
