"""What is so, as a fold over the log: see `fold.py`."""

from .assets import AssetState, Held, PartitionTable
from .backfills import BackfillProgress, Backfills, BackfillState
from .causes import Causes
from .changes import Changes
from .fold import State
from .memory import Memory
from .runs import RunState

__all__ = [
    "AssetState",
    "BackfillProgress",
    "BackfillState",
    "Backfills",
    "Causes",
    "Changes",
    "Held",
    "Memory",
    "PartitionTable",
    "RunState",
    "State",
]
