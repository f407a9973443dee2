"""What code may say of assets beside its own outcome: that one was made, looked at, or checked.

Given to `context.log_event`, or yielded by the function of an asset or an op, each becomes an event of the run; given
to an instance it becomes an event without a run. These are the user's words; the log has its own form of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InvalidInvocationError
from .keys import AssetKey, CoercibleToAssetKey
from .metadata import MetadataValue, normalize_metadata
from .results import AssetCheckSeverity, DataVersion

_VERSION_TAG = "/data_version"  # how a tag ends that holds a data version, whatever comes before it


@dataclass(init=False)
class _AboutAsset:
    asset_key: AssetKey
    description: str | None
    metadata: dict[str, MetadataValue]
    partition: str | None
    tags: dict[str, str]
    data_version: DataVersion | None

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
        *,
        data_version: DataVersion | str | None = None,
    ) -> None:
        if partition is not None and not isinstance(partition, str):
            raise InvalidInvocationError(f"{type(self).__name__}: a partition is a str, not {partition!r}.")
        self.asset_key = AssetKey.of(asset_key)
        self.description = description
        self.metadata = normalize_metadata(metadata)
        self.partition = partition
        self.tags = dict(tags or {})
        if data_version is None:
            data_version = next((value for tag, value in self.tags.items() if tag.endswith(_VERSION_TAG)), None)
        self.data_version = None if data_version is None else DataVersion(data_version)


class AssetMaterialization(_AboutAsset):
    """An asset, or one partition of it, was made.

    >>> AssetMaterialization("orders", metadata={"rows": 3}, partition="2026-01-01").partition
    '2026-01-01'
    """


class AssetObservation(_AboutAsset):
    """An asset, or one partition of it, was looked at. It is an update if `data_version` is another than before.

    >>> offset = instance.report_runless_asset_event(AssetObservation("orders", metadata={"rows": 3}))
    """


@dataclass(init=False)
class AssetCheckEvaluation:
    """A check of an asset, or of one partition of it, was evaluated."""

    asset_key: AssetKey
    check_name: str
    passed: bool
    metadata: dict[str, MetadataValue]
    severity: AssetCheckSeverity
    description: str | None
    blocking: bool
    partition: str | None

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        check_name: str,
        passed: bool,
        metadata: Mapping[str, Any] | None = None,
        *,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
        blocking: bool = False,
        partition: str | None = None,
    ) -> None:
        if not isinstance(passed, bool):
            raise InvalidInvocationError(f"AssetCheckEvaluation: passed must be True or False, not {passed!r}.")
        self.asset_key = AssetKey.of(asset_key)
        self.check_name = check_name
        self.passed = passed
        self.metadata = normalize_metadata(metadata)
        self.severity = AssetCheckSeverity(severity)
        self.description = description
        self.blocking = blocking
        self.partition = partition


AssetEvent = AssetMaterialization | AssetObservation | AssetCheckEvaluation
"""What `context.log_event` takes."""

ASSET_EVENTS = (AssetMaterialization, AssetObservation, AssetCheckEvaluation)


def checked_event(event: object, *, where: str) -> AssetEvent:
    """`event` itself, if it is one of the above.

    Raises:
        InvalidInvocationError: it is something else.
    """
    if isinstance(event, ASSET_EVENTS):
        return event
    raise InvalidInvocationError(
        f"{where} takes an AssetMaterialization, an AssetObservation or an AssetCheckEvaluation, not {event!r}."
    )
