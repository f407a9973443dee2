"""The leaves of a selection: assets by their key, by what they are labelled with, and by what they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import InvalidAssetSelection, did_you_mean
from ..keys import AssetCheckKey, AssetKey
from .base import AssetSelection
from .patterns import literal, matcher, normal, shown_key, shown_value
from .view import SelectableAsset, SelectableAssets


class EmptySelection(UserWarning):
    """A name in a selection (of a group, a tag, an owner, ...) is that of no asset: this part of it selects nothing."""


class Leaf(AssetSelection):
    """A selection that needs no parentheses anywhere."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class Everything(Leaf):
    """All assets, external ones too: `*`."""

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return view.keys

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True, repr=False)
class Key(Leaf):
    """The asset of this key, or all that the function of this name makes; one of the two must exist."""

    key: AssetKey

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        if self.key not in view.assets:
            if len(self.key.parts) == 1 and self.key.parts[0] in view.steps:
                return view.steps[self.key.parts[0]]
            known = [*map(str, view.assets), *view.steps]
            shown = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
            hint = did_you_mean(str(self.key), known, f"Defined are: {shown or 'none'}.")
            raise InvalidAssetSelection(f"there is no asset {str(self.key)!r}. {hint}")
        return {self.key}

    def __str__(self) -> str:
        return shown_key(str(self.key))


@dataclass(frozen=True, slots=True, repr=False)
class Check(Leaf):
    """One check, which must exist, and no asset."""

    check: AssetCheckKey

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return set()

    def checks_in(self, view: SelectableAssets) -> set[AssetCheckKey]:
        if self.check not in view.checks:
            Key(self.check.asset_key).assets_in(view)
            names = [check.name for check in view.assets[self.check.asset_key].checks]
            hint = did_you_mean(self.check.name, names, f"It has: {', '.join(names) or 'none'}.")
            raise InvalidAssetSelection(f"asset {str(self.check.asset_key)!r} has no check {self.check.name!r}. {hint}")
        return {self.check}

    def __str__(self) -> str:
        asset, name = literal(str(self.check.asset_key)), literal(self.check.name)
        return f"check:{shown_value(asset)}={shown_value(name)}"


ATTRIBUTES: dict[str, Callable[[SelectableAsset], Iterable[str]]] = {
    "key": lambda asset: [str(asset.key)],
    "key_prefix": lambda asset: [
        AssetKey(asset.key.parts[:n]).to_user_string() for n in range(1, len(asset.key.parts) + 1)
    ],
    "group": lambda asset: [asset.group] if asset.group is not None else [],
    "kind": lambda asset: asset.kinds,
    "owner": lambda asset: asset.owners,
    "partitions": lambda asset: [asset.partitions] if asset.partitions is not None else [],
}


@dataclass(frozen=True, slots=True, repr=False)
class Label(Leaf):
    """The assets with a label of this sort that `pattern` matches; None: those with no such label."""

    attribute: str
    pattern: str | None

    def __post_init__(self) -> None:
        if self.pattern is not None:
            object.__setattr__(self, "pattern", normal(self.pattern))
            if self.attribute == "group" and self.pattern == "default":  # what an asset without a group is in
                object.__setattr__(self, "pattern", None)

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        labels = ATTRIBUTES[self.attribute]
        if self.pattern is None:
            return {asset.key for asset in view.assets.values() if not labels(asset)}
        matches = matcher(self.pattern)
        found = {asset.key for asset in view.assets.values() if any(map(matches, labels(asset)))}
        if not found:
            _warn(self, self.pattern, {label for asset in view.assets.values() for label in labels(asset)})
        return found

    def __str__(self) -> str:
        return f"{self.attribute}:{shown_value(self.pattern)}"


@dataclass(frozen=True, slots=True, repr=False)
class Tag(Leaf):
    """The assets with a tag whose key and value match. A key of None: those without any tag."""

    key: str | None
    value: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", None if self.key is None else normal(self.key))
        object.__setattr__(self, "value", "" if self.key is None else normal(self.value))

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        if self.key is None:
            return {asset.key for asset in view.assets.values() if not asset.tags}
        is_key, is_value = matcher(self.key), matcher(self.value)
        found = {
            asset.key
            for asset in view.assets.values()
            if any(is_key(key) and is_value(value) for key, value in asset.tags.items())
        }
        if not found:
            written = f"{self.key}={self.value}" if self.value else self.key
            known = {f"{key}={value}" if value else key for a in view.assets.values() for key, value in a.tags.items()}
            _warn(self, written, known)
        return found

    def __str__(self) -> str:
        return f"tag:{shown_value(self.key)}" + (f"={shown_value(self.value)}" if self.value else "")


@dataclass(frozen=True, slots=True, repr=False)
class Is(Leaf):
    """The assets that are "external" (made elsewhere) or "materializable" (made here)."""

    what: str

    def assets_in(self, view: SelectableAssets) -> set[AssetKey]:
        return {asset.key for asset in view.assets.values() if asset.external == (self.what == "external")}

    def __str__(self) -> str:
        return f"is:{self.what}"


def _warn(selection: AssetSelection, missing: str, known: Iterable[str]) -> None:
    hint = did_you_mean(missing, sorted(known), f"There are: {', '.join(sorted(known)[:10]) or 'none'}.")
    warnings.warn(f"{selection} selects no asset. {hint}", EmptySelection, stacklevel=4)
