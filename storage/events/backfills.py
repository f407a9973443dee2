"""Events of backfills."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from .base import Event, Model
from .parts import Target


class BackfillRequested(Event):
    """Partitions of several assets are to be made, upstream first, in as many runs as it takes.

    All of `targets` are pending from here until their steps start. `by_caller` is true where the process that wrote
    this makes the runs itself: it holds a lease under the backfill's id, and when it is gone the backfill is cancelled.
    """

    type: Literal["backfill_requested"] = "backfill_requested"
    backfill_id: str
    targets: tuple[Target, ...] = ()
    origin: Literal["manual", "automation"] = "manual"
    definitions: str = ""
    title: str = ""
    priority: int = 0
    tags: dict[str, str] = Field(default_factory=dict)
    run_config: dict[str, JsonValue] = Field(default_factory=dict)
    by_caller: bool = False


class BackfillSkipped(Event):
    """Partitions that a backfill will not make: what they read failed in it, a blocking check keeps that from being
    read, they do not exist any more, or nothing is left that could make them possible."""

    type: Literal["backfill_skipped"] = "backfill_skipped"
    backfill_id: str
    targets: tuple[Target, ...] = ()
    reason: Literal["upstream_failed", "check_failed", "not_defined", "not_possible"] = "upstream_failed"


class BackfillCount(Model):
    """What came of one asset of a backfill, in partitions; `failed` counts those that were skipped too."""

    asset_key: str
    done: int = 0
    failed: int = 0
    left: int = 0
    """Neither: the backfill was cancelled before."""


class BackfillEnded(Event):
    """The backfill is over: nothing more is requested for it, and a run of it that is still under way is cancelled."""

    type: Literal["backfill_ended"] = "backfill_ended"
    backfill_id: str
    status: Literal["succeeded", "failed", "cancelled"]
    counts: tuple[BackfillCount, ...] = ()
    message: str = ""
