"""What can be wrong with the steps in which several assets are made: their names, and the way through them.

A function that makes all of its assets at once has read everything before it has made anything. So nothing that one of
them reads may, by way of other assets, come from another one of them; where it `can_subset` it is simply called twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from .errors import DefinitionError
from .keys import AssetKey
from .multi_assets import Member

if TYPE_CHECKING:
    from .binding import AssetNode

Step = AssetKey | str
"""What is made at once: the assets of one function, by its name, or an asset by its key."""


def shared_step_errors(nodes: Mapping[AssetKey, AssetNode], order: Sequence[AssetKey]) -> Iterator[DefinitionError]:
    """What is wrong; `order` is topological."""
    members = {key: node for key, node in nodes.items() if isinstance(node, Member)}
    if members:
        yield from _taken_names(nodes, members)
        yield from _circles(nodes, members, order)


def _taken_names(nodes: Mapping[AssetKey, AssetNode], members: Mapping[AssetKey, Member]) -> Iterator[DefinitionError]:
    """Functions that go by the same name: a step and its config are known by it."""
    first: dict[str, Member] = {}
    reported: set[int] = set()
    for key in sorted(members):
        member = members[key]
        other = first.setdefault(member.step, member)
        if other.fn is not member.fn and id(member.fn) not in reported:
            reported.add(id(member.fn))
            yield DefinitionError(
                f"{member.whole.source}: the name of {member.whole} is taken: there is another one at "
                f"{other.whole.source}. Give one of them another name=."
            )
    for name, member in first.items():
        taken = nodes.get(AssetKey([name]))
        if taken is not None and not taken.is_external and not isinstance(taken, Member):
            yield DefinitionError(
                f"{member.whole.source}: the name of {member.whole} is that of an asset, which is defined at "
                f"{taken.source}. Give the multi-asset another name=."
            )


def _circles(
    nodes: Mapping[AssetKey, AssetNode], members: Mapping[AssetKey, Member], order: Sequence[AssetKey]
) -> Iterator[DefinitionError]:
    """Circles between steps, where there are none between assets. Some that share steps show in the next load only."""
    if len(order) < len(nodes):
        return  # there is one between assets, which is told already
    step_of = {key: members[key].step if key in members and not members[key].can_subset else key for key in order}
    above: dict[Step, dict[Step, tuple[AssetKey, AssetKey]]] = {step: {} for step in step_of.values()}
    for key in order:
        for dep in nodes[key].deps:
            if step_of[dep.key] != step_of[key]:
                above[step_of[key]].setdefault(step_of[dep.key], (dep.key, key))
    left = _without_starts(above)
    while left:
        step = next(step for step in above if step in left)
        walked: dict[Step, tuple[AssetKey, AssetKey]] = {}
        while step not in walked:
            parent = next(parent for parent in above[step] if parent in left)
            walked[step] = above[step][parent]
            step = parent
        circle = list(walked)[list(walked).index(step) :]
        yield _circle([walked[one] for one in reversed(circle)], members)
        left = _without_starts({one: above[one] for one in left - set(circle)})


def _without_starts(above: Mapping[Step, Iterable[Step]]) -> set[Step]:
    """The steps on circles, and those below them."""
    sorter = {step: {parent for parent in parents if parent in above} for step, parents in above.items()}
    below: dict[Step, list[Step]] = {step: [] for step in sorter}
    for step, parents in sorter.items():
        for parent in parents:
            below[parent].append(step)
    counts = {step: len(parents) for step, parents in sorter.items()}
    ready = [step for step, count in counts.items() if count == 0]
    while ready:
        for child in below[(done := ready.pop())]:
            counts[child] -= 1
            if counts[child] == 0:
                ready.append(child)
        del counts[done]
    return set(counts)


def _circle(edges: Sequence[tuple[AssetKey, AssetKey]], members: Mapping[AssetKey, Member]) -> DefinitionError:
    """`edges` lead around, each from what one step makes to what the next one makes."""
    whole = next(members[key].whole for edge in edges for key in edge if key in members)
    path = ", ".join(f"{str(below)!r} reads {str(above)!r}" for above, below in edges)
    error = DefinitionError(
        f"{whole.source}: {whole} makes all its assets in one step, which would have to come before itself: {path}. "
        "Let it make some of its assets without the others (can_subset=True and context.selected_asset_keys), or split "
        "it."
    )
    error.source = whole.source
    return error
