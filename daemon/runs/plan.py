"""Run plans: the steps of one run in their order, with what each waits for. Pure data, as it is sent to a worker.

A step makes the asset partitions in its `targets` (and evaluates its inline checks), or evaluates checks only: one, or
all that one function evaluates. Such a step comes right after the assets that it looks at. What a step waits for:

    upstream   keys of steps that must have succeeded: the assets it reads; for a check, the assets it looks at
    gates      keys of blocking checks that must have let it pass: those of the assets it reads, unless that
               dependency is not gated

Upstream assets that are not part of the run are not waited for. A plan says nothing about how steps are executed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import Any

from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import CheckSnapshot, DefinitionsSnapshot
from ...storage.events import KeyRanges, PlannedCheck, Target
from ...storage.state.ordinals import Spaces

Part = tuple[str, str | None]
"""An asset key and a partition key (None: the whole of an unpartitioned asset)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step. `inputs` are the partition keys handed to it, of dependencies of which it reads several; they were
    chosen at `read_through`. The `targets` of a step that `only_checks` are the parts that it looks at."""

    step_key: str
    targets: tuple[Part, ...]
    checks: tuple[PlannedCheck, ...] = ()
    only_checks: bool = False
    upstream: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    inputs: Mapping[str, KeyRanges] = field(default_factory=dict)
    read_through: int | None = None

    @property
    def asset_key(self) -> str:
        return self.targets[0][0]

    @property
    def partition(self) -> str | None:
        """The one partition that it is of; None where it is of none, or of several."""
        partitions = {partition for _, partition in self.targets}
        return self.targets[0][1] if len(partitions) == 1 else None

    @property
    def is_shared(self) -> bool:
        """One of several checks, which makes nothing and has its own name."""
        return self.only_checks and self.step_key != gate_of(self.checks[0])

    def to_json(self) -> dict[str, Any]:
        written: dict[str, Any] = {"step_key": self.step_key, "targets": [list(part) for part in self.targets]}
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
            targets=tuple((key, partition) for key, partition in data["targets"]),
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
    shared = next((partition for partition in parts.values() if partition is not None), None)
    looked_at = [_with_partition(snapshot, check, parts, shared) for check in checks]
    steps = [_asset_step(snapshot, key, parts, looked_at, inputs, read_through) for key in parts]
    steps = [_of_several(snapshot, step, targets) for step in steps]
    steps += _check_steps(snapshot, looked_at, parts)
    return RunPlan(
        run_id=run_id,
        requested_offset=requested_offset,
        definitions=snapshot.hash,
        steps=tuple(_in_order(snapshot, steps)),
        run_config=run_config or {},
        run_tags=run_tags or {},
        job_name=job_name,
    )


def gate_of(check: PlannedCheck) -> str:
    """The key of a check, which is also that of its step where it has one of its own."""
    return f"{check.asset_key}:{check.name}"


def _asset_step(
    snapshot: DefinitionsSnapshot,
    key: str,
    parts: Mapping[str, str | None],
    checks: Sequence[PlannedCheck],
    inputs: Mapping[str, Mapping[str, KeyRanges]] | None,
    read_through: int | None,
) -> StepPlan:
    handed = dict((inputs or {}).get(key, {}))
    deps = snapshot.assets[key].deps
    gated = {dep.key for dep in deps if dep.gated}
    return StepPlan(
        step_key=key,
        targets=((key, parts[key]),),
        checks=tuple(c for c in checks if c.asset_key == key and _defined(snapshot, c).inline),
        upstream=tuple(dep.key for dep in deps if dep.key in parts),
        gates=tuple(gate_of(c) for c in checks if c.blocking and c.asset_key in gated),
        inputs=handed,
        read_through=read_through if handed else None,
    )


def _of_several(snapshot: DefinitionsSnapshot, step: StepPlan, targets: Sequence[Target]) -> StepPlan:
    """The step of an observable source looks at all partitions at once that the run is to look at."""
    asset = snapshot.assets[step.asset_key]
    ranges = next(target.partitions for target in targets if target.asset_key == asset.key)
    if not asset.observable or ranges is None:
        return step
    space = Spaces().of(asset.partitions)
    parts = tuple((asset.key, space.key(ordinal)) for ordinal in space.bits(ranges))
    return replace(step, targets=parts)


def _check_steps(
    snapshot: DefinitionsSnapshot, checks: Sequence[PlannedCheck], parts: Mapping[str, str | None]
) -> list[StepPlan]:
    """The steps that evaluate checks and make nothing."""
    groups: dict[str, list[PlannedCheck]] = {}
    for check in checks:
        defined = _defined(snapshot, check)
        if not defined.inline:
            groups.setdefault(defined.step or gate_of(check), []).append(check)
        elif check.asset_key not in parts:
            raise InvalidInvocationError(
                f"check {check.name!r} is evaluated by the function that makes asset {check.asset_key!r}, which this "
                "run does not make."
            )
    return [_check_step(snapshot, key, together, parts) for key, together in groups.items()]


def _check_step(
    snapshot: DefinitionsSnapshot, key: str, checks: Sequence[PlannedCheck], parts: Mapping[str, str | None]
) -> StepPlan:
    wanted = [key for check in checks for key in (check.asset_key, *_defined(snapshot, check).deps)]
    return StepPlan(
        step_key=key,
        targets=tuple({(check.asset_key, check.partition): None for check in checks}),
        checks=tuple(checks),
        only_checks=True,
        upstream=tuple(key for key in dict.fromkeys(wanted) if key in parts),
    )


def _with_partition(
    snapshot: DefinitionsSnapshot, check: PlannedCheck, parts: Mapping[str, str | None], shared: str | None
) -> PlannedCheck:
    """`check` with the partition that it looks at."""
    if _defined(snapshot, check).whole_asset:
        partition = None
    elif check.asset_key in parts:
        partition = parts[check.asset_key]
    elif snapshot.assets[check.asset_key].partitions is None:
        partition = None
    else:
        partition = check.partition or shared
    return check if partition == check.partition else check.model_copy(update={"partition": partition})


def _defined(snapshot: DefinitionsSnapshot, check: PlannedCheck) -> CheckSnapshot:
    for known in snapshot.assets[check.asset_key].checks:
        if known.name == check.name:
            return known
    raise KeyError(gate_of(check))


def _in_order(snapshot: DefinitionsSnapshot, steps: Sequence[StepPlan]) -> Iterable[StepPlan]:
    """The steps, each after all that it waits for; otherwise as the graph has them, a check right after its asset.

    Where a gate can only be known after a step that it would keep from starting (one function checks an asset and what
    is downstream of it), that step does not wait for it.
    """
    if len(steps) == 1:
        return steps
    step_of = {gate_of(check): step.step_key for step in steps for check in step.checks}
    by_key = {step.step_key: step for step in steps}
    waits = {step.step_key: set(step.upstream) for step in steps}
    before: dict[str, set[str]] = {}
    for step in steps:
        for guard in {step_of[gate] for gate in step.gates} - waits[step.step_key]:
            if len(waits[guard]) > 1 and guard not in before:
                before[guard] = _waited_for(guard, waits)
            if step.step_key not in before.get(guard, ()):
                waits[step.step_key].add(guard)
    place = {
        key: n for n, key in enumerate(_upstream_first(snapshot, [key for step in steps for key, _ in step.targets]))
    }
    rank = {step.step_key: (max(place[key] for key, _ in step.targets), step.only_checks) for step in steps}
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    ready: list[tuple[tuple[int, bool], int, str]] = []
    order: list[StepPlan] = []
    listed = {step.step_key: n for n, step in enumerate(steps)}
    while sorter.is_active():
        for key in sorter.get_ready():
            heappush(ready, (rank[key], listed[key], key))
        key = heappop(ready)[2]
        order.append(by_key[key])
        sorter.done(key)
    return order


def _upstream_first(snapshot: DefinitionsSnapshot, keys: Sequence[str]) -> Iterable[str]:
    """`keys` in topological order. Looks at these assets only: one asset among 100,000 costs next to nothing."""
    wanted = set(keys)
    graph = {key: [dep.key for dep in snapshot.assets[key].deps if dep.key in wanted] for key in keys}
    return TopologicalSorter(graph).static_order()


def _waited_for(start: str, waits: Mapping[str, set[str]]) -> set[str]:
    """The steps that `start` waits for, directly or not."""
    reached: set[str] = set()
    left = [start]
    while left:
        fresh = waits[left.pop()] - reached
        reached |= fresh
        left.extend(fresh)
    return reached


def _parts(snapshot: DefinitionsSnapshot, targets: Sequence[Target]) -> dict[str, str | None]:
    """The one partition of each target asset."""
    parts: dict[str, str | None] = {}
    for target in targets:
        key = target.asset_key
        asset = snapshot.assets[key]
        if not asset.has_function:
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
            case _ if asset.observable:
                parts[key] = None
            case _:
                raise InvalidInvocationError(f"asset {key!r}: a run makes one partition of an asset, not several.")
        if (parts[key] is None) != (asset.partitions is None) and not asset.observable:
            raise InvalidInvocationError(f"asset {key!r} is partitioned otherwise than when this run was requested.")
    return parts


def _ranges(ranges: Iterable[Sequence[str]]) -> KeyRanges:
    return tuple((first, last) for first, last in ranges)
