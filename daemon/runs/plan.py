"""Run plans: the steps of one run in their order, with what each waits for. Pure data, as it is sent to a worker.

A step makes the asset partitions in its `targets` (and evaluates its inline checks), or evaluates checks only: one, or
all that one function evaluates. Such a step comes right after the assets that it looks at. What a step waits for:

    upstream   keys of steps that must have succeeded: the assets it reads; for a check, the assets it looks at
    gates      keys of blocking checks that must have let it pass: those of the assets it reads, unless that
               dependency is not gated

Upstream assets that are not part of the run are not waited for. A plan says nothing about how steps are executed; how
it is made is in `planning.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...storage.events import KeyRanges, PlannedCheck, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step. It makes each of its `targets`, which are of the same partitions where it makes several assets; those
    of a step that `only_checks` are what it looks at. `inputs` are the partition keys handed to it, of dependencies of
    which it reads several; they were chosen at `read_through`."""

    step_key: str
    targets: tuple[Target, ...]
    checks: tuple[PlannedCheck, ...] = ()
    only_checks: bool = False
    upstream: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    inputs: Mapping[str, KeyRanges] = field(default_factory=dict)
    read_through: int | None = None

    @property
    def asset_key(self) -> str:
        """Its asset; of several, the first."""
        return self.targets[0].asset_key

    @property
    def asset_keys(self) -> tuple[str, ...]:
        return tuple(target.asset_key for target in self.targets)

    @property
    def partitions(self) -> KeyRanges | None:
        """What it makes of each asset."""
        return self.targets[0].partitions

    @property
    def partition(self) -> str | None:
        """The one partition that it is of; None where it is of none, or of several."""
        ranges = self.partitions
        if not ranges or any(target.partitions != ranges for target in self.targets):
            return None
        first, last = ranges[0]
        return first if len(ranges) == 1 and first == last else None

    @property
    def makes_several(self) -> bool:
        """Whether it makes several assets, so that its events are of none of them."""
        return not self.only_checks and len(self.targets) > 1

    @property
    def is_shared(self) -> bool:
        """One of several checks, which makes nothing and has its own name."""
        return self.only_checks and self.step_key != gate_of(self.checks[0])

    def to_json(self) -> dict[str, Any]:
        written: dict[str, Any] = {
            "step_key": self.step_key,
            "targets": [[target.asset_key, target.partitions] for target in self.targets],
        }
        for name in ("only_checks", "upstream", "gates", "inputs", "read_through"):
            if (value := getattr(self, name)) or name == "read_through":
                written[name] = value
        if self.checks:
            written["checks"] = [check.model_dump(exclude_defaults=True) for check in self.checks]
        return written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StepPlan:
        return cls(
            step_key=data["step_key"],
            targets=tuple(
                Target(asset_key=key, partitions=None if ranges is None else _ranges(ranges))
                for key, ranges in data["targets"]
            ),
            checks=tuple(PlannedCheck(**check) for check in data.get("checks", ())),
            only_checks=data.get("only_checks", False),
            upstream=tuple(data.get("upstream", ())),
            gates=tuple(data.get("gates", ())),
            inputs={key: _ranges(ranges) for key, ranges in data.get("inputs", {}).items()},
            read_through=data.get("read_through"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """A run: `requested_offset` is the offset of its `RunRequested`, which the claim expects to be its newest event."""

    run_id: str
    requested_offset: int
    definitions: str = ""
    steps: tuple[StepPlan, ...] = ()
    run_config: Mapping[str, Any] = field(default_factory=dict)
    run_tags: Mapping[str, str] = field(default_factory=dict)
    job_name: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            **({"run_config": self.run_config} if self.run_config else {}),
            **({"run_tags": self.run_tags} if self.run_tags else {}),
            **({"job_name": self.job_name} if self.job_name else {}),
            "run_id": self.run_id,
            "requested_offset": self.requested_offset,
            "definitions": self.definitions,
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunPlan:
        return cls(
            run_id=data["run_id"],
            requested_offset=data["requested_offset"],
            definitions=data["definitions"],
            steps=tuple(StepPlan.from_json(step) for step in data["steps"]),
            run_config=data.get("run_config", {}),
            run_tags=data.get("run_tags", {}),
            job_name=data.get("job_name"),
        )

    def to_bytes(self) -> bytes:
        return json.dumps(self.to_json(), separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> RunPlan:
        return cls.from_json(json.loads(data))


def gate_of(check: PlannedCheck) -> str:
    """The key of a check, which is also that of its step where it has one of its own."""
    return f"{check.asset_key}:{check.name}"


def _ranges(ranges: Iterable[Sequence[str]]) -> KeyRanges:
    return tuple((first, last) for first, last in ranges)
