"""Where in a tree of conditions a compiled node stands: known before it is known at which dependency it will look."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """The path up to the dependency that a node looks at, and behind it (None: it looks at the root itself)."""

    before: str = ""
    after: str | None = None
    in_reset: bool = False
    """Whether it stands in the reset of a latch."""

    def down(self, text: str) -> Place:
        if self.after is None:
            return self._replace(before=self.before + text)
        return self._replace(after=self.after + text)

    def along_dep(self) -> Place:
        return self._replace(after="")

    def path(self, key: str) -> str:
        """The path of a node that looks at the asset `key`."""
        return self.before if self.after is None else f"{self.before}[{key}]{self.after}"
