"""Run plans: the steps of one run in their order, with what each waits for. Pure data, as it is sent to a worker.

A step makes the asset partitions in its `targets`, or evaluates one check. A check is a step of its own right after its
asset. What a step waits for is named by the keys of other steps of the same plan:

    upstream   steps that must have succeeded: the assets it reads; for a check, the asset it looks at
    gates      steps of blocking checks that must have let it pass: those of the assets it reads, unless that
               dependency is not gated

Upstream assets that are not part of the run are not waited for. A plan says nothing about how steps are executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import DefinitionsSnapshot
from ...storage.events import KeyRanges, PlannedCheck, Target

Part = tuple[str, str | None]
"""An asset key and a partition key (None: the whole of an unpartitioned asset)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step. `inputs` are the partition keys handed to it, of dependencies of which it reads several; they were
    chosen at `read_through`."""

    step_key: str
    targets: tuple[Part, ...]
    check_name: str | None = None
    blocking: bool = False
    upstream: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    inputs: Mapping[str, KeyRanges] = field(default_factory=dict)
    read_through: int | None = None

    @property
    def asset_key(self) -> str:
        return self.targets[0][0]

    @property
    def partition(self) -> str | None:
        return self.targets[0][1]

    def to_json(self) -> dict[str, Any]:
        written: dict[str, Any] = {"step_key": self.step_key, "targets": [list(part) for part in self.targets]}
        for name in ("check_name", "blocking", "upstream", "gates", "inputs", "read_through"):
            if (value := getattr(self, name)) or name == "read_through":
                written[name] = value
        return written

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StepPlan:
        return cls(
            step_key=data["step_key"],
            targets=tuple((key, partition) for key, partition in data["targets"]),
            check_name=data.get("check_name"),
            blocking=data.get("blocking", False),
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


def build_plan(
    snapshot: DefinitionsSnapshot,
    run_id: str,
    requested_offset: int,
    targets: Sequence[Target],
    checks: Sequence[PlannedCheck] = (),
    *,
    inputs: Mapping[str, Mapping[str, KeyRanges]] | None = None,
    read_through: int | None = None,
    run_config: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, str] | None = None,
    job_name: str | None = None,
) -> RunPlan:
    """The plan of a run that makes `targets` and evaluates `checks`.

    `inputs` are the keys handed to each asset, by dependency, as they were at `read_through`; an asset without any has
    its own `StepStarted` as its horizon. A check of an asset that the run does not make looks at the partition that the
    rest of the run is about.

    Raises:
        KeyError: an asset or a check of it is not in `snapshot` (any more).
        InvalidInvocationError: a job of ops that is not defined (any more), an external asset, an asset named twice, or
            several partitions of one asset.
    """
    if job_name and not targets and not checks and job_name not in snapshot.jobs:
        raise InvalidInvocationError(f"job {job_name!r} is not defined any more.")
    parts = _parts(snapshot, targets)
    checks_of: dict[str, list[PlannedCheck]] = {}
    for check in checks:
        _check_known(snapshot, check)
        checks_of.setdefault(check.asset_key, []).append(check)
    planned = parts.keys() | checks_of.keys()
    shared = next((partition for partition in parts.values() if partition is not None), None)
    steps: list[StepPlan] = []
    for key in _upstream_first(snapshot, [*parts, *(key for key in checks_of if key not in parts)]):
        asset = snapshot.assets[key]
        if key in parts:
            handed = dict((inputs or {}).get(key, {}))
            above = [dep for dep in asset.deps if dep.key in planned]
            steps.append(
                StepPlan(
                    step_key=key,
                    targets=((key, parts[key]),),
                    upstream=tuple(dep.key for dep in above if dep.key in parts),
                    gates=tuple(
                        check_step_key(check)
                        for dep in above
                        if dep.gated
                        for check in checks_of.get(dep.key, ())
                        if check.blocking
                    ),
                    inputs=handed,
                    read_through=read_through if handed else None,
                )
            )
        partition = parts.get(key, shared if asset.partitions is not None else None)
        steps += [
            StepPlan(
                step_key=check_step_key(check),
                targets=((key, partition),),
                check_name=check.name,
                blocking=check.blocking,
                upstream=(key,) if key in parts else (),
            )
            for check in checks_of.get(key, ())
        ]
    return RunPlan(
        run_id=run_id,
        requested_offset=requested_offset,
        definitions=snapshot.hash,
        steps=tuple(steps),
        run_config=run_config or {},
        run_tags=run_tags or {},
        job_name=job_name,
    )


def check_step_key(check: PlannedCheck) -> str:
    return f"{check.asset_key}:{check.name}"


def _parts(snapshot: DefinitionsSnapshot, targets: Sequence[Target]) -> dict[str, str | None]:
    """The one partition of each target asset."""
    parts: dict[str, str | None] = {}
    for target in targets:
        key = target.asset_key
        if snapshot.assets[key].external:
            raise InvalidInvocationError(
                f"asset {key!r} is external: something else makes it. Report it with `headwater asset report {key}`."
            )
        if key in parts:
            raise InvalidInvocationError(f"asset {key!r} is named twice in one run.")
        match target.partitions:
            case None:
                parts[key] = None
            case ((first, last),) if first == last:
                parts[key] = first
            case _:
                raise InvalidInvocationError(f"asset {key!r}: a run makes one partition of an asset, not several.")
        if (parts[key] is None) != (snapshot.assets[key].partitions is None):
            raise InvalidInvocationError(f"asset {key!r} is partitioned otherwise than when this run was requested.")
    return parts


def _check_known(snapshot: DefinitionsSnapshot, check: PlannedCheck) -> None:
    if all(known.name != check.name for known in snapshot.assets[check.asset_key].checks):
        raise KeyError(check_step_key(check))


def _upstream_first(snapshot: DefinitionsSnapshot, keys: Sequence[str]) -> Iterable[str]:
    """`keys` in topological order. Looks at these assets only: one asset among 100,000 costs next to nothing."""
    if len(keys) == 1:
        return keys
    wanted = set(keys)
    graph = {key: [dep.key for dep in snapshot.assets[key].deps if dep.key in wanted] for key in keys}
    return TopologicalSorter(graph).static_order()


def _ranges(ranges: Iterable[Sequence[str]]) -> KeyRanges:
    return tuple((first, last) for first, last in ranges)
