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
from headwater.daemon.evaluation.point_evaluation import PointEvaluation
from headwater.daemon.evaluation.quick import QuickEvaluator
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
    """Evaluations that were compared."""
    at_partitions = 0
    """Those among them of single partitions."""

    def __init__(self, definitions: DefinitionsSnapshot) -> None:
        self._quick = QuickEvaluator(definitions)

    def __call__(self, moment: Moment, asset: AssetSnapshot) -> Evaluation:
        quick = self._quick(moment, asset)
        where = f"{asset.key} at {moment.state.through}"
        if isinstance(quick, PointEvaluation):
            BothEvaluators.compared += 1
            BothEvaluators.at_partitions += quick.looked_at is not None
            plain = evaluate(replace(moment, once=Anew()), asset)
            for n in [point.ordinal for point in quick.points]:
                assert said_at(n, quick, moment, asset) == said_at(n, plain, moment, asset), where
            assert leaves_of(quick, moment, asset) == leaves_of(plain, moment, asset, at=quick.looked_at), where
        elif isinstance(quick, PartitionedEvaluation):
            BothEvaluators.compared += 1
            plain = evaluate(replace(moment, once=Anew()), asset)
            assert said(quick, moment, asset) == said(plain, moment, asset), where
        return quick


def said_at(ordinal: int, evaluation: Evaluation, moment: Moment, asset: AssetSnapshot) -> dict[str, Any]:
    """What is said of one partition."""
    truth, memory = evaluation.truth, moment.state.memory.nodes.get(asset.key) or {}
    if isinstance(evaluation, PointEvaluation):
        [point] = [point for point in evaluation.points if point.ordinal == ordinal]
        remembered = {node: causes.position(ordinal) for node, causes in memory.items()} | point.kept
    else:
        remembered = {node: causes.position(ordinal) for node, causes in (memory | evaluation.remember).items()}
    return {
        "lasting": ordinal in truth.lasting,
        "why": truth.causes.position(ordinal),
        "passing": ordinal in truth.passing,
        "why passing": truth.passing_causes.position(ordinal),
        "memory": {node: position for node, position in remembered.items() if position},
    }


def leaves_of(
    evaluation: Evaluation, moment: Moment, asset: AssetSnapshot, *, at: BitMap | None = None
) -> tuple[object, ...]:
    """The leaves as a decision would tell of them: of `at`, or of what was looked at."""
    looked_at = at if at is not None else evaluation.looked_at
    bits = moment.existing(asset.key) if looked_at is None else looked_at
    return evaluation.told(moment, asset.key, bits), evaluation.pulsed


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
