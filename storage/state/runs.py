"""Unfinished runs: what each has planned, started and still owes. A finished run leaves State; its history is the
log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from ...definitions.snapshot import check_node_key
from ..events import PlannedCheck, Target

Part = tuple[str, str | None]
"""An asset key and a partition key (None: the whole of an unpartitioned asset)."""

Tags = tuple[tuple[str, str], ...]
"""The tags of a run, sorted by name."""

NAME = 20  # hex digits of the name of a note
MANY = 1_024  # notes that there are more of than what was in use before have to be gone through


class RunNote(NamedTuple):
    """What is kept of a run with what it made: the keys that it was to make (of checks: those of their nodes), and its
    tags."""

    keys: frozenset[str]
    tags: Tags


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
    note: str | None = None
    """The name of its note, which is made when it is first asked for."""
    failed: list[Part] = field(default_factory=list)
    """What its failed steps were to make."""

    def blocking_checks(self, asset_key: str) -> set[str]:
        """The blocking checks that this run will evaluate on an asset."""
        if not self.checks:
            return set()
        return {check.name for check in self.checks if check.blocking and check.asset_key == asset_key}


class RunNotes:
    """The notes of runs, by a name that follows from what they say.

    Assets keep the names: a run of thousands of assets is noted once and not in each of them.
    """

    def __init__(self, used: Callable[[], set[str]]) -> None:
        """`used` tells which names something has kept."""
        self.notes: dict[str, RunNote] = {}
        self._used = used
        self._tidy_at = MANY

    def __getitem__(self, name: str) -> RunNote:
        return self.notes[name]

    def of(self, run: RunState) -> str:
        if run.note is None:
            checks = (check_node_key(check.asset_key, check.name) for check in run.checks)
            keys = frozenset([*(target.asset_key for target in run.targets), *checks])
            tags = tuple(sorted(run.tags.items()))
            said = json.dumps([sorted(keys), tags])
            run.note = sha256(said.encode()).hexdigest()[:NAME]
            self.notes.setdefault(run.note, RunNote(keys, tags))
            if len(self.notes) > self._tidy_at:
                self._tidy(run.note)
        return run.note

    def _tidy(self, newest: str) -> None:
        used = self._used() | {newest}
        self.notes = {name: note for name, note in self.notes.items() if name in used}
        self._tidy_at = MANY + 2 * len(self.notes)
