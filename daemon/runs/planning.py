"""How a plan is made: which steps a run has, and what each of them waits for.

An asset is made by a step of its own, or by one that it shares with the others of its function (`step_groups.py`); a
step makes all the partitions that its run is to make. Checks that the function of an asset evaluates itself go with the
asset's step, all others are steps of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...definitions.errors import InvalidInvocationError
from ...definitions.snapshot import CheckSnapshot, DefinitionsSnapshot
from ...storage.events import KeyRanges, PlannedCheck, Target
from ...storage.state.ordinals import Spaces
from .plan import RunPlan, StepPlan, gate_of
from .step_groups import Group, in_order, step_groups

Wanted = Mapping[str, KeyRanges | None]
"""What a run is to make: the partitions of each asset."""


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
    its own `StepStarted` as its horizon. A check looks at each partition of its asset that the run makes; one of an
    asset that the run does not make looks at the partitions that the rest of the run is about.

    Raises:
        KeyError: an asset or a check of it is not in `snapshot` (any more).
        InvalidInvocationError: a job of ops that is not defined (any more), an external asset, or an asset named twice.
        InvalidSubsetError: some of the assets that can only be made together.
    """
    if job_name and not targets and not checks and job_name not in snapshot.jobs:
        raise InvalidInvocationError(f"job {job_name!r} is not defined any more.")
    wanted = _wanted(snapshot, targets)
    shared = next((ranges for ranges in wanted.values() if ranges is not None), None)
    looked_at = [one for check in checks for one in _by_partition(snapshot, check, wanted, shared)]
    groups = step_groups(snapshot, wanted)
    step_of = {key: group.step_key for group in groups for key in group.keys}
    steps = [_asset_step(snapshot, group, wanted, step_of, looked_at) for group in groups]
    steps = [_with_inputs(step, inputs or {}, read_through) for step in steps]
    steps += _check_steps(snapshot, looked_at, step_of)
    return RunPlan(
        run_id=run_id,
        requested_offset=requested_offset,
        definitions=snapshot.hash,
        steps=tuple(in_order(snapshot, steps)),
        run_config=run_config or {},
        run_tags=run_tags or {},
        job_name=job_name,
    )


def _wanted(snapshot: DefinitionsSnapshot, targets: Sequence[Target]) -> dict[str, KeyRanges | None]:
    wanted: dict[str, KeyRanges | None] = {}
    for target in targets:
        key = target.asset_key
        asset = snapshot.assets[key]
        if not asset.has_function:
            raise InvalidInvocationError(
                f"asset {key!r} is external: something else makes it. Report it with `headwater asset report {key}`."
            )
        if key in wanted:
            raise InvalidInvocationError(f"asset {key!r} is named twice in one run.")
        wanted[key] = target.partitions
        if (target.partitions is None) != (asset.partitions is None) and not asset.observable:
            raise InvalidInvocationError(f"asset {key!r} is partitioned otherwise than when this run was requested.")
    return wanted


# ---- steps of assets -------------------------------------------------------------------------------------------------


def _asset_step(
    snapshot: DefinitionsSnapshot,
    group: Group,
    wanted: Wanted,
    step_of: Mapping[str, str],
    checks: Sequence[PlannedCheck],
) -> StepPlan:
    deps = [dep for key in group.keys for dep in snapshot.assets[key].deps if dep.key not in group.keys]
    gated = {dep.key for dep in deps if dep.gated}
    upstream = (step_of[dep.key] for dep in deps if dep.key in step_of)
    gates = (gate_of(check) for check in checks if check.blocking and check.asset_key in gated)
    return StepPlan(
        step_key=group.step_key,
        targets=tuple(Target(asset_key=key, partitions=wanted[key]) for key in group.keys),
        checks=tuple(c for c in checks if c.asset_key in group.keys and _defined(snapshot, c).inline),
        upstream=tuple(dict.fromkeys(upstream)),
        gates=tuple(dict.fromkeys(gates)),
    )


def _with_inputs(step: StepPlan, inputs: Mapping[str, Mapping[str, KeyRanges]], read_through: int | None) -> StepPlan:
    """`step` with the keys that are handed to it: of several assets that read a dependency, what any of them reads."""
    handed: dict[str, KeyRanges] = {}
    for key in step.asset_keys:
        for dep, ranges in inputs.get(key, {}).items():
            handed[dep] = tuple(dict.fromkeys([*handed.get(dep, ()), *ranges]))
    return replace(step, inputs=handed, read_through=read_through) if handed else step


# ---- steps of checks -------------------------------------------------------------------------------------------------


def _check_steps(
    snapshot: DefinitionsSnapshot, checks: Sequence[PlannedCheck], step_of: Mapping[str, str]
) -> list[StepPlan]:
    """The steps that evaluate checks and make nothing."""
    groups: dict[str, list[PlannedCheck]] = {}
    for check in checks:
        defined = _defined(snapshot, check)
        if not defined.inline:
            groups.setdefault(defined.step or gate_of(check), []).append(check)
        elif check.asset_key not in step_of:
            raise InvalidInvocationError(
                f"check {check.name!r} is evaluated by the function that makes asset {check.asset_key!r}, which this "
                "run does not make."
            )
    return [_check_step(snapshot, key, together, step_of) for key, together in groups.items()]


def _check_step(
    snapshot: DefinitionsSnapshot, step_key: str, checks: Sequence[PlannedCheck], step_of: Mapping[str, str]
) -> StepPlan:
    read = [key for check in checks for key in (check.asset_key, *_defined(snapshot, check).deps)]
    looked_at = [
        Target(asset_key=c.asset_key, partitions=None if c.partition is None else ((c.partition, c.partition),))
        for c in checks
    ]
    return StepPlan(
        step_key=step_key,
        targets=tuple({(t.asset_key, t.partitions): t for t in looked_at}.values()),
        checks=tuple(checks),
        only_checks=True,
        upstream=tuple(dict.fromkeys(step_of[key] for key in read if key in step_of)),
    )


def _by_partition(
    snapshot: DefinitionsSnapshot, check: PlannedCheck, wanted: Wanted, shared: KeyRanges | None
) -> Iterable[PlannedCheck]:
    """`check`, once for each partition that it looks at."""
    partitions = snapshot.assets[check.asset_key].partitions
    if _defined(snapshot, check).whole_asset or partitions is None:
        ranges = None
    elif check.asset_key in wanted:
        ranges = wanted[check.asset_key]
    else:
        ranges = shared if check.partition is None else ((check.partition, check.partition),)
    if ranges is None or partitions is None:
        keys: Iterable[str | None] = [None]
    elif len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        keys = [ranges[0][0]]
    else:
        space = Spaces(is_open=True).of(partitions)
        keys = [space.key(ordinal) for ordinal in space.ordered(space.bits(ranges))]
    return [check if key == check.partition else check.model_copy(update={"partition": key}) for key in keys]


def _defined(snapshot: DefinitionsSnapshot, check: PlannedCheck) -> CheckSnapshot:
    for known in snapshot.assets[check.asset_key].checks:
        if known.name == check.name:
            return known
    raise KeyError(gate_of(check))
