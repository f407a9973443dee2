"""What the function of an op sees of the run that it is part of."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..context import Resources, StepContext
from ..errors import InvalidInvocationError
from ..metadata import MetadataValue, normalize_metadata
from .ports import RESULT

if TYPE_CHECKING:
    from ..partitions.base import PartitionsDefinition

PARTITION_TAG = "headwater/partition"
"""The tag of a run of a job of ops that says which partition it is for."""


class OpExecutionContext(StepContext):
    """The context of the function of an op."""

    def __init__(
        self,
        *,
        op_name: str = "",
        step_key: str = "",
        job_name: str | None = None,
        run_id: str = "",
        partition_keys: Sequence[str] | None = None,
        partitions_def: PartitionsDefinition | None = None,
        mapping_key: str | None = None,
        retry_number: int = 0,
        resources: Mapping[str, Any] | None = None,
        log: logging.Logger | None = None,
        run_tags: Mapping[str, str] | None = None,
        run_config: Mapping[str, Any] | None = None,
        op_config: Any = None,
        instance: Any = None,
    ) -> None:
        super().__init__(
            asset_key=None,
            run_id=run_id,
            partition_keys=partition_keys,
            partitions_def=partitions_def,
            resources=resources,
            log=log,
            run_tags=run_tags,
            run_config=run_config,
            op_config=op_config,
            instance=instance,
        )
        self.op_name = op_name
        self.step_key = step_key
        self.job_name = job_name
        self.retry_number = retry_number
        """How many attempts there were before this one."""
        self._mapping_key = mapping_key
        self._metadata: dict[tuple[str, str | None], dict[str, MetadataValue]] = {}
        self._events: list[Any] = []

    @property
    def op_handle(self) -> str:
        """The path of the op in its job, such as `outer.inner`."""
        return self.step_key.partition("[")[0]

    def get_tag(self, key: str) -> str | None:
        """The value of a tag of the run."""
        return self.run_tags.get(key)

    def has_tag(self, key: str) -> bool:
        return key in self.run_tags

    def get_mapping_key(self) -> str | None:
        """The key of the dynamic output's value that this step is for; None where it is mapped over none."""
        return self._mapping_key

    def add_output_metadata(
        self, metadata: Mapping[str, Any], output_name: str | None = None, mapping_key: str | None = None
    ) -> None:
        """Add metadata to an output of this op; a key given twice keeps the later value."""
        into = self._metadata.setdefault((output_name or RESULT, mapping_key), {})
        into.update(normalize_metadata(metadata))

    def metadata_of(self, output_name: str, mapping_key: str | None = None) -> dict[str, MetadataValue]:
        """What was added to an output so far."""
        both = self._metadata.get((output_name, None), {})
        return both if mapping_key is None else {**both, **self._metadata.get((output_name, mapping_key), {})}

    def log_event(self, event: Any) -> None:
        """Say that an asset was made, looked at or checked: it becomes an event of the run, however this step ends.

        `event` is an AssetMaterialization, an AssetObservation or an AssetCheckEvaluation.
        """
        from ..asset_events import AssetCheckEvaluation, AssetMaterialization, AssetObservation

        if not isinstance(event, (AssetMaterialization, AssetObservation, AssetCheckEvaluation)):
            raise InvalidInvocationError(f"context.log_event: {event!r} is no event of an asset.")
        self._events.append(event)

    @property
    def logged_events(self) -> Sequence[Any]:
        return self._events

    @property
    def asset_key(self) -> NoReturn:
        raise InvalidInvocationError(f"op {self.op_name!r} makes no asset: its context has no asset_key.")


def build_op_context(
    resources: Mapping[str, Any] | None = None,
    op_config: Any = None,
    resources_config: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    partition_keys: Sequence[str] | None = None,
    mapping_key: str | None = None,
    run_tags: Mapping[str, str] | None = None,
    run_config: Mapping[str, Any] | None = None,
    retry_number: int = 0,
    run_id: str = "test",
    config: Any = None,
    instance: Any = None,
) -> OpExecutionContext:
    """A context to call an op with in a test: `total(build_op_context(op_config={"limit": 3}), [1, 2])`.

    `resources` are opened when they are first used; as a context manager it closes them at the end of the block.

    >>> @op
    ... def scaled(context, number):
    ...     return number * context.op_config["factor"]
    >>> scaled(build_op_context(op_config={"factor": 3}), 2)
    6
    """
    from ..lifecycle import RunResources

    if partition_key is not None and partition_keys is not None:
        raise InvalidInvocationError("build_op_context: give partition_key or partition_keys, not both")
    told = {"resources": {name: {"config": one} for name, one in (resources_config or {}).items()}}
    return OpExecutionContext(
        run_id=run_id,
        partition_keys=partition_keys if partition_key is None else (partition_key,),
        mapping_key=mapping_key,
        retry_number=retry_number,
        resources=Resources(RunResources(resources or {}, run_config=told, run_id=run_id)),
        run_tags=run_tags,
        run_config=run_config,
        op_config=config if op_config is None else op_config,
        instance=instance,
    )
