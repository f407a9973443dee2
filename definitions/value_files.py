"""Where the files of stored values lie, and how one is replaced: what all IO managers that write files share.

The value of asset `a/b` is at `<base>/a/b`, that of its partition p at `<base>/a/b/p`, and that of a partition of
several dimensions at `<base>/a/b/<key of the first>/<key of the second>`, in the order of their names. The base is a
folder, or the address of one in any file system that fsspec knows, as `s3://bucket/values` or `memory://values`.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .env import is_reference, look_up
from .errors import InvalidConfigError
from .partitions.dimensions import keys_by_dimension

if TYPE_CHECKING:
    from .partitions.base import PartitionsDefinition

NAME_MAX = 200  # bytes: file systems end at 255, and a temporary name is longer

_temporary = itertools.count()


def file_name(part: str) -> str:
    """`part` as the name of one file: "/", a leading "." and the like as %XX, a long name shortened by its hash."""
    name = re.sub(r"[/\\\0%]|^\.", lambda match: f"%{ord(match.group()):02X}", part) or "%"
    if len(name.encode()) > NAME_MAX:
        from hashlib import sha256  # here, since it costs 10 ms to import

        name = f"{name[:40]}%{sha256(part.encode()).hexdigest()}"
    return name


def partition_parts(partitions_def: PartitionsDefinition | None, key: str) -> list[str]:
    """The folders and the file of a partition, below those of its asset."""
    return list(keys_by_dimension(partitions_def, key).values())


def base_folder(base_dir: Any) -> Any:
    """The base that is meant: a Path of this machine, or the UPath of another file system.

    None is the folder `storage` in HEADWATER_HOME or `.headwater`; an EnvVar is looked up.
    """
    if is_reference(base_dir):
        name = base_dir.env_var_name
        if (base_dir := look_up(name)) is None:
            raise InvalidConfigError([f"the environment variable {name!r}, which names the base folder, is not set."])
    if base_dir is None:
        return Path(os.environ.get("HEADWATER_HOME") or ".headwater") / "storage"
    if isinstance(base_dir, str) and "://" in base_dir:
        from upath import UPath

        return UPath(base_dir)
    return Path(base_dir) if isinstance(base_dir, (str, Path)) or not hasattr(base_dir, "fs") else base_dir


def is_local(path: Any) -> bool:
    return isinstance(path, Path)


def temporary_beside(path: str | os.PathLike[str]) -> str:
    """A name in the same folder that no key leads to."""
    return os.path.join(os.path.dirname(path), f".{os.getpid()}-{next(_temporary)}.tmp")


@contextmanager
def replacing(path: Any) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of `path` at the end of the block and not before.

    Where it raises, what was there stays. On other file systems than this machine's that is left to these: an object
    store shows an object when it is whole.
    """
    if not is_local(path):
        with path.open("wb") as file:
            yield file
        return
    temporary = temporary_beside(path)
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
