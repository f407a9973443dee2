"""Values that stand in events: targets, checks, errors, and the reasons of decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .base import Model, Value

KeyRanges = tuple[tuple[str, str], ...]
"""Partition keys as inclusive ranges (first, last) in the order of time; keys without such an order stand alone as
(key, key). None in its place means an asset without partitions."""

LeafTruth = tuple[str, float | None, KeyRanges | None]
"""A leaf of a condition that was true in a decision: its path in the tree, at whose end stands its label; the position
in the log that it held because of (None: a level); and where (None: everywhere, without partitions)."""

AutomationMode = Literal["on", "paused", "dry_run"]


class Target(Model):
    """An asset and the partitions of it that a run or a step plans to make."""

    asset_key: str
    partitions: KeyRanges | None = None


class PlannedCheck(Model):
    """A check that a run will evaluate; while a blocking one is outstanding, the update it looks at is not released.

    `partition` is the one that it looks at, where the run does not make its asset; None is the whole asset.
    """

    asset_key: str
    name: str
    blocking: bool = False
    partition: str | None = None


class ErrorInfo(Model):
    """An exception of user code or of the machinery, as text."""

    cls: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause(Value):
    """A position in the log and the partitions that it is the reason for. Half positions stand between two events."""

    position: float
    partitions: KeyRanges | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDelta(Value):
    """What a tick changed in the memory of one stateful node of one asset's condition; opaque to the fold.

    `added` latches partitions with the position that latched them, `removed` forgets partitions. What several latch is
    in `Tick.shared` instead: see `Tick.added_by`.
    """

    asset_key: str
    node: str
    added: tuple[Cause, ...] = ()
    shared: int | None = None
    removed: tuple[KeyRanges | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Value):
    """One asset that a tick requested: which partitions, in which runs, and the reasons. Of a dry run nothing was.

    One that is requested only because it is made together with another asset, `along_with`, has no reasons of its own.
    Reasons that several decisions have are in `Tick.shared`: see `Tick.causes_of`. `leaves` were true for what is
    requested; those about other partitions, of dependencies, for any.
    """

    asset_key: str
    condition: str
    partitions: KeyRanges | None = None
    causes: tuple[Cause, ...] = ()
    shared: int | None = None
    leaves: tuple[LeafTruth, ...] = ()
    along_with: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLook(Value):
    """An asset whose condition was evaluated for the first time, where not all that was missing is asked for: under
    `baseline` none of it is, under `request` no more than the limit. `left` stays as it is until something happens."""

    asset_key: str
    on_first: Literal["request", "baseline"]
    left: KeyRanges | None = ()
