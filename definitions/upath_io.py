"""The base of IO managers that keep each value in a file of some format, on any file system that fsspec knows.

>>> class CsvIOManager(UPathIOManager):
...     extension = ".csv"
...     def dump_to_path(self, context, obj, path):
...         path.write_text(obj)
...     def load_from_path(self, context, path):
...         return path.read_text()
>>> defs = Definitions([orders], resources={"csv": CsvIOManager("s3://bucket/values")})

Where the files are is said in `value_files.py`; the extension comes after the last part. A value for several partitions
is a mapping of their keys, and so is one that is loaded. With typed fields: derive from ConfigurableIOManager as well
and give the base as the property `_base_path`.
"""

from __future__ import annotations

import inspect
import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .io import InputContext, IOManager, NotStored, OutputContext, load_partitions, parts_of
from .value_files import base_folder, file_name, partition_parts

if TYPE_CHECKING:
    from upath import UPath


class UPathIOManager(IOManager):
    """See the top of this module. Without a base it is `storage` in HEADWATER_HOME or `.headwater`."""

    extension: ClassVar[str | None] = None
    """Of all files, with its dot; None for files without one."""

    def __init__(self, base_path: str | os.PathLike[str] | UPath | None = None) -> None:
        self._base_path = base_path

    @abstractmethod
    def dump_to_path(self, context: OutputContext, obj: Any, path: UPath) -> None:
        """Write one value to `path`, whose folder is there."""

    @abstractmethod
    def load_from_path(self, context: InputContext, path: UPath) -> Any:
        """The value at `path`, or a coroutine that comes to it. A FileNotFoundError says that there is none."""

    def get_metadata(self, context: OutputContext, obj: Any) -> Mapping[str, Any]:
        """What is to be said of a value that was stored, beside its path."""
        return {}

    def get_asset_relative_path(self, context: InputContext | OutputContext) -> UPath:
        """The path of an asset below the base, without extension."""
        from upath import UPath

        return UPath(*map(file_name, context.asset_key.path))

    def get_path_for_partition(self, context: InputContext | OutputContext, path: UPath, partition: str) -> UPath:
        """The path of a partition, without extension; `path` is that of its asset."""
        return path.joinpath(*map(file_name, partition_parts(context.asset_partitions_def, partition)))

    def make_directory(self, path: UPath) -> None:
        path.mkdir(parents=True, exist_ok=True)

    def path_exists(self, path: UPath) -> bool:
        return path.exists()

    def get_path(self, context: InputContext | OutputContext, partition: str | None = None) -> UPath:
        """Where the value of an asset, or of one of its partitions, is."""
        path = self._base().joinpath(*self.get_asset_relative_path(context).parts)
        if partition is not None:
            path = self.get_path_for_partition(context, path, partition)
        return path.with_name(path.name + self.extension) if self.extension else path

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        for partition, value in parts_of(context, obj):
            path = self.get_path(context, partition)
            self.make_directory(path.parent)
            self.dump_to_path(context, value, path)
            context.add_output_metadata({"path": path, **self.get_metadata(context, value)})

    def load_input(self, context: InputContext) -> Any:
        return load_partitions(context, lambda partition: self._load(context, self.get_path(context, partition)))

    def _load(self, context: InputContext, path: UPath) -> Any:
        if not self.path_exists(path):
            raise NotStored
        try:
            value = self.load_from_path(context, path)
            return _awaited(value) if inspect.iscoroutine(value) else value
        except FileNotFoundError:
            raise NotStored from None

    def _base(self) -> UPath:
        from upath import UPath

        return UPath(base_folder(getattr(self, "_base_path", None)))


def _awaited(coroutine: Any) -> Any:
    import asyncio

    return asyncio.run(coroutine)
