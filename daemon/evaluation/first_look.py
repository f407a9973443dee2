"""First evaluations: who is evaluated for the first time ever, under which rule, and what that leaves as it is."""

from __future__ import annotations

from ...definitions.conditions.first import AS_USUAL
from ...definitions.snapshot import AssetSnapshot
from ...storage.events import FirstLook
from .moment import Moment


def begin(moment: Moment, asset: AssetSnapshot) -> None:
    """`asset` is about to be evaluated, and never was before."""
    assert asset.condition is not None
    first = asset.condition.first or AS_USUAL
    if first.how == "baseline":
        moment.baseline.add(asset.key)
    elif first.limit is not None and asset.partitions is not None:
        moment.first_limits[asset.key] = first.limit


def told(moment: Moment) -> tuple[FirstLook, ...]:
    """The first evaluations of this moment, as its Tick records them: those that left something as it is."""
    state = moment.state
    return tuple(
        FirstLook(
            asset_key=key,
            on_first="baseline" if key in moment.baseline else "request",
            left=state.space(key).ranges(left) if left else (),
        )
        for key in sorted(moment.baseline | moment.left.keys())
        for left in (moment.left.get(key),)
    )
