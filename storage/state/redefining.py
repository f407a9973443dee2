"""How State takes definitions: partitions are numbered anew by key, gates that no check holds any more open.

What is known of an asset that is gone stays, so that it finds its history when it comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyroaring import BitMap

from ...definitions.snapshot import DefinitionsSnapshot
from .. import events as e
from .assets import AssetState
from .updating import release

if TYPE_CHECKING:
    from .fold import State, Stored


def definitions_loaded(state: State, event: e.DefinitionsLoaded, stored: Stored) -> None:
    state.definitions_errors = ()
    if state.is_pinned:
        return
    state.look_up_definitions(event.hash)
    assert state.definitions is not None
    for key in [*state.assets, *(k for k in state.definitions.assets if k not in state.assets)]:
        asset = state.asset(key)
        old = asset.table.space
        asset.move_to_space(state.space_of(key))
        state.mark_observable(asset)
        if asset.table.space is not old:
            state.memory.renumber(key, old, asset.table.space)
            state.conditions.renumber(key, old, asset.table.space)
            state.changes.renumber(key, old, asset.table.space)
    _define_checks(state, state.definitions)
    for key, defined in state.definitions.assets.items():
        asset = state.asset(key)
        _drop_gates(state, asset, {check.name for check in defined.checks if check.blocking}, stored.offset)
        _note_code_version(state, asset, defined.code_version, stored.offset)
        if defined.freshness is None:
            asset.freshness = None
    evaluated = {k for k, a in state.definitions.evaluated.assets.items() if a.condition is not None and a.has_function}
    state.memory.forget_seen(keep=evaluated)
    if state.conditions.by_place:
        state.conditions.keep(state.definitions.python_nodes)
    state.automation.load(state.definitions, offset=stored.offset, timestamp=stored.timestamp)
    state.changes.definitions = True


def definitions_failed(state: State, event: e.DefinitionsFailed, stored: Stored) -> None:
    state.definitions_errors = event.errors


def _define_checks(state: State, definitions: DefinitionsSnapshot) -> None:
    """Number the partitions of all checks as those of their assets now are, also of assets that are gone."""
    for key in [*definitions.assets, *(k for k in state.checks.asset_keys() if k not in definitions.assets)]:
        defined = definitions.assets.get(key)
        for check in defined.checks if defined else ():
            state.checks.define(state.asset(key), check.name)
        for node in state.checks.of_asset(key):
            old = node.table.space
            node.move_to_space(state.space_of(key))
            if node.table.space is not old:
                state.memory.renumber(node.key, old, node.table.space)
                state.conditions.renumber(node.key, old, node.table.space)
                state.changes.renumber(node.key, old, node.table.space)


def _drop_gates(state: State, asset: AssetState, blocking: set[str], offset: int) -> None:
    """A check that is no blocking check any more holds no gate: what it alone kept back is released (case 4)."""
    table = asset.table
    gone = [table.check_failed.pop(name) for name in list(table.check_failed) if name not in blocking]
    for ordinal in BitMap.union(*gone) if gone else ():
        held = table.held.get(ordinal)
        if not table.is_shut(ordinal) and not (held and held.outstanding):
            release(state, asset, table, ordinal, offset, held.made_from if held else int(table.made_from[ordinal]))


def _note_code_version(state: State, asset: AssetState, declared: str | None, offset: int) -> None:
    """Another code version than before is a change; one where there was none is not."""
    if asset.code_version is not None and asset.code_version != declared:
        state.changes.code_changed[asset.key] = offset
    asset.code_version = declared


def dynamic_partitions_changed(
    state: State, event: e.DynamicPartitionsAdded | e.DynamicPartitionsDeleted, stored: Stored
) -> None:
    """Keys came to exist in every asset that has these partitions, or vanished there with all that is known."""
    changed = state.spaces.note(event)
    if not changed:
        return
    state.changes.keys_changed(event.name, changed, added=isinstance(event, e.DynamicPartitionsAdded))
    state.changes.touched.update(state.dynamic_readers.get(event.name, ()))
