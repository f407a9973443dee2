"""An instance: the log that a run in this process writes to, and the home folder that its values are kept in.

`Instance.local(folder)` is the log of a project, which its daemon follows too. `Instance.ephemeral()` forgets
everything when it is closed or let go of: tests and experiments use it, and `materialize` without an instance does.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..definitions.errors import InvalidInvocationError
from ..definitions.io import InMemoryIOManager, IOManager
from ..definitions.keys import AssetKey, CoercibleToAssetKey
from . import dynamic_partitions
from .asset_queries import AssetQueries
from .check_queries import CheckQueries
from .clock import SystemClock
from .entries import EventLogEntry
from .events import BackfillRequested, Target
from .ids import SystemIds
from .log import EventLog
from .memory import MemoryStore
from .reports import Reports
from .run_queries import RunQueries
from .wakeup import LocalWakeups

HOME_VARIABLE = "HEADWATER_HOME"


class Instance(AssetQueries, CheckQueries, RunQueries, Reports):
    """A log and a home. `io_manager` is the default one where values are not to go into files of the home.

    What it tells of assets is in `AssetQueries`, of checks in `CheckQueries`, of runs in `RunQueries`; what is reported
    to it in `Reports`.

    >>> with Instance.ephemeral() as empty:
    ...     offset = empty.report_runless_asset_event(AssetMaterialization("orders", metadata={"rows": 3}))
    ...     empty.get_latest_materialization_event("orders").asset_materialization.metadata["rows"].value
    3
    """

    def __init__(self, log: EventLog, home: Path, *, io_manager: IOManager | None = None) -> None:
        self.log: EventLog = log
        self.home: Path = home
        self.io_manager: IOManager | None = io_manager
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._dynamic = dynamic_partitions.DynamicKeys()

    @classmethod
    def ephemeral(cls) -> Instance:
        """A log and values that live in memory only."""
        log = EventLog(MemoryStore(), LocalWakeups(), clock=SystemClock(), ids=SystemIds())
        return cls(log, Path(), io_manager=InMemoryIOManager())

    @classmethod
    def local(cls, home: Path | str) -> Instance:
        """The instance of a home folder, which is made if it is not there yet."""
        folder = Path(home).absolute()
        return cls(EventLog.open(folder), folder)

    @classmethod
    def get(cls) -> Instance:
        """The instance of the home that the environment variable HEADWATER_HOME names.

        Raises:
            InvalidInvocationError: it is not set.
        """
        home = os.environ.get(HOME_VARIABLE)
        if not home:
            raise InvalidInvocationError(
                f"Instance.get() needs the environment variable {HOME_VARIABLE}, the folder of the log. Set it, or use "
                "Instance.local(folder)."
            )
        return cls.local(home)

    @classmethod
    def local_temp(cls, tempdir: Path | str | None = None) -> Instance:
        """An instance of files in a folder for once: `tempdir`, or a new one that is deleted when it is closed."""
        if tempdir is not None:
            return cls.local(tempdir)
        folder = tempfile.TemporaryDirectory(prefix="headwater-")
        instance = cls.local(folder.name)
        instance._folder = folder
        return instance

    @property
    def is_ephemeral(self) -> bool:
        return self.io_manager is not None

    def materializations_after(self, asset_key: CoercibleToAssetKey, offset: int) -> list[EventLogEntry]:
        """The materializations of an asset behind an offset of the log, oldest first."""
        key = str(AssetKey.of(asset_key))
        found = self.log.query(asset_key=key, types=["asset_materialized"], after=offset, limit=10_000)
        return list(map(EventLogEntry.of, found))

    def add_backfill(
        self,
        partitions: Mapping[AssetKey | str, Iterable[str] | None],
        *,
        title: str = "",
        tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
    ) -> str:
        """Have the daemon make these partitions of these assets, each after what it reads; returns the backfill's id.

        By the key of each asset stand its partition keys; None is the whole of an unpartitioned asset.

        >>> with Instance.ephemeral() as instance:
        ...     backfill_id = instance.add_backfill({"orders": ["2024-01-01", "2024-01-02"], "total": None})
        """
        targets = tuple(
            Target(asset_key=str(AssetKey.of(key)), partitions=None if keys is None else tuple((k, k) for k in keys))
            for key, keys in partitions.items()
        )
        request = BackfillRequested(
            backfill_id=SystemIds().new_id(),
            targets=targets,
            title=title,
            tags=dict(tags or {}),
            run_config=dict(run_config or {}),
        )
        self.log.append([request])
        return request.backfill_id

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        """Add keys to the dynamic partitions of a name; those that are there already stay as they are.

        Raises:
            InvalidDefinitionError: one of them cannot be a partition key; none is added.
        """
        dynamic_partitions.add(self.log, partitions_def_name, partition_keys, known=self._dynamic)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Delete a key; if it is added again, what was known of it is there again. One that is not there stays so."""
        dynamic_partitions.delete(self.log, partitions_def_name, [partition_key], known=self._dynamic)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        return self._dynamic.catch_up(self.log).has(partitions_def_name, partition_key)

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of a name, in the order in which they were added."""
        return self._dynamic.catch_up(self.log).get_dynamic_partitions(partitions_def_name)

    def close(self) -> None:
        self.log.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Instance:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
