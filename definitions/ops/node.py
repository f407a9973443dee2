"""Nodes: what a graph is made of, ops and other graphs, each usable several times under names of its own.

`alias`, `tag`, `with_hooks` and `with_retry_policy` give a copy that says more; the definition stays as it was. Called
in the body of a graph a node is wired, called anywhere else it runs (see `composition.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..hooks import HookDefinition, checked_hooks
from ..labels import checked_tags
from ..retries import RetryPolicy
from ..source import SourceLine
from .ports import In, Out, check_name

if TYPE_CHECKING:
    from typing import Self


class Node:
    """An op or a graph. `name` is that of the definition, `node_name` the one that it has in a graph."""

    kind = "node"
    ins: Mapping[str, In]
    outs: Mapping[str, Out]

    def __init__(
        self,
        name: str,
        *,
        description: str | None,
        tags: Mapping[str, Any] | None,
        source: SourceLine,
    ) -> None:
        check_name(name, what=f"{'an' if self.kind == 'op' else 'a'} {self.kind}", source=source)
        self.name = name
        self.source = source
        self.description = description
        self.tags: Mapping[str, str] = checked_tags(_as_text(tags), owner=str(self), source=source)
        self.hooks: frozenset[HookDefinition] = frozenset()
        self.retry_policy: RetryPolicy | None = None
        self.explicit_name: str | None = None

    @property
    def node_name(self) -> str:
        return self.explicit_name or self.name

    def alias(self, name: str) -> Self:
        """A copy that goes by `name` in a graph: for one op used twice."""
        check_name(name, what=f"{self}, as an alias", source=SourceLine.here(1))
        return self._with(explicit_name=name)

    def tag(self, tags: Mapping[str, Any]) -> Self:
        """A copy with more tags."""
        more = checked_tags(_as_text(tags), owner=str(self), source=SourceLine.here(1))
        return self._with(tags={**self.tags, **more})

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> Self:
        """A copy with more hooks; those of a graph run after each of its steps."""
        more = checked_hooks(hook_defs, owner=str(self), source=SourceLine.here(1))
        return self._with(hooks=self.hooks | more)

    def with_retry_policy(self, retry_policy: RetryPolicy) -> Self:
        """A copy that is tried again by this policy."""
        return self._with(retry_policy=retry_policy)

    def _with(self, **changed: Any) -> Self:
        made = copy.copy(self)
        for name, value in changed.items():
            setattr(made, name, value)
        return made

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self} of {self.source}>"


def _as_text(tags: Mapping[str, Any] | None) -> dict[str, Any]:
    """Tags with numbers as text: the tags of ops carry priorities and limits."""
    return {key: str(value) if isinstance(value, (int, float)) else value for key, value in (tags or {}).items()}
