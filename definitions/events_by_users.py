"""What user code says happened to an asset outside of a step's own result, as the field words it.

An asset may log or yield these through its context, and `Instance.report_runless_asset_event` writes them with no run.
They are also what a stored event is read back as. The log's own events are in the storage room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import InvalidInvocationError
from .keys import AssetKey, CoercibleToAssetKey
from .metadata import MetadataValue, normalize_metadata
from .results import AssetCheckSeverity

DATA_VERSION_TAG = "headwater/data_version"
"""The tag under which an event carries the version of the data by its content."""

CODE_VERSION_TAG = "headwater/code_version"
"""The tag under which a materialization carries the version of the code that made it."""


@dataclass(init=False)
class _AssetEvent:
    """What materializations and observations share."""

    asset_key: AssetKey
    description: str | None
    metadata: dict[str, MetadataValue]
    partition: str | None
    tags: dict[str, str]

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key)
        self.description = description
        self.metadata = normalize_metadata(metadata)
        self.partition = partition
        self.tags = _checked_tags(tags, owner=f"{type(self).__name__} of {str(self.asset_key)!r}")

    @property
    def data_version(self) -> str | None:
        return self.tags.get(DATA_VERSION_TAG)


class AssetMaterialization(_AssetEvent):
    """An asset, or one partition of it, was made.

    >>> AssetMaterialization("orders", metadata={"rows": 3}).metadata["rows"].value
    3

    `tags` may hold the version of the data under "headwater/data_version".
    """

    @property
    def code_version(self) -> str | None:
        return self.tags.get(CODE_VERSION_TAG)


class AssetObservation(_AssetEvent):
    """Somebody looked at an asset that is made elsewhere. It is an update when its data version is a new one."""


@dataclass(init=False)
class AssetCheckEvaluation:
    """A check of an asset, or of one partition of it, spoke."""

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
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
        blocking: bool = False,
        partition: str | None = None,
    ) -> None:
        self.asset_key = AssetKey.of(asset_key)
        self.check_name = check_name
        if not isinstance(passed, bool):
            raise InvalidInvocationError(f"AssetCheckEvaluation: passed must be True or False, not {passed!r}.")
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


def _checked_tags(tags: Mapping[str, str] | None, *, owner: str) -> dict[str, str]:
    for key, value in (tags or {}).items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise InvalidInvocationError(
                f"{owner}: tags are pairs of str; {key!r}: {value!r} is none. Write {str(value)!r}."
            )
    return dict(tags or {})
