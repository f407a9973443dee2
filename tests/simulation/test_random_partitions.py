"""Random projects whose assets have partitions of every kind, of one dimension and of several, played at random.

The compiled evaluators have to say at every tick what the plain one says, a replay that visits everything has to come
to the same decisions, snapshots have to say what the log says, and what is eager has to become fresh in the end.
`python tests/simulation/count_partitions.py SEED COUNT` counts in how many histories each shape was at work.
"""

from __future__ import annotations

import pytest

from headwater.daemon.replay.verify import verify
from headwater.storage import snapshots
from support.audit import stale_parts
from support.both_evaluators import BothEvaluators
from support.random_history import History
from support.random_project import KEEN


@pytest.mark.seeds(8, nightly=1_000)
def test_partitions_of_every_kind_mean_the_same_to_all_evaluators_and_come_to_rest_fresh(seed: int) -> None:
    check(seed)


def check(seed: int) -> History:
    before = BothEvaluators.compared
    history = History(seed)
    history.play()
    history.come_to_rest()
    world = history.world
    assert BothEvaluators.compared > before
    assert snapshots.check(world.log) == {}
    assert verify(world.log, everything=True).differences == []
    assert verify(world.log, since=world.log.head().offset // 2).differences == []
    assert stale_parts(world.state, world.clock.now(), KEEN, missing_old=False) == []
    assert history.met & {"asked for: dynamic", "asked for: several dimensions"}
    return history
