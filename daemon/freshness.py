"""The watch over freshness: writes down, at the instant at which it happens, that an asset came to keep or break its
promise.

When an asset was last made fixes in advance when its state will change: these instants stand in a heap, one an asset,
and only an asset that was made, or that the definitions changed, is looked at again. After a downtime each asset gets
one event, with the state that it is in and the instant since which it has been so.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import UTC, datetime

from ..definitions.freshness import FreshnessPolicy, FreshnessState
from ..storage import events as e
from ..storage.clock import from_microseconds
from ..storage.log import StoredEvent
from ..storage.state import State

NEVER = datetime.max.replace(tzinfo=UTC)


class FreshnessWatch:
    """Follows one State. It writes nothing: what changed is handed to whoever appends."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._policies: dict[str, FreshnessPolicy] | None = None
        self._looked_under = ""
        self._unsettled: set[str] = set()
        self._due: list[tuple[datetime, str]] = []
        self._planned: dict[str, datetime] = {}
        """The instant in `_due` at which an asset is looked at. One that was made again meanwhile is looked at too
        early, in vain, and then planned anew: so the heap does not grow with what is made."""

    def observe(self, events: Sequence[StoredEvent]) -> None:
        """Take note of events that have been folded."""
        if self._looked_under != self._state.definitions_hash:
            self._define()
        elif self._policies:
            made = {s.event.asset_key for s in events if isinstance(s.event, e.AssetMaterialized)}
            self._unsettled |= made & self._policies.keys()

    def _define(self) -> None:
        assets = self._state.definitions.assets if self._state.definitions else {}
        self._policies = {key: asset.freshness for key, asset in assets.items() if asset.freshness is not None}
        self._looked_under = self._state.definitions_hash
        self._unsettled = set(self._policies)
        self._due.clear()
        self._planned.clear()

    @property
    def next_due(self) -> datetime | None:
        """When time alone changes the state of an asset."""
        return self._due[0][0] if self._due else None

    def changed(self, now: datetime) -> list[e.FreshnessChanged]:
        """What has changed by `now` and is not in the log yet, in the order in which it happened."""
        while self._due and self._due[0][0] <= now:
            at, key = heapq.heappop(self._due)
            if self._planned.get(key) == at:
                del self._planned[key]
            self._unsettled.add(key)
        if not self._unsettled:
            return []
        found = [change for key in self._unsettled if (change := self._look(key, now)) is not None]
        self._unsettled.clear()
        return sorted(found, key=lambda change: (change.at, change.asset_key))

    def _look(self, key: str, now: datetime) -> e.FreshnessChanged | None:
        assert self._policies is not None
        policy, asset = self._policies[key], self._state.asset(key)
        made_at = from_microseconds(asset.made_at) if asset.made_at else None
        due = policy.next_change(made_at, now)
        if due is not None and due < self._planned.get(key, NEVER):
            heapq.heappush(self._due, (due, key))
            self._planned[key] = due
        state, since = policy.standing(made_at, now)
        if since is None or state is FreshnessState.UNKNOWN or state.value == asset.freshness:
            return None
        return e.FreshnessChanged(
            asset_key=key,
            state=state.value,  # type: ignore[arg-type]
            previous=asset.freshness or "UNKNOWN",  # type: ignore[arg-type]
            at=since,
            made_at=made_at,
        )
