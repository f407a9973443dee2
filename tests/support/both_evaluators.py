"""Both evaluators at once: what the quick one says of an asset has to be what the plain one says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pyroaring import BitMap

from headwater.daemon.evaluation.alike import PartitionedEvaluation
from headwater.daemon.evaluation.moment import Moment
from headwater.daemon.evaluation.once import Once
from headwater.daemon.evaluation.plain import Evaluation, evaluate
from headwater.daemon.evaluation.scalar import ScalarEvaluation, ScalarEvaluator
from headwater.definitions.snapshot import AssetSnapshot, DefinitionsSnapshot
from headwater.storage.state import Causes


class Anew(Once):
    """Makes everything anew, whatever was made before."""

    def __call__(self, make: Callable[..., Any], *of: Any) -> Any:
        return make(*of)

    def same(self, bits: BitMap) -> BitMap:
        return bits

    def same_causes(self, causes: Causes) -> Causes:
        return causes


class BothEvaluators:
    """Evaluates twice and fails where the two differ in truth, positions, memory or true leaves."""

    compared = 0

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self._quick = ScalarEvaluator(definitions)

    def __call__(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        quick = self._quick(moment, asset)
        if isinstance(quick, ScalarEvaluation | PartitionedEvaluation):
            BothEvaluators.compared += 1
            plain = evaluate(replace(moment, once=Anew()), asset)
            assert said(quick, moment, asset) == said(plain, moment, asset), f"{asset.key} at {moment.state.through}"
        return quick


def said(evaluation: Evaluation, moment: Moment, asset: AssetSnapshot) -> dict[str, Any]:
    truth = evaluation.truth
    return {
        "lasting": list(truth.lasting),
        "why": truth.causes,
        "passing": list(truth.passing),
        "why passing": truth.passing_causes,
        "memory": evaluation.remember,
        "leaves": evaluation.told(moment, asset.key, moment.existing(asset.key)),
        "pulsed": evaluation.pulsed,
    }
