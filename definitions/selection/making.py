"""What of a selection is to be made: an external asset has nothing to run, and a check runs with its asset.

Where external assets come in by a group, a "+" or a "*" they are left out. One that is named as itself is a mistake,
and is refused rather than left out in silence.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InvalidInvocationError
from ..keys import AssetKey
from .base import AssetSelection
from .names import EmptySelection, Key
from .operators import Or
from .view import AssetCheckKey, SelectableAssets

if TYPE_CHECKING:
    from .view import Selectable


class ToMake(NamedTuple):
    """Assets, each after what it reads, and the checks of them that are selected."""

    assets: list[AssetKey]
    checks: set[AssetCheckKey]


def to_make(selection: AssetSelection, assets: Selectable) -> ToMake:
    """The selected assets that are made here, with those of their checks that are selected.

    Raises:
        InvalidInvocationError: there are none, one that is named is external, or a check is selected without its asset.
        InvalidAssetSelection: one that is named does not exist.
    """
    view = SelectableAssets.of(assets)
    chosen = selection.assets_in(view)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmptySelection)  # the line above has given the same ones
        checks = selection.checks_in(view)
    for key in _named(selection):
        if view.assets[key].external:
            raise InvalidInvocationError(
                f"asset {str(key)!r} is external: something else makes it, so it cannot be selected to be made. When "
                f"it has been made, say so with `headwater asset report {key}`."
            )
    for check in sorted(checks, key=str):
        if check.asset_key not in chosen:
            raise InvalidInvocationError(
                f"check {check.name!r} is selected without its asset {str(check.asset_key)!r}: checks alone cannot be "
                "run yet. Select the asset too."
            )
    made = [asset.key for asset in view.assets.values() if asset.key in chosen and not asset.external]
    if not made:
        what = "all that it selects is external" if chosen else "it selects no asset"
        raise InvalidInvocationError(f"there is nothing to make of the selection {str(selection)!r}: {what}.")
    return ToMake(made, {check for check in checks if not view.assets[check.asset_key].external})


def _named(selection: AssetSelection) -> Iterator[AssetKey]:
    """The assets that stand in the selection as themselves."""
    for one in selection.operands if isinstance(selection, Or) else (selection,):
        if isinstance(one, Key):
            yield one.key
