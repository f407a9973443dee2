"""What happened: the event log and its events, the stores that it stands on, and the folds over it.

Importing this room imports none of its modules: what is needed is imported from where it stands (`storage.log`,
`storage.events`, `storage.state`), so that nobody pays for a database who only wants the name of an event. `History`,
for notebooks and tests, is found here too, and imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .history import History

__all__ = ["History"]


def __getattr__(name: str) -> Any:
    if name == "History":
        from .history import History

        return History
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
