"""Values of assets in files: pickled, one file for each partition, replaced in one step.

The value of asset `a/b` is at `<base>/a/b`, that of its partition p at `<base>/a/b/p`, and that of a partition of
several dimensions in a folder for each but the last of them. Where a file stands in the place
of a folder (the asset became partitioned, or another key continues its path) it moves into the folder under VALUE, so
that nothing is lost. A reader sees the old value or the new one, never half of one, even if the writer is killed; a
power cut can lose what was written in the last seconds unless `fsync` is on.
"""

from __future__ import annotations

import itertools
import os
import pickle
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import ExecutionError
from .io import InputContext, IOManager, NotStored, OutputContext, load_partitions
from .keys import AssetKey

VALUE = ".value"  # parts of keys never begin with a dot here
NAME_MAX = 200  # bytes: file systems end at 255, and a temporary name is longer

_temporary = itertools.count()


class FilesystemIOManager(IOManager):
    """Pickles values below `base_dir`, which defaults to `storage` in HEADWATER_HOME or `.headwater`."""

    def __init__(self, base_dir: str | os.PathLike[str] | None = None, *, fsync: bool = False) -> None:
        self.base_dir = Path(base_dir if base_dir is not None else _home() / "storage")
        self.fsync = fsync

    def path_of(self, asset_key: AssetKey, partition: str | None = None) -> Path:
        """Where a value is written, as long as nothing stands in the way."""
        dimensions = getattr(partition, "keys_by_dimension", None)  # of a MultiPartitionKey
        keys = [] if partition is None else [partition] if dimensions is None else [*dimensions.values()]
        parts = [*asset_key.path, *keys]
        return self.base_dir.joinpath(*map(_file_name, parts))

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        keys = context.asset_partition_keys if context.has_asset_partitions else (None,)
        if len(keys) != 1:
            raise ExecutionError(
                f"asset {str(context.asset_key)!r} returned one value for {len(keys)} partitions. Annotate its "
                "function with -> None and store the parts yourself, or use another io_manager_key."
            )
        path = self.path_of(context.asset_key, keys[0])
        try:
            data = pickle.dumps(obj, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:  # user code: __reduce__ and __getstate__ raise what they like
            raise ExecutionError(
                f"the value of asset {str(context.asset_key)!r}, a {type(obj).__name__}, cannot be pickled: {error}. "
                "Return something that can, or use another io_manager_key."
            ) from error
        context.add_output_metadata({"path": self._write(path, data)})

    def load_input(self, context: InputContext) -> Any:
        return load_partitions(context, lambda partition: self._read(self.path_of(context.asset_key, partition)))

    def _read(self, path: Path) -> Any:
        for candidate in (path, path / VALUE):
            try:
                data = candidate.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                continue
            return pickle.loads(data)
        raise NotStored

    def _write(self, path: Path, data: bytes) -> Path:
        """Put `data` at `path`, or inside it where that is a folder; returns where it is."""
        temporary = os.path.join(path.parent, f".{os.getpid()}-{next(_temporary)}.tmp")
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
        aside = path.parent / f".{os.getpid()}-{next(_temporary)}.tmp"
        os.replace(path, aside)
        path.mkdir(exist_ok=True)
        os.replace(aside, path / VALUE)


def _file_name(part: str) -> str:
    """`part` as the name of one file: "/", a leading "." and the like as %XX, a long name shortened by its hash."""
    name = re.sub(r"[/\\\0%]|^\.", lambda match: f"%{ord(match.group()):02X}", part) or "%"
    if len(name.encode()) > NAME_MAX:
        from hashlib import sha256  # here, since it costs 10 ms to import

        name = f"{name[:40]}%{sha256(part.encode()).hexdigest()}"
    return name


def _home() -> Path:
    return Path(os.environ.get("HEADWATER_HOME") or ".headwater")
