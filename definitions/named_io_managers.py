"""IO managers in the older spelling: `resources={"io_manager": fs_io_manager.configured({"base_dir": "data"})}`."""

from __future__ import annotations

from typing import Any

from .config_schema import Field, StringSource
from .io import InMemoryIOManager
from .resource_functions import io_manager


@io_manager(config_schema={"base_dir": Field(StringSource, is_required=False)})
def fs_io_manager(context: Any) -> Any:
    """A FilesystemIOManager; `base_dir` is a folder or the address of one (`s3://...`)."""
    from .filesystem_io import FilesystemIOManager

    return FilesystemIOManager((context.resource_config or {}).get("base_dir"))


@io_manager
def mem_io_manager() -> InMemoryIOManager:
    """An InMemoryIOManager, a new one for each run."""
    return InMemoryIOManager()
