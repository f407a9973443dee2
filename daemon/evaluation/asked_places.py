"""Where the conditions that users wrote in Python stand: which of them is asked about which assets and checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...definitions.conditions import AssetMatches, AutomationCondition, ChecksMatch, DepsMatch, PythonCondition
from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot, check_node_key
from ...storage.state import State
from ...storage.state.conditions import Place


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition that is asked about an asset, or one of its checks."""

    node: PythonCondition
    asset_key: str
    check_name: str | None
    watched: frozenset[str]
    """The assets of which an event is a reason to ask anew: that one, and what it reads."""

    @property
    def place(self) -> Place:
        return self.node.node_id, self.key

    @property
    def key(self) -> str:
        return self.asset_key if self.check_name is None else check_node_key(self.asset_key, self.check_name)


def places_of(definitions: DefinitionsSnapshot) -> dict[str, dict[Place, Asked]]:
    """What the condition of each asset, and of each check that has one, asks of users' code, by its key. Those of
    assets that have no function are left out: nothing is decided about these."""
    if not definitions.python_nodes:
        return {}
    found: dict[str, dict[Place, Asked]] = {}
    for key, asset in definitions.evaluated.assets.items():
        if asset.condition is not None and asset.has_function:
            walked = _walk(asset.condition, *_itself(asset), asset, definitions)
            asked = [Asked(node, of, check, _watched(of, check, definitions)) for node, of, check in walked]
            if asked:
                found[key] = {one.place: one for one in asked}
    return found


def _itself(asset: AssetSnapshot) -> tuple[str, str | None]:
    return asset.checked or (asset.key, None)


def _watched(key: str, check: str | None, definitions: DefinitionsSnapshot) -> frozenset[str]:
    nodes = definitions.evaluated.assets
    node = (nodes.get(check_node_key(key, check)) if check else None) or nodes.get(key)
    return frozenset({key, *(dep.key for dep in node.deps)} if node else {key})


def _walk(
    node: AutomationCondition, key: str, check: str | None, root: AssetSnapshot, definitions: DefinitionsSnapshot
) -> Iterator[tuple[PythonCondition, str, str | None]]:
    """The nodes with the asset, and the check, that each is looked at for."""
    if isinstance(node, PythonCondition):
        yield node, key, check
        return
    asset = root if (key, check) == _itself(root) else definitions.assets.get(key)
    looks: list[tuple[str, str | None]] = [(key, check)]
    if isinstance(node, DepsMatch):
        looks = [(dep.key, None) for dep in asset.deps if node.looks_at(dep.key)] if asset else []
    elif isinstance(node, ChecksMatch):
        checks = asset.checks if asset and check is None else ()
        of_it = [c.name for c in checks if (c.blocking or not node.blocking_only) and node.looks_at(key, c.name)]
        looks = [(key, name) for name in of_it]
    elif isinstance(node, AssetMatches):
        looks = [(node.key, None)]
    for child in node.children:
        for at, of in looks:
            yield from _walk(child, at, of, root, definitions)


def standing(state: State, place: Place) -> str:
    """How it stands with what users' code says of a place, in words."""
    answer = state.conditions.by_place.get(place)
    if answer is None:
        return "it was not asked yet"
    at = answer.last.at.isoformat(timespec="seconds")
    if answer.last.error is not None:
        return f"it failed at {at}: {answer.last.error.cls}: {answer.last.error.message}"
    return f"its last answer that was news is of {at}"
