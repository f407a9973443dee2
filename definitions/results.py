"""What a step's code may return or yield, beside plain values: results with metadata, checks and data versions.

These are the user's words about an outcome. The daemon turns them into events; nothing here knows of the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from .errors import InvalidInvocationError
from .keys import AssetKey, CoercibleToAssetKey
from .metadata import MetadataValue, normalize_metadata

T = TypeVar("T")


class DataVersion(str):
    """The version of data by its content: two equal versions are the same data, so the second is no update."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


class DataVersionsByPartition:
    """The data version of each partition that was looked at: what the function of a partitioned observable returns.

    >>> DataVersionsByPartition({"2026-01-01": "a", "2026-01-02": DataVersion("b")}).data_versions_by_partition
    {'2026-01-01': 'a', '2026-01-02': 'b'}
    """

    __slots__ = ("data_versions_by_partition",)

    def __init__(self, data_versions_by_partition: Mapping[str, DataVersion | str]) -> None:
        self.data_versions_by_partition: dict[str, DataVersion] = {
            _partition_key(key): DataVersion(version) for key, version in data_versions_by_partition.items()
        }

    def __repr__(self) -> str:
        return f"DataVersionsByPartition({self.data_versions_by_partition!r})"


class _Unset:
    def __repr__(self) -> str:
        return "<unset>"

    def __reduce__(self) -> str:
        return "UNSET"  # pickled by name: there is one


UNSET: Any = _Unset()
"""In the place of a value where none was given; None is a value."""


class AssetCheckSeverity(Enum):
    """How bad a failed check is. Only an ERROR closes the gate of a blocking check."""

    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(init=False)
class AssetCheckResult:
    """What a check found. `asset_key` and `check_name` are needed only where several checks could be meant."""

    passed: bool
    asset_key: AssetKey | None
    check_name: str | None
    metadata: dict[str, MetadataValue]
    severity: AssetCheckSeverity
    description: str | None

    def __init__(
        self,
        passed: bool,
        *,
        asset_key: CoercibleToAssetKey | None = None,
        check_name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
    ) -> None:
        self.passed = _plain_bool(passed)
        self.asset_key = _key_or_none(asset_key)
        self.check_name = check_name
        self.metadata = normalize_metadata(metadata)
        self.severity = AssetCheckSeverity(severity)
        self.description = description


@dataclass(init=False)
class MaterializeResult(Generic[T]):
    """An asset was made. Without `value` nothing is handed to the IO manager: the code has stored it itself."""

    asset_key: AssetKey | None
    metadata: dict[str, MetadataValue]
    check_results: tuple[AssetCheckResult, ...]
    data_version: DataVersion | None
    tags: dict[str, str]
    value: T

    def __init__(
        self,
        *,
        asset_key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[AssetCheckResult] | None = None,
        data_version: DataVersion | str | None = None,
        tags: Mapping[str, str] | None = None,
        value: T = UNSET,
    ) -> None:
        self.asset_key = _key_or_none(asset_key)
        self.metadata = normalize_metadata(metadata)
        self.check_results = tuple(check_results or ())
        self.data_version = _version_or_none(data_version)
        self.tags = dict(tags or {})
        self.value = value

    @property
    def has_value(self) -> bool:
        return self.value is not UNSET


@dataclass(init=False)
class ObserveResult:
    """A source was looked at. It counts as updated if `data_version` is another than the one before.

    `partition` says which partition was looked at, where a function looks at several; it is our own addition.
    """

    asset_key: AssetKey | None
    metadata: dict[str, MetadataValue]
    check_results: tuple[AssetCheckResult, ...]
    data_version: DataVersion | None
    tags: dict[str, str]
    partition: str | None

    def __init__(
        self,
        *,
        asset_key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[AssetCheckResult] | None = None,
        data_version: DataVersion | str | None = None,
        tags: Mapping[str, str] | None = None,
        partition: str | None = None,
    ) -> None:
        self.asset_key = _key_or_none(asset_key)
        self.metadata = normalize_metadata(metadata)
        self.check_results = tuple(check_results or ())
        self.data_version = _version_or_none(data_version)
        self.tags = dict(tags or {})
        self.partition = partition


@dataclass(init=False)
class Output(Generic[T]):
    """A value for the IO manager, with what else is to be known of it."""

    value: T
    output_name: str
    metadata: dict[str, MetadataValue]
    data_version: DataVersion | None
    tags: dict[str, str]

    def __init__(
        self,
        value: T,
        output_name: str = "result",
        *,
        metadata: Mapping[str, Any] | None = None,
        data_version: DataVersion | str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.value = value
        self.output_name = output_name
        self.metadata = normalize_metadata(metadata)
        self.data_version = _version_or_none(data_version)
        self.tags = dict(tags or {})


def _partition_key(key: object) -> str:
    if isinstance(key, str):
        return key
    raise InvalidInvocationError(f"DataVersionsByPartition: a partition key is a str, not {key!r}.")


def _key_or_none(key: CoercibleToAssetKey | None) -> AssetKey | None:
    return None if key is None else AssetKey.of(key)


def _version_or_none(version: DataVersion | str | None) -> DataVersion | None:
    return None if version is None else DataVersion(version)


def _plain_bool(passed: object) -> bool:
    if isinstance(passed, bool):
        return passed
    item = getattr(passed, "item", None)  # a numpy or polars bool
    if callable(item) and isinstance(plain := item(), bool):
        return plain
    raise InvalidInvocationError(
        f"AssetCheckResult: passed must be True or False, not {passed!r}. Wrap it in bool(...)."
    )
