"""Automation that is paused or on a dry run: evaluated all the same, so that nothing is lost when it goes on.

What a condition latches stays latched, since no attempt handles it. A pulse that it reads outside of a latch would be
over by then: it is *held*, until an attempt has read it. On a dry run each cause is decided once: it counts as *tried*
as long as it lasts.
"""

from __future__ import annotations

from pyroaring import BitMap

from ...definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from ...storage.events import AutomationMode
from ...storage.state import Causes, State
from .moment import Moment
from .plain import Evaluation
from .truth import Truth, any_of

HELD, TRIED = "held", "tried"
"""Names in the memory of an asset, beside those of its condition's nodes."""


def mode_of(moment: Moment, asset: AssetSnapshot) -> AutomationMode:
    """What was said of the automation of an asset; of a check that has a condition: of its asset's."""
    switches = moment.state.switches
    if not switches.said and not moment.definitions.automation_sensors:
        return "on"
    whose = moment.definitions.assets[asset.checked[0]] if asset.checked else asset
    mode = switches.mode_of(whose.key, whose.group)
    return "paused" if mode == "on" and switched_off_by(moment.state, moment.definitions, whose.key) else mode


def switched_off_by(state: State, definitions: DefinitionsSnapshot, key: str) -> str | None:
    """The automation sensor that covers the asset `key` and is off; None where its automation has no such switch, or
    it is on."""
    sensor = definitions.automation_sensors.get(key)
    if sensor is None:
        return None
    known = state.automation.sensors.get(sensor.name)
    is_on = known.is_on(sensor) if known is not None else sensor.running
    return None if is_on else sensor.name


def with_held(
    moment: Moment, asset: AssetSnapshot, evaluation: Evaluation, mode: AutomationMode, *, reads_pulses: bool
) -> Truth:
    """The truth of the condition, with what was held; notes in `evaluation.remember` what is held from here on."""
    truth, known = evaluation.truth, moment.state.memory.nodes.get(asset.key) or {}
    held = known.get(HELD)
    if mode != "on" and reads_pulses:
        held = truth.causes.within(truth.lasting) | (held or Causes())
    if not held:
        return truth
    state = moment.state.asset(asset.key)
    handled = BitMap()
    for position, bits in held:
        handled |= BitMap([n for n in bits & state.table.attempted if state.table.handled[n] >= position])
    evaluation.remember[HELD] = held.without(handled - state.run_in_progress).within(moment.existing(asset.key))
    live = held.without(handled).within(moment.existing(asset.key))
    return any_of([truth, Truth.pulse(live)]) if live else truth


def not_tried(
    moment: Moment, asset: AssetSnapshot, evaluation: Evaluation, truth: Truth, mode: AutomationMode, wanted: BitMap
) -> BitMap:
    """Of the partitions `wanted`, those that this dry run has not decided yet for the same cause; then they are."""
    tried = (moment.state.memory.nodes.get(asset.key) or {}).get(TRIED)
    if mode != "dry_run":
        if tried:
            evaluation.remember[TRIED] = Causes()
        return wanted
    tried = (tried or Causes()).within(truth.bits)
    why = truth.why
    fresh = BitMap([n for n in wanted if n not in tried.bits or tried.position(n) < why.position(n)])
    named = why.within(fresh)
    evaluation.remember[TRIED] = named | Causes([(0, fresh - named.bits)]) | tried.without(fresh)
    return fresh
