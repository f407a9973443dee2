"""A hand that plays the workers of any runs, one step at a time and all of them at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from headwater.storage import events as e

from .world import World

How = Literal["ok", "fail", "shut"]


@dataclass
class _Played:
    """One run: what is still to be made, what is being made, and because of what others wait."""

    run: e.RunRequested
    waiting: list[str]
    under_way: str | None = None
    stopped: dict[str, str] = field(default_factory=dict)
    """By asset, what failed or whose check did."""


class Hand:
    """Plays runs that it was given. It goes on where the daemon dies."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._open: list[_Played] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def take(self, runs: list[e.RunRequested]) -> None:
        self._open += [_Played(run, [target.asset_key for target in run.targets]) for run in runs]

    def step(self, choice: int, how: How = "ok") -> None:
        """The next thing that happens in one of the runs: a step begins, ends or is skipped, or the run ends."""
        if not self._open:
            return
        played = self._open[choice % len(self._open)]
        run_id = played.run.run_id
        if played.under_way is not None:
            self._finish(played, played.under_way, how)
            played.under_way = None
        elif played.waiting:
            key = played.waiting.pop(0)
            if (because_of := self._stopped_by(played, key)) is not None:
                played.stopped[key] = because_of
                self.world.skip(run_id, key, because_of=because_of)
            else:
                played.under_way = key
                self.world.start(run_id, key, read_through=self.world.state.through)
        else:
            self._open.remove(played)
            self.world.end(run_id, "failed" if played.stopped else "succeeded")

    def end(self, choice: int, how: str) -> None:
        """One of the runs is cancelled, or lost to infrastructure."""
        if self._open:
            self.world.end(self._open.pop(choice % len(self._open)).run.run_id, how)

    def _finish(self, played: _Played, key: str, how: How) -> None:
        checks = {check.name: how != "shut" for check in played.run.checks if check.asset_key == key}
        self.world.finish(played.run.run_id, key, ok=how != "fail", checks=checks)
        if how == "fail" or not all(checks.values()):
            played.stopped[key] = key

    def _stopped_by(self, played: _Played, key: str) -> str | None:
        definitions = self.world.state.definitions
        asset = definitions.assets.get(key) if definitions else None
        return (
            next((played.stopped[dep.key] for dep in asset.deps if dep.key in played.stopped), None) if asset else None
        )
