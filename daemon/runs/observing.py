"""`observe`: look at observable sources here and now, in this process, and see whether they have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.definitions import Definitions
from ...definitions.errors import InvalidInvocationError
from ...definitions.run_config import RunConfig
from ...definitions.selection import AssetSelection
from ...definitions.spec import AssetSpec
from ...storage.instance import Instance
from .materialize import materialize_in_process
from .result import ExecuteInProcessResult


def observe(
    assets: Iterable[AssetsDefinition | AssetSpec],
    instance: Instance | None = None,
    resources: Mapping[str, Any] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
    *,
    run_config: RunConfig | Mapping[str, Any] | None = None,
) -> ExecuteInProcessResult:
    """Run the functions of those of `assets` that are observable sources; the others are left alone.

    >>> @observable_source_asset
    ... def exchange_rates():
    ...     return DataVersion("v1")
    >>> result = observe([exchange_rates])
    >>> result.get_asset_observation_events()[0].data_version
    'v1'

    Without a `partition_key` a partitioned source is looked at as a whole. Everything else is as with `materialize`.

    Raises:
        DefinitionErrors: the assets do not fit together.
        InvalidInvocationError: none of them is an observable source.
        Exception: what the first function that failed raised, unless `raise_on_error` is false.
    """
    definitions = Definitions(assets=assets, resources=resources)
    definitions.validate()
    observable = [node.key for node in definitions.assets if node.is_observable]
    if not observable:
        raise InvalidInvocationError(
            "there is nothing to observe: none of the assets is an observable source. Make one with "
            "@observable_source_asset."
        )
    with nullcontext(instance) if instance is not None else Instance.ephemeral() as used:
        return materialize_in_process(
            definitions,
            used,
            selection=AssetSelection.assets(*observable),
            partition_key=partition_key,
            run_config=run_config,
            tags=tags,
            raise_on_error=raise_on_error,
        )
