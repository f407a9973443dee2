"""A run in words: the table of runs, and everything about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import typer

from ...storage.clock import SystemClock
from ...storage.events import AssetCheckEvaluated, Target
from .output import first_line, iso, print_table, shortened, shown_part, shown_ranges, shown_span, shown_time
from .run_history import RunRecord, StepRecord
from .run_status import RunStatus

SKIPPED_BECAUSE = {
    "upstream_failed": "upstream failed",
    "check_failed": "a blocking check failed",
    "not_produced": "it was not produced",
}


def print_runs(runs: Sequence[RunRecord]) -> None:
    rows = [
        [
            run.run_id,
            run.status.value,
            shown_time(run.requested_at),
            shown_span(_took(run)),
            run.origin,
            _makes(run),
            first_line(_why(run), limit=60),
        ]
        for run in runs
    ]
    print_table(["run", "status", "requested", "took", "origin", "makes", "why"], rows)


def print_run(run: RunRecord, *, note: str = "") -> None:
    """The run with its steps, its checks, and the tracebacks of what failed."""
    facts = [
        ("run", run.run_id),
        ("status", run.status.value + (f" ({note})" if note else "")),
        ("why", _why(run)),
        ("origin", run.origin),
        ("job", run.job_name or ""),
        ("makes", _makes(run, limit=10)),
        ("requested", shown_time(run.requested_at)),
        ("started", shown_time(run.started_at)),
        ("took", shown_span(_took(run))),
        ("worker", run.worker),
        ("tags", ", ".join(f"{name}={value}" for name, value in run.tags.items())),
    ]
    for name, value in facts:
        if value:
            typer.echo(f"{name:<10} {value}")
    if run.steps:
        typer.echo()
        rows = [
            [_step(step), step.status, shown_time(step.started_at), shown_span(step.took_s), _step_why(step)]
            for step in run.steps.values()
        ]
        print_table(["step", "status", "started", "took", "why"], rows)
    if run.checks:
        typer.echo()
        rows = [
            [
                f"{shown_part(check.asset_key, check.partition)}:{check.check_name}",
                _result(check),
                check.description or "",
            ]
            for check in run.checks
        ]
        print_table(["check", "result", "description"], rows)
    for step in run.steps.values():
        if step.error is not None and step.error.traceback:
            typer.echo(f"\n{_step(step)} failed:\n{step.error.traceback.rstrip()}")
    for hook in run.hooks_errored:
        typer.echo(f"\nThe hook {hook.hook!r} raised after {hook.step_key}:\n{hook.error.traceback.rstrip()}")


def run_as_json(run: RunRecord, *, steps: bool = True) -> dict[str, Any]:
    """The run for programs; times in UTC."""
    took = _took(run)
    data: dict[str, Any] = {
        "run_id": run.run_id,
        "status": run.status.value,
        "origin": run.origin,
        "job": run.job_name,
        "requested_at": iso(run.requested_at),
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "took_s": None if took is None else took.total_seconds(),
        "targets": [target.model_dump(mode="json") for target in run.targets],
        "tags": run.tags,
        "worker": run.worker or None,
        "reason": run.reason,
        "message": run.message or None,
    }
    if steps:
        data["steps"] = [_step_as_json(step) for step in run.steps.values()]
        fields = {"asset_key", "partition", "check_name", "passed", "severity", "blocking", "description", "metadata"}
        data["checks"] = [check.model_dump(mode="json", include=fields) for check in run.checks]
    return data


def _step_as_json(step: StepRecord) -> dict[str, Any]:
    return {
        "step_key": step.step_key,
        "asset_key": step.asset_key,
        "partition": step.partition,
        "check_name": step.check_name,
        "status": step.status,
        "started_at": iso(step.started_at),
        "took_s": step.took_s,
        "attempt": step.attempt,
        "error": None if step.error is None else step.error.model_dump(mode="json"),
        "skipped_because": step.skipped_because,
        "blocked_by": [target.model_dump(mode="json") for target in step.blocked_by],
    }


def _took(run: RunRecord) -> timedelta | None:
    """From its start to its end, or to now; None before its start."""
    if run.started_at is None:
        return None
    end: datetime = run.ended_at or SystemClock().now()
    return end - run.started_at


def _why(run: RunRecord) -> str:
    """Why a run did not come to a good end; which of its steps were left out where it did."""
    if run.status is RunStatus.FAILED:
        return run.message or (run.reason or "").replace("_", " ")
    return run.message


def _targets(targets: Sequence[Target], *, limit: int = 3) -> str:
    return shortened([shown_ranges(target.asset_key, target.partitions) for target in targets], limit=limit)


def _makes(run: RunRecord, *, limit: int = 3) -> str:
    """What it is for: assets, else the job of ops, else the checks that it evaluates."""
    if run.targets:
        return _targets(run.targets, limit=limit)
    if run.job_name:
        return f"job {run.job_name}"
    return shortened([f"{check.asset_key}:{check.name}" for check in run.planned_checks], limit=limit)


def _step(step: StepRecord) -> str:
    part = shown_part(step.asset_key, step.partition) or step.step_key
    return f"{part}:{step.check_name}" if step.check_name else part


def _step_why(step: StepRecord) -> str:
    if step.error is not None:
        again = f"attempt {step.attempt} failed, " if step.status == "up_for_retry" else ""
        again += f"next after {step.retry_wait_s:g} s: " if again and step.retry_wait_s else ""
        return first_line(f"{again}{step.error.cls}: {step.error.message}")
    if step.attempt > 1 and step.skipped_because is None:
        return f"attempt {step.attempt}"
    if step.skipped_because is None:
        return ""
    because = SKIPPED_BECAUSE.get(step.skipped_because, step.skipped_because)
    return f"{because}: {_targets(step.blocked_by)}" if step.blocked_by else because


def _result(check: AssetCheckEvaluated) -> str:
    if check.passed:
        return "passed"
    return "warned" if check.severity == "WARN" else "failed, blocking" if check.blocking else "failed"
