"""Unfinished runs: what each has planned, started and still owes. A finished run leaves State; its history is the
log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...definitions.snapshot import check_node_key
from ..events import PlannedCheck, Target

Part = tuple[str, str | None]
"""An asset key and a partition key (None: the whole of an unpartitioned asset)."""

Tags = tuple[tuple[str, str], ...]
"""The tags of a run, sorted by name."""

RunNote = tuple[tuple[str, ...], Tags]
"""What is kept of a run with what it made: the keys that it was to make (of checks: those of their nodes), its tags."""

SHARED = 256  # notes that are kept to be shared by runs that are alike


@dataclass(slots=True)
class StepState:
    """A step that has started: where, and what H its targets had before, in case its attempt turns out not to count."""

    offset: int
    handled_before: dict[Part, int] = field(default_factory=dict)
    checks: tuple[tuple[str, str, str | None], ...] = ()
    """Asset key, name and partition of each check that the step evaluates, where it makes nothing."""
    checks_handled_before: dict[Part, int] = field(default_factory=dict)
    """As `handled_before`, of the nodes of these checks."""


@dataclass(slots=True)
class RunState:
    run_id: str
    offset: int
    """The offset of its RunRequested, which the claim expects to be the run's newest event."""
    requested_at: int
    targets: tuple[Target, ...]
    checks: tuple[PlannedCheck, ...]
    origin: str
    priority: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    run_config: Mapping[str, Any] = field(default_factory=dict)
    job_name: str | None = None
    definitions: str = ""
    """The hash of the definitions that it was planned under."""
    backfill_id: str | None = None
    started: bool = False
    steps: dict[str, StepState] = field(default_factory=dict)
    """Steps under way."""
    note: RunNote | None = None
    """Made when it is first asked for."""
    failed: list[Part] = field(default_factory=list)
    """What its failed steps were to make."""

    def blocking_checks(self, asset_key: str) -> set[str]:
        """The blocking checks that this run will evaluate on an asset."""
        if not self.checks:
            return set()
        return {check.name for check in self.checks if check.blocking and check.asset_key == asset_key}


class RunNotes:
    """The notes of runs. Equal ones are one object, so that an asset which compares them need not look inside."""

    def __init__(self) -> None:
        self._shared: dict[RunNote, RunNote] = {}

    def of(self, run: RunState) -> RunNote:
        if run.note is None:
            checks = (check_node_key(check.asset_key, check.name) for check in run.checks)
            keys = tuple(sorted({*(target.asset_key for target in run.targets), *checks}))
            note = (keys, tuple(sorted(run.tags.items())))
            run.note = self._shared.setdefault(note, note)
            while len(self._shared) > SHARED:
                del self._shared[next(iter(self._shared))]
        return run.note
