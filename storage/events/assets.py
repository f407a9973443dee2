"""Events of assets and checks: what was made, observed, checked, wiped, and how fresh it is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from .base import Event
from .parts import KeyRanges


class AssetMaterialized(Event):
    """A partition of an asset (or the whole of an unpartitioned one) was made, by a run or by an outside system.

    `origin` tells by whom: a run's step, a report by hand or API, or a file that arrived.
    """

    type: Literal["asset_materialized"] = "asset_materialized"
    asset_key: str
    partition: str | None = None
    run_id: str | None = None
    step_key: str | None = None
    origin: Literal["step", "report", "file"] = "step"
    data_version: str | None = None
    code_version: str | None = None
    description: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)


class AssetObserved(Event):
    """A look at data that is made elsewhere. It is an update when `data_version` differs from the one before."""

    type: Literal["asset_observed"] = "asset_observed"
    asset_key: str
    partition: str | None = None
    run_id: str | None = None
    data_version: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    description: str | None = None


class AssetCheckEvaluated(Event):
    """A check spoke. A failed blocking check of severity ERROR closes the gate of its partition until it passes.

    `raised` is true where it could not speak, since its function raised: for its gate that is a failure.
    """

    type: Literal["asset_check_evaluated"] = "asset_check_evaluated"
    asset_key: str
    check_name: str
    partition: str | None = None
    run_id: str | None = None
    passed: bool
    severity: Literal["WARN", "ERROR"] = "ERROR"
    blocking: bool = False
    description: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    raised: bool = False


class AssetWiped(Event):
    """What was made of an asset counts as gone: it is missing again. `partitions` of None means everything of it.

    The events before stay in the log; nothing of the data itself is touched.
    """

    type: Literal["asset_wiped"] = "asset_wiped"
    asset_key: str
    partitions: KeyRanges | None = None


class DynamicPartitionsAdded(Event):
    """Keys were added to the dynamic partitions of a name; from here on they exist in every asset that has these."""

    type: Literal["dynamic_partitions_added"] = "dynamic_partitions_added"
    name: str
    keys: tuple[str, ...] = ()


class DynamicPartitionsDeleted(Event):
    """Keys were deleted from the dynamic partitions of a name. Added again, they have their history again."""

    type: Literal["dynamic_partitions_deleted"] = "dynamic_partitions_deleted"
    name: str
    keys: tuple[str, ...] = ()


class FreshnessChanged(Event):
    """An asset came to stand otherwise to its freshness policy, at the instant `at`.

    `made_at` is when it was last made or reported, as the log has it. Alerts and conditions go by this event.
    """

    type: Literal["freshness_changed"] = "freshness_changed"
    asset_key: str
    state: Literal["PASS", "WARN", "FAIL"]
    previous: Literal["PASS", "WARN", "FAIL", "UNKNOWN"]
    at: datetime
    made_at: datetime | None = None
