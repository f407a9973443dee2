"""Jobs: named pieces of work that are run as one, by hand, by a schedule or by a sensor.

This is what all jobs have in common. What a job does is said by its kind: a selection of assets, or a graph of ops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import InvalidDefinitionError, InvalidInvocationError
from .executors import checked_executor
from .labels import checked_owners, checked_tags
from .source import SourceLine

if TYPE_CHECKING:
    from .definitions import Definitions
    from .executors import ExecutorDefinition
    from .partitions.base import PartitionsDefinition
    from .partitions.config import PartitionedConfig


class JobDefinition:
    """A job: its name, what its runs are told and tagged with, and how they are executed.

    `tags` describe the job; its runs get `run_tags`, or `tags` where there are none. `config` is the run config of its
    runs where a request gives none. `hooks` run after each step, `op_retry_policy` holds for steps without their own.
    """

    kind: ClassVar[str] = "op"
    """What it runs, for the snapshot: a graph of ops, or a selection of assets ("asset")."""

    def __init__(
        self,
        name: str,
        *,
        description: str | None = None,
        config: Any = None,
        tags: Mapping[str, str] | None = None,
        run_tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        executor_def: Any = None,
        hooks: Iterable[Any] | None = None,
        op_retry_policy: Any = None,
        owners: Sequence[str] | None = None,
        source: SourceLine,
    ) -> None:
        self.name = name
        self.source = source
        self.description = description
        self.config = config
        self.tags: dict[str, str] = checked_tags(tags, owner=str(self), source=source)
        self.run_tags: dict[str, str] = (
            self.tags if run_tags is None else checked_tags(run_tags, owner=str(self), source=source)
        )
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.partitions_def: PartitionsDefinition | None = self._partitions(partitions_def)
        self.executor_def: ExecutorDefinition | None = checked_executor(executor_def, owner=str(self), source=source)
        self.hooks: tuple[Any, ...] = tuple(hooks or ())
        self.op_retry_policy = op_retry_policy
        self.owners: tuple[str, ...] = checked_owners(owners, owner=str(self), source=source)

    def within(self, definitions: Definitions) -> JobDefinition:
        """The job as `definitions` know it: what it needs of them to be run is at hand."""
        return self

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Any = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
    ) -> Any:
        """Run it here and now; what each kind of job can be told beside is said there."""
        raise NotImplementedError

    @property
    def partitioned_config(self) -> PartitionedConfig | None:
        """The config of the job where it differs by partition."""
        from .partitions.config import PartitionedConfig

        return self.config if isinstance(self.config, PartitionedConfig) else None

    def run_config_of(self, partition_key: str | None) -> Any:
        """The run config of a run of the job: that of its partition, where it differs by partition.

        Raises:
            InvalidInvocationError: it does, and no partition is named.
        """
        by_partition = self.partitioned_config
        if by_partition is None:
            return self.config
        if partition_key is None:
            raise InvalidInvocationError(f"{self} is told something else for each partition: name a partition_key.")
        return by_partition.get_run_config_for_partition_key(partition_key)

    def run_tags_of(self, partition_key: str | None) -> dict[str, str]:
        """The tags of a run of the job, those of its partition included."""
        by_partition = self.partitioned_config
        if by_partition is None or partition_key is None:
            return dict(self.run_tags)
        return {**self.run_tags, **by_partition.get_tags_for_partition_key(partition_key)}

    def _partitions(self, given: PartitionsDefinition | None) -> PartitionsDefinition | None:
        """The partitions of the job, which a config by partition may bring along."""
        by_partition = self.partitioned_config
        if by_partition is None:
            return given
        if given is not None and given != by_partition.partitions_def:
            raise InvalidDefinitionError(
                f"{self.source}: {self} has {given.describe()}, and its config has "
                f"{by_partition.partitions_def.describe()}. Leave partitions_def out: the job "
                "takes the partitions of its config."
            )
        return by_partition.partitions_def

    def __str__(self) -> str:
        return f"job {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"
