"""What a condition looks at beside its asset and that asset's direct dependencies: checks, the dependencies of these,
assets named by their key. A change there is a reason to look at the condition again."""

from __future__ import annotations

from collections.abc import Iterator

from ...definitions.conditions import AssetMatches, AutomationCondition, ChecksMatch, DepsMatch
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, check_node_key


def any_far_reads(condition: AutomationCondition) -> bool:
    """Whether the condition looks further than at direct dependencies."""
    if isinstance(condition, AssetMatches | ChecksMatch):
        return True
    below = [node for child in condition.children for node in child.walk()]
    if isinstance(condition, DepsMatch) and any(isinstance(node, DepsMatch) for node in below):
        return True
    return any(any_far_reads(child) for child in condition.children)


def far_reads(asset: AssetSnapshot, definitions: DefinitionsSnapshot) -> set[str]:
    """The keys of all that the condition of `asset` looks at, checks by the key of their node, but for `asset`."""
    assert asset.condition is not None
    return set(_reads(asset.condition, asset, definitions)) - {asset.key}


def _reads(condition: AutomationCondition, at: AssetSnapshot, definitions: DefinitionsSnapshot) -> Iterator[str]:
    if isinstance(condition, ChecksMatch):
        for check in at.checks:
            if (check.blocking or not condition.blocking_only) and condition.looks_at(at.key, check.name):
                yield check_node_key(at.key, check.name)
        yield at.key
    places = [at]
    if isinstance(condition, DepsMatch):
        places = [definitions.assets[dep.key] for dep in at.deps if condition.looks_at(dep.key)]
    elif isinstance(condition, AssetMatches):
        places = [definitions.assets[condition.key]]
    for place in places:
        yield place.key
        for child in condition.children:
            yield from _reads(child, place, definitions)
