"""The runs that were asked for beside those that other definitions would have asked for, and what both cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from ...storage import events as e
from ...storage.as_of import jsonable


@dataclass(frozen=True, slots=True)
class Request:
    """A run: when it was asked for, what it was to make, and the seconds that its steps took or would have taken.
    `run_id` is None where it is supposed."""

    at: datetime
    targets: tuple[e.Target, ...]
    took_s: float
    run_id: str | None = None
    checks: tuple[str, ...] = ()

    @property
    def what(self) -> tuple[object, ...]:
        """What makes two runs the same: what they make, and nothing else."""
        return frozenset((target.asset_key, target.partitions) for target in self.targets), self.checks

    def to_json(self) -> dict[str, Any]:
        targets = [target.model_dump(mode="json") for target in self.targets]
        return jsonable({**asdict(self), "targets": targets})


@dataclass(slots=True)
class AssetCompared:
    """How often an asset was asked for, in runs."""

    key: str
    recorded: int = 0
    supposed: int = 0


@dataclass(slots=True)
class Comparison:
    """What was, and what would have been. `unmeasured` are steps of which the log knows no duration."""

    since: datetime
    until: datetime
    recorded: list[Request] = field(default_factory=list)
    supposed: list[Request] = field(default_factory=list)
    unmeasured: tuple[str, ...] = ()

    @property
    def recorded_s(self) -> float:
        return sum(run.took_s for run in self.recorded)

    @property
    def supposed_s(self) -> float:
        return sum(run.took_s for run in self.supposed)

    @property
    def not_requested(self) -> list[Request]:
        """The recorded runs that would not have been asked for."""
        return _left(self.recorded, self.supposed)

    @property
    def newly_requested(self) -> list[Request]:
        """The runs that would have been asked for, and were not."""
        return _left(self.supposed, self.recorded)

    @property
    def assets(self) -> list[AssetCompared]:
        found: dict[str, AssetCompared] = {}
        for name, runs in (("recorded", self.recorded), ("supposed", self.supposed)):
            for target in (target for run in runs for target in run.targets):
                asset = found.setdefault(target.asset_key, AssetCompared(target.asset_key))
                setattr(asset, name, getattr(asset, name) + 1)
        return list(found.values())

    def to_json(self) -> dict[str, Any]:
        return {
            **jsonable({"since": self.since, "until": self.until}),
            "recorded": {"runs": len(self.recorded), "took_s": self.recorded_s},
            "supposed": {"runs": len(self.supposed), "took_s": self.supposed_s},
            "assets": [asdict(asset) for asset in self.assets],
            "not_requested": [run.to_json() for run in self.not_requested],
            "newly_requested": [run.to_json() for run in self.newly_requested],
            "unmeasured": list(self.unmeasured),
        }


def _left(runs: Sequence[Request], others: Iterable[Request]) -> list[Request]:
    """Those of `runs` without a partner among `others`; equal ones are paired in order."""
    partners: dict[tuple[object, ...], int] = {}
    for other in others:
        partners[other.what] = partners.get(other.what, 0) + 1
    left = []
    for run in runs:
        if partners.get(run.what, 0):
            partners[run.what] -= 1
        else:
            left.append(run)
    return left
