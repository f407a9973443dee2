"""Automation turned off, or to a dry run: for all assets, for groups, or for single ones. The last word counts.

What was said of all replaces everything that had been said before; what was said of a group holds for its assets until
something newer is said of one of them, whatever joins the group.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import events as e

Place = tuple[str, str]
"""("all", ""), ("group", name) or ("asset", key)."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What was said, and the offset at which."""

    mode: e.AutomationMode
    offset: int
    place: Place


class Switches:
    def __init__(self) -> None:
        self.said: dict[Place, Switch] = {}

    def switched(self, event: e.AutomationSwitched, *, offset: int) -> None:
        places: list[Place] = [("group", group) for group in event.groups] + [("asset", key) for key in event.assets]
        if not places:
            self.said.clear()
            places = [("all", "")]
        for place in places:
            self.said[place] = Switch(event.mode, offset, place)

    def of(self, key: str, group: str) -> Switch | None:
        """The newest word on an asset; None where there is none: its automation is on."""
        if not self.said:
            return None
        words = [self.said[p] for p in (("all", ""), ("group", group), ("asset", key)) if p in self.said]
        return max(words, key=lambda switch: switch.offset, default=None)

    def mode_of(self, key: str, group: str) -> e.AutomationMode:
        switch = self.of(key, group)
        return "on" if switch is None else switch.mode
