"""Jobs over assets: a selection under a name, made as one run by hand, by a schedule or by a sensor.

What a selection means is known only among all definitions, so that a job keeps it as it was written; `Definitions`
looks it up once, when all assets are known, and hands out what the job makes (`JobContents`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .caller import caller
from .collecting import report
from .errors import DefinitionError, InvalidAssetSelection, InvalidConfigError, InvalidInvocationError
from .hooks import checked_hooks
from .in_process import runner
from .jobs import JobDefinition
from .labels import checked_name
from .retries import checked_policy
from .run_config import run_config_data
from .selection.base import AssetSelection
from .source import SourceLine

if TYPE_CHECKING:
    from .definitions import Definitions
    from .keys import AssetKey
    from .partitions.base import PartitionsDefinition
    from .partitions.config import PartitionedConfig
    from .run_config import RunConfig
    from .selection.base import CoercibleToAssetSelection
    from .selection.view import AssetCheckKey, SelectableAssets


class AssetJobDefinition(JobDefinition):
    """A job that makes the assets of a selection. Made by `define_asset_job`."""

    kind = "asset"

    def __init__(self, name: str, selection: AssetSelection, **described: Any) -> None:
        super().__init__(name, **described)
        self.selection = selection
        self._definitions: Definitions | None = None

    def within(self, definitions: Definitions) -> AssetJobDefinition:
        made = copy.copy(self)
        made._definitions = definitions
        return made

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Any = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
        tags: Mapping[str, str] | None = None,
        asset_selection: Iterable[Any] | None = None,
    ) -> Any:
        """Make its assets here and now, as `materialize` does, with the config, the tags and the hooks of the job.

        >>> defs = Definitions([orders, revenue], jobs=[define_asset_job("nightly", "+revenue")])
        >>> defs.job("nightly").execute_in_process().output_for_node("revenue")
        7

        `asset_selection` narrows its assets down. The job has to come from Definitions, which know its assets.

        Raises:
            InvalidInvocationError: it comes from nowhere, or a partition is missing or not wanted.
            Exception: what the first step that failed raised, unless `raise_on_error` is false.
        """
        if self._definitions is None:
            raise InvalidInvocationError(
                f"{self} does not know its assets: take it from the definitions, as in "
                f"defs.job({self.name!r}).execute_in_process()."
            )
        return runner().execute_asset_job(
            self,
            self._definitions,
            run_config=run_config,
            instance=instance,
            partition_key=partition_key,
            raise_on_error=raise_on_error,
            tags=tags,
            asset_selection=asset_selection,
        )


class JobContents(NamedTuple):
    """What an asset job makes and evaluates, the assets each after what it reads; `partitions` are those they share."""

    assets: tuple[AssetKey, ...] = ()
    checks: tuple[AssetCheckKey, ...] = ()
    partitions: PartitionsDefinition | None = None


def define_asset_job(
    name: str,
    selection: CoercibleToAssetSelection | None = None,
    config: RunConfig | Mapping[str, Any] | PartitionedConfig | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    run_tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
    executor_def: Any = None,
    hooks: Iterable[Any] | None = None,
    op_retry_policy: Any = None,
    owners: Sequence[str] | None = None,
) -> AssetJobDefinition:
    """A job that makes the assets of `selection` (all that are made here where it is None), with their checks.

    >>> nightly = define_asset_job("nightly", selection="+revenue", tags={"team": "sales"})
    >>> defs = Definitions(assets=[orders, revenue], jobs=[nightly])

    `config` is the run config of its runs where a request gives none, or a PartitionedConfig, which gives one for each
    partition. Runs are tagged with `run_tags`, or with `tags`
    where there are none. The partitioned assets among them must share one partitions definition.

    Raises:
        InvalidDefinitionError: the selection cannot be read, or the name, a tag or the config is not valid. A selection
            that names what does not exist is reported when the definitions are loaded.
    """
    source = caller()
    named = checked_name(name, role="the name of a job", source=source)
    return AssetJobDefinition(
        named,
        _selection(selection, f"job {name!r}", source),
        config=_config(config, f"job {name!r}", source),
        description=description,
        tags=tags,
        run_tags=run_tags,
        metadata=metadata,
        partitions_def=partitions_def,
        executor_def=executor_def,
        hooks=checked_hooks(hooks, owner=f"job {name!r}", source=source),
        op_retry_policy=checked_policy(op_retry_policy, owner=f"job {name!r}", source=source),
        owners=owners,
        source=source,
    )


def contents_of(job: AssetJobDefinition, view: SelectableAssets, partitions: Mapping[AssetKey, Any]) -> JobContents:
    """What the job means among these assets; `partitions` are theirs. What is wrong is reported."""
    try:
        assets, checks = selected_to_make(job.selection, view)
    except (InvalidAssetSelection, InvalidInvocationError) as error:
        report(located(job, f"its selection {str(job.selection)!r} means nothing here: {error}"))
        return JobContents()
    shared = job.partitions_def
    first: AssetKey | None = None
    for key in assets:
        own = partitions.get(key)
        if own is None:
            continue
        if shared is None:
            shared, first = own, key
        elif own != shared:
            other = f"those of {str(first)!r} are {shared!r}" if first is not None else f"partitions_def is {shared!r}"
            report(
                located(
                    job,
                    f"its assets are partitioned differently: those of {str(key)!r} are {own!r}, {other}. A job makes "
                    "one partition of all its assets: select those with the same partitions, or define two jobs.",
                )
            )
            break
    return JobContents(assets, checks, shared)


def selected_to_make(
    selection: AssetSelection, view: SelectableAssets
) -> tuple[tuple[AssetKey, ...], tuple[AssetCheckKey, ...]]:
    """The assets that a run of `selection` makes, each after what it reads, and the checks that it evaluates."""
    from .selection.making import to_make
    from .selection.view import AssetCheckKey

    made, selected = to_make(selection, view)
    checks = [AssetCheckKey(key, check.name) for key, asset in view.assets.items() for check in asset.checks]
    return tuple(made), tuple(check for check in checks if check in selected)


def located(job: JobDefinition, problem: str) -> DefinitionError:
    error = DefinitionError(f"{job.source}: {job}: {problem}")
    error.source = job.source
    return error


def _selection(selection: Any, owner: str, source: SourceLine) -> AssetSelection:
    if selection is None:
        return AssetSelection.all()
    try:
        return AssetSelection.from_coercible(selection)
    except InvalidAssetSelection as error:
        report(DefinitionError(f"{source}: {owner}: {error}"))
        return AssetSelection.all()


def _config(config: Any, owner: str, source: SourceLine) -> Any:
    if hasattr(config, "get_run_config_for_partition_key"):
        return config
    try:
        return run_config_data(config)
    except InvalidConfigError as error:
        report(DefinitionError(f"{source}: {owner}: config: {error}"))
        return {}
