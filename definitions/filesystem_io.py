"""Values of assets in files: pickled, one file for each partition, replaced in one step.

Where the files are is said in `value_files.py`. Where a file stands in the place of a folder (the asset became
partitioned, or another key continues its path) it moves into the folder under VALUE, so that nothing is lost. A reader
sees the old value or the new one, never half of one, even if the writer is killed; a power cut can lose what was
written in the last seconds unless `fsync` is on.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ExecutionError
from .io import InputContext, IOManager, NotStored, OutputContext, load_partitions, parts_of
from .keys import AssetKey
from .value_files import base_folder, file_name, is_local, partition_parts, replacing, temporary_beside

if TYPE_CHECKING:
    from upath import UPath

    from .partitions.base import PartitionsDefinition

VALUE = ".value"  # parts of keys never begin with a dot here


class FilesystemIOManager(IOManager):
    """Pickles values below `base_dir`: a folder, an address such as `s3://bucket/values`, or an EnvVar that holds one.

    It defaults to `storage` in HEADWATER_HOME or `.headwater`. `fsync` is for folders of this machine.
    """

    def __init__(self, base_dir: str | os.PathLike[str] | UPath | None = None, *, fsync: bool = False) -> None:
        self._given = base_dir
        self.fsync = fsync

    @cached_property
    def base_dir(self) -> Any:
        return base_folder(self._given)

    def path_of(
        self, asset_key: AssetKey, partition: str | None = None, partitions_def: PartitionsDefinition | None = None
    ) -> Any:
        """Where a value is written, as long as nothing stands in the way."""
        parts = asset_key.path if partition is None else [*asset_key.path, *partition_parts(partitions_def, partition)]
        return self.base_dir.joinpath(*map(file_name, parts))

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        for partition, value in parts_of(context, obj):
            path = self.path_of(context.asset_key, partition, context.asset_partitions_def)
            data = _pickled(value, context.asset_key)
            context.add_output_metadata({"path": self._write(path, data)})

    def load_input(self, context: InputContext) -> Any:
        definition = context.asset_partitions_def
        return load_partitions(context, lambda key: self._read(self.path_of(context.asset_key, key, definition)))

    def _read(self, path: Any) -> Any:
        for candidate in (path, path / VALUE):
            try:
                data = candidate.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            return pickle.loads(data)
        raise NotStored

    def _write(self, path: Any, data: bytes) -> Any:
        """Put `data` at `path`, or inside it where that is a folder; returns where it is."""
        if not is_local(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(data)
            return path
        temporary = temporary_beside(path)
        try:
            try:
                self._write_file(temporary, data)
            except (FileNotFoundError, NotADirectoryError):  # the first value here: looking before each costs more
                self._make_folder(path.parent)
                self._write_file(temporary, data)
            try:
                os.replace(temporary, path)
            except IsADirectoryError:
                path = path / VALUE
                os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        return path

    def _write_file(self, path: str, data: bytes) -> None:
        with open(path, "wb") as file:
            file.write(data)
            if self.fsync:
                file.flush()
                os.fsync(file.fileno())

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            below = folder.relative_to(self.base_dir)
            for parent in [*reversed(below.parents), below]:
                self._move_into_folder(self.base_dir / parent)
            folder.mkdir(parents=True, exist_ok=True)

    def _move_into_folder(self, path: Path) -> None:
        """Turn the file at `path` into a folder that holds it as VALUE."""
        if not path.is_file():
            return
        aside = temporary_beside(path)
        os.replace(path, aside)
        path.mkdir(exist_ok=True)
        os.replace(aside, path / VALUE)


def _pickled(value: Any, asset_key: AssetKey) -> bytes:
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # user code: __reduce__ and __getstate__ raise what they like
        raise ExecutionError(
            f"the value of asset {str(asset_key)!r}, a {type(value).__name__}, cannot be pickled: {error}. "
            "Return something that can, or use another io_manager_key."
        ) from error
