"""The events: every fact that the log can hold, each a small frozen model that can be read in ten years.

One class an event type, named in the past tense; `type` and `schema_version` are literals and stand in columns of
their own, so the payload leaves them out. A field may be added with a default; any other change is a new
`schema_version` and one pure function registered with `upcast`, so that readers know the newest shape only. Events hold
partition *keys*, never ordinals: those are private to State.

A type that this version does not know (a newer headwater wrote it) is read as `UnknownEvent` and skipped by the fold.

One file a section; this is the place to import all of them from. A new type goes at the end of its section.
"""

from __future__ import annotations

from .assets import (
    AssetCheckEvaluated,
    AssetMaterialized,
    AssetObserved,
    AssetWiped,
    DynamicPartitionsAdded,
    DynamicPartitionsDeleted,
    FreshnessChanged,
)
from .automation import (
    AutomationSwitched,
    ConditionEvaluated,
    ScheduleEvaluated,
    ScheduleSwitched,
    SensorCursorSet,
    SensorEvaluated,
    SensorSwitched,
    Tick,
)
from .backfills import (
    BackfillCount,
    BackfillEnded,
    BackfillRequested,
    BackfillSkipped,
)
from .base import (
    Event,
    Model,
)
from .coding import (
    Payload,
    UnknownEvent,
    Upcast,
    decode,
    encode,
    upcast,
)
from .definitions import (
    DaemonStarted,
    DaemonStopped,
    DefinitionsFailed,
    DefinitionsLoaded,
)
from .parts import (
    AutomationMode,
    Cause,
    Decision,
    ErrorInfo,
    FirstLook,
    KeyRanges,
    LeafTruth,
    MemoryDelta,
    PlannedCheck,
    Target,
)
from .runs import (
    HookCompleted,
    HookErrored,
    OpOutputProduced,
    RunCancelled,
    RunFailed,
    RunRequested,
    RunStarted,
    RunSucceeded,
    RunTagged,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
    StepUpForRetry,
)

__all__ = [
    "AssetCheckEvaluated",
    "AssetMaterialized",
    "AssetObserved",
    "AssetWiped",
    "AutomationMode",
    "AutomationSwitched",
    "BackfillCount",
    "BackfillEnded",
    "BackfillRequested",
    "BackfillSkipped",
    "Cause",
    "ConditionEvaluated",
    "DaemonStarted",
    "DaemonStopped",
    "Decision",
    "DefinitionsFailed",
    "DefinitionsLoaded",
    "DynamicPartitionsAdded",
    "DynamicPartitionsDeleted",
    "ErrorInfo",
    "Event",
    "FirstLook",
    "FreshnessChanged",
    "HookCompleted",
    "HookErrored",
    "KeyRanges",
    "LeafTruth",
    "MemoryDelta",
    "Model",
    "OpOutputProduced",
    "Payload",
    "PlannedCheck",
    "RunCancelled",
    "RunFailed",
    "RunRequested",
    "RunStarted",
    "RunSucceeded",
    "RunTagged",
    "ScheduleEvaluated",
    "ScheduleSwitched",
    "SensorCursorSet",
    "SensorEvaluated",
    "SensorSwitched",
    "StepFailed",
    "StepSkipped",
    "StepStarted",
    "StepSucceeded",
    "StepUpForRetry",
    "Target",
    "Tick",
    "UnknownEvent",
    "Upcast",
    "decode",
    "encode",
    "upcast",
]
