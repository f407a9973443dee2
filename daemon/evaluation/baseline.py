"""First evaluations that take everything as it is: what users of the field know as the initial evaluation.

Under `on_first="baseline"` an asset that is evaluated for the first time is not asked for because of anything that was
so before: an update that has landed is no news, what is missing is not *newly* missing, and nothing is latched. What is
true now is remembered, so that only what turns true afterwards counts. A level by itself, such as a bare `missing()`,
holds all the same, and so does what is requested in this very evaluation.
"""

from __future__ import annotations

from pyroaring import BitMap

from ...definitions.conditions import AutomationCondition
from ...definitions.conditions import operators as ops
from ...definitions.snapshot import AssetSnapshot
from ...storage.state import Causes
from .moment import Moment
from .plain import Evaluation, PlainEvaluator
from .truth import Truth, nothing


def evaluate_as_baseline(moment: Moment, asset: AssetSnapshot) -> Evaluation:
    """Evaluate the condition of `asset` at `moment`, the first time."""
    assert asset.condition is not None
    moment.left[asset.key] = moment.existing(asset.key) - moment.state.asset(asset.key).table.there()
    return _Baseline(moment, asset).run(asset.condition)


class _Baseline(PlainEvaluator):
    def _newly_updated(self, node: AutomationCondition, key: str) -> Truth:
        return nothing()

    def _code_version_changed(self, node: AutomationCondition, key: str) -> Truth:
        return nothing()

    def _newly_true(self, node: ops.NewlyTrue, key: str, path: str) -> Truth:
        super()._newly_true(node, key, path)  # which remembers what is true now
        return nothing()

    def _since(self, node: ops.Since, key: str, path: str) -> Truth:
        truth = super()._since(node, key, path)
        self.result.remember[self._memory(node, key)] = Causes()
        return Truth(BitMap(), passing=truth.passing, passing_causes=truth.passing_causes)
