"""The end of a run whose worker is gone and did not end it itself: what is written in its place.

    the worker left by itself inside a step      StepFailed, StepSkipped for the rest, RunFailed(step_failed)
    the worker was killed, or could not go on    RunFailed(worker_killed or worker_failed)
    nobody could start the run                   RunFailed(launch_failed)
    the lease is free and the run has not ended  RunFailed(orphaned)

In all cases but the first nobody's code is to blame, and the run's partitions are requested again.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from ...definitions.snapshot import DefinitionsSnapshot
from ...storage import events as e
from ...storage.state import RunState, State
from ...storage.state.runs import Part
from ..host.client import Exited, LaunchFailed
from ..host.worker import MACHINERY_FAILED


@dataclass(frozen=True, slots=True)
class Refused:
    """The run cannot be planned under the definitions in force; trying again would not help."""

    run_id: str
    message: str


Gone = Exited | LaunchFailed | Refused | None
"""How a run's worker went; None: its lease is free and nobody knows."""


def conclusion(state: State, run: RunState, how: Gone) -> list[e.Event]:
    """The events that end a run whose worker is gone and did not end it itself.

    What stands below a step that failed in it before is skipped because of that step, however the run ended.
    """
    end = _end(state, run, how)
    return end if len(end) > 1 else [*_skips(state, run, run.failed, below_only=True), *end]


def _end(state: State, run: RunState, how: Gone) -> list[e.Event]:
    if isinstance(how, Refused):
        return [e.RunFailed(run_id=run.run_id, reason="launch_failed", message=how.message)]
    if isinstance(how, LaunchFailed):
        return [e.RunFailed(run_id=run.run_id, reason="launch_failed", infrastructure=True, message=how.message)]
    if how is None:
        message = "The process that worked on this run is gone and had not finished it."
        return [e.RunFailed(run_id=run.run_id, reason="orphaned", infrastructure=True, message=message)]
    if not run.started:
        message = f"The worker ended with status {how.status} before it had claimed the run; see the run's stderr.log."
        return [e.RunFailed(run_id=run.run_id, reason="launch_failed", infrastructure=True, message=message)]
    if how.status == MACHINERY_FAILED:
        message = "The worker could not go on; the traceback is in the run's stderr.log."
        return [e.RunFailed(run_id=run.run_id, reason="worker_failed", infrastructure=True, message=message)]
    if how.status == -signal.SIGKILL:
        message = "The worker was killed (SIGKILL): by hand, or by the system for want of memory."
        return [e.RunFailed(run_id=run.run_id, reason="worker_killed", infrastructure=True, message=message)]
    return _left_inside_a_step(state, run, how.status)


def _left_inside_a_step(state: State, run: RunState, status: int) -> list[e.Event]:
    if status < 0:
        message = f"The step's process was stopped by {signal.Signals(-status).name}."
    else:
        message = f"The step ended its process with status {status}; a step has to return or raise."
    error = e.ErrorInfo(cls="StepExited", message=message)
    events: list[e.Event] = []
    parts: list[Part] = list(run.failed)
    for step_key, step in run.steps.items():
        for check in step.checks:
            events += _shut_gate(run, check, message)
        checked: list[Part] = [(asset_key, partition) for asset_key, _, partition in step.checks]
        asset_key, partition = _shared([*step.handled_before, *checked])
        events.append(
            e.StepFailed(run_id=run.run_id, step_key=step_key, asset_key=asset_key, partition=partition, error=error)
        )
        parts += [*step.handled_before, *checked]
    events += _skips(state, run, parts, below_only=False)
    return [*events, e.RunFailed(run_id=run.run_id, reason="step_failed", message=message)]


def _shared(parts: Sequence[Part]) -> tuple[str | None, str | None]:
    """The asset and the partition that all of `parts` are of."""
    keys, partitions = {key for key, _ in parts}, {partition for _, partition in parts}
    return keys.pop() if len(keys) == 1 else None, partitions.pop() if len(partitions) == 1 else None


def _shut_gate(run: RunState, check: tuple[str, str, str | None], message: str) -> list[e.Event]:
    """A blocking check that cannot speak keeps its gate shut, as one that raises does."""
    asset_key, name, partition = check
    if name not in run.blocking_checks(asset_key):
        return []
    return [
        e.AssetCheckEvaluated(
            asset_key=asset_key,
            check_name=name,
            partition=partition,
            run_id=run.run_id,
            passed=False,
            blocking=True,
            description=message,
            raised=True,
        )
    ]


def _skips(state: State, run: RunState, failed: Sequence[Part], *, below_only: bool) -> list[e.Event]:
    """What the run has not started, skipped: because of `failed` where it is below, else simply not produced."""
    blockers = tuple(target_of(key, partition) for key, partition in failed)
    below = _below(state.definitions, {key for key, _ in failed})
    events: list[e.Event] = []
    for target in run.targets:
        waits = target.asset_key in below
        if not state.asset(target.asset_key).unstarted.get(run.run_id) or (below_only and not waits):
            continue
        events.append(
            e.StepSkipped(
                run_id=run.run_id,
                step_key=_step_of(state.definitions, target.asset_key),
                asset_key=target.asset_key,
                targets=(target,),
                reason="upstream_failed" if waits else "not_produced",
                blocked_by=blockers if waits else (),
            )
        )
    return events


def _step_of(definitions: DefinitionsSnapshot | None, key: str) -> str:
    asset = definitions.assets.get(key) if definitions else None
    return (asset.step if asset else "") or key


def _below(definitions: DefinitionsSnapshot | None, keys: set[str]) -> set[str]:
    """The assets downstream of `keys`, without them."""
    below: set[str] = set()
    for key, asset in definitions.assets.items() if definitions else ():  # upstream first
        if any(dep.key in keys or dep.key in below for dep in asset.deps):
            below.add(key)
    return below


def target_of(asset_key: str, partition: str | None) -> e.Target:
    return e.Target(asset_key=asset_key, partitions=None if partition is None else ((partition, partition),))
