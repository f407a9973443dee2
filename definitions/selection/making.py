"""What a run of a selection has to do: assets are made, observable sources are observed, checks are evaluated.

An external asset has nothing to run. Where external assets come in by a group, a "+" or a "*" they are left out. One
that is named as itself is a mistake, and is refused rather than left out in silence.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InvalidInvocationError, InvalidSubsetError
from ..keys import AssetCheckKey, AssetKey
from .base import AssetSelection
from .names import EmptySelection, Key
from .operators import Or
from .view import SelectableAssets

if TYPE_CHECKING:
    from .view import Selectable, SelectableAsset


class ToMake(NamedTuple):
    """What a run is to do: the assets to make or to observe, each after what it reads, and the checks to evaluate,
    which may be of other assets."""

    assets: list[AssetKey]
    checks: set[AssetCheckKey]


def to_make(selection: AssetSelection, assets: Selectable) -> ToMake:
    """The selected assets that are made here, or observable ones, and the selected checks.

    Raises:
        InvalidInvocationError: there are neither assets nor checks; an asset that is named is external; or a check is
            selected without its asset, the function of which evaluates it.
        InvalidSubsetError: some assets are selected, without others that only come together with them.
        InvalidAssetSelection: one that is named does not exist.
    """
    view = SelectableAssets.of(assets)
    chosen = selection.assets_in(view)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmptySelection)  # the line above has given the same ones
        checks = selection.checks_in(view)
    named = set(_named(selection))
    for key in sorted(named & view.keys):
        _refuse_external(view.assets[key])
    made = _to_run(view, chosen, named)
    _check_whole(view, made)
    alone = {check for check in checks if check.asset_key not in chosen}
    together = {check for check in checks if check.asset_key in made}
    if not made and not alone:
        what = "all that it selects is external" if chosen else "it selects no asset"
        raise InvalidInvocationError(f"there is nothing to make of the selection {str(selection)!r}: {what}.")
    return ToMake(list(made), evaluated_with(view, made, alone | together))


def all_to_make(assets: Selectable) -> ToMake:
    """All assets that are made here, and all checks. Where none is made, the observable ones.

    Raises:
        InvalidInvocationError: there is nothing at all to do.
    """
    view = SelectableAssets.of(assets)
    made = _to_run(view, view.keys, set())
    checks = {
        AssetCheckKey(asset.key, check.name)
        for asset in view.assets.values()
        for check in asset.checks
        if not check.inline or asset.key in made
    }
    if not made and not checks:
        raise InvalidInvocationError("there is nothing to materialize: none of the assets has a function to make it.")
    return ToMake(list(made), checks)


def evaluated_with(
    view: SelectableAssets, assets: Collection[AssetKey], checks: Iterable[AssetCheckKey]
) -> set[AssetCheckKey]:
    """`checks`, and those that are evaluated whether or not they were selected: inline ones of the `assets` that are
    made, and all of a step that cannot evaluate some of its checks only.

    Raises:
        InvalidInvocationError: an inline check is wanted without its asset.
    """
    found = set(checks)
    for key in sorted(found):
        check = next(one for one in view.assets[key.asset_key].checks if one.name == key.name)
        if check.inline and key.asset_key not in assets:
            raise InvalidInvocationError(
                f"check {key.name!r} is evaluated by the function that makes asset {str(key.asset_key)!r}, so it "
                "cannot be run without it. Select the asset too."
            )
    found |= {AssetCheckKey(key, check.name) for key in assets for check in view.assets[key].checks if check.inline}
    return found | view.evaluated_together(found)


def _check_whole(view: SelectableAssets, made: Collection[AssetKey]) -> None:
    """Make sure that nothing is left out that only comes together with what is made."""
    if left_out := view.made_with(set(made)) - set(made):
        step = view.assets[min(left_out)].made_together
        wanted = [str(key) for key in made if view.assets[key].made_together == step]
        missing = [str(key) for key in sorted(left_out) if view.assets[key].made_together == step]
        raise InvalidSubsetError(step, wanted=wanted, missing=missing)


def _to_run(view: SelectableAssets, chosen: set[AssetKey], named: set[AssetKey]) -> dict[AssetKey, None]:
    """The chosen assets that a run has to do with, upstream first. Observable ones only where they are named, or where
    there is nothing else."""
    made = [a.key for a in view.assets.values() if a.key in chosen and not a.external]
    seen = {a.key for a in view.assets.values() if a.key in chosen and a.observable and (a.key in named or not made)}
    return {key: None for key in view.assets if key in seen or (key in chosen and not view.assets[key].external)}


def _refuse_external(asset: SelectableAsset) -> None:
    if asset.external and not asset.observable:
        checks = f" Its checks alone are selected by `checks({asset.key})`." if asset.checks else ""
        raise InvalidInvocationError(
            f"asset {str(asset.key)!r} is external: something else makes it, so it cannot be selected to be made. When "
            f"it has been made, say so with `headwater asset report {asset.key}`.{checks}"
        )


def _named(selection: AssetSelection) -> Iterator[AssetKey]:
    """The assets that stand in the selection as themselves."""
    for one in selection.operands if isinstance(selection, Or) else (selection,):
        if isinstance(one, Key):
            yield one.key
