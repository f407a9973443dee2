"""The states of assets of which a snapshot is read only when somebody asks for them.

Reading the whole of a large State takes far longer than looking at one asset of it. So the states of a snapshot may
stand here unread, in their order; to the fold and to its readers this is a dict like any other. Whoever goes through
all of it reads all of it at once, and whoever asks for many one by one gets more and more along with each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, ItemsView, Iterable, Iterator, ValuesView
from typing import Any

from .assets import AssetState

FEW = 16  # states that are read one by one before others are read along


class UnreadStates(dict[str, AssetState]):
    """`keys` in order, and `read`, which gives the states of some of them."""

    def __init__(self, keys: Iterable[str], read: Callable[[Collection[str]], dict[str, AssetState]]) -> None:
        super().__init__(dict.fromkeys(keys))  # type: ignore[arg-type]  a place for each; nobody is given what is in it
        self._unread = dict.fromkeys(self)
        self._read = read
        self._reads = 0

    @property
    def unread(self) -> Collection[str]:
        return self._unread.keys()

    def _look_up(self, key: str) -> None:
        self._reads += 1
        also = [other for other, _ in zip(self._unread, range(self._reads - FEW), strict=False)]
        self._fetch({key, *also})

    def _fetch(self, keys: Collection[str]) -> None:
        if keys:
            for key, state in self._read(keys).items():
                super().__setitem__(key, state)
                self._unread.pop(key, None)

    def __getitem__(self, key: str) -> AssetState:
        if key in self._unread:
            self._look_up(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        if key in self._unread:
            self._look_up(key)
        return super().get(key, default)

    def __setitem__(self, key: str, state: AssetState) -> None:
        self._unread.pop(key, None)
        super().__setitem__(key, state)

    def values(self) -> ValuesView[AssetState]:  # type: ignore[override]
        self._fetch([*self._unread])
        return super().values()  # type: ignore[return-value]

    def items(self) -> ItemsView[str, AssetState]:  # type: ignore[override]
        self._fetch([*self._unread])
        return super().items()  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:  # defined here, or `dict(self)` would copy the empty places
        return super().__iter__()
