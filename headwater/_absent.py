"""Names that users of the field look for and that headwater does not offer yet, each with what to use today.

Read only when an import has failed. A name that headwater gains is taken out here: tests/test_front_door.py says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

_BY_INSTEAD = {
    "automate assets with automation_condition=..., or make them by hand: `headwater asset materialize --select KEY`": (
        "define_asset_job graph job multiprocess_executor op repository DynamicOut DynamicOutput"
        " GraphDefinition In JobDefinition OpDefinition OpExecutionContext Out in_process_executor"
    ),
    "use automation_condition=AutomationCondition.on_cron(...) on the assets": (
        "DefaultScheduleStatus ScheduleDefinition ScheduleEvaluationContext build_schedule_context"
        " build_schedule_from_partitioned_job schedule"
    ),
    "declare what comes from outside as AssetSpec(arrival=FileArrival(...)), or run `headwater asset report KEY`": (
        "AssetMaterialization AssetObservation DataVersionsByPartition DefaultSensorStatus ObserveResult RunRequest"
        " SensorDefinition SensorEvaluationContext SensorResult SkipReason asset_sensor build_sensor_context"
        " multi_asset_sensor observable_source_asset run_failure_sensor run_status_sensor sensor"
    ),
    "the daemon evaluates every automation_condition by itself: nothing has to be declared or turned on": (
        "AutoMaterializePolicy AutoMaterializeRule AutomationConditionSensorDefinition"
    ),
    "declare a class MyConfig(Config) with typed fields and their defaults, or a PermissiveConfig": (
        "Array Field Map Noneable Permissive Selector Shape StringSource IntSource BoolSource config_from_files"
    ),
    "derive from ConfigurableIOManager, and put an instance into Definitions(resources={...})": "UPathIOManager",
    "use FilesystemIOManager()": "fs_io_manager",
    "use InMemoryIOManager()": "mem_io_manager",
    "write one @asset for each table or file that is made": (
        "AssetOut graph_asset graph_multi_asset multi_asset multi_observable_source_asset"
    ),
    "write one @asset_check for each check": (
        "AssetCheckSpec build_column_schema_change_checks build_last_update_freshness_checks"
        " build_metadata_bounds_checks build_sensor_for_freshness_checks"
        " build_time_partition_freshness_checks multi_asset_check"
    ),
    "retry inside the function, or run the asset again by hand": "Backoff Jitter RetryPolicy RetryRequested",
    "do the work at the end of the asset's function": "HookContext failure_hook success_hook",
    "use load_assets_from_modules, or import the assets and write Definitions(assets=[...])": (
        "definitions_from_module load_asset_checks_from_current_module load_asset_checks_from_modules"
        " load_assets_from_package_module load_assets_from_package_name load_definitions_from_module"
        " load_from_defs_folder"
    ),
    "use materialize(...)": "build_op_context execute_job materialize_to_memory observe",
    "use `headwater run list` and `headwater events tail`": "EventRecordsFilter RunsFilter RunRecord EventLogEntry",
    "use deps=[...] for an upstream whose value is not read": "Nothing",
    "use Path(__file__).parent / ...": "file_relative_path",
    "run the program with subprocess inside the asset: its output is captured": (
        "PipesSubprocessClient open_pipes_session PipesClient"
    ),
    "each definition knows its file and line without it": (
        "AnchorBasedFilePathMapping link_code_references_to_git with_source_code_references"
    ),
    "use MetadataValue.text, .int, .float, .md, .url, .path, .json and the others": (
        "FloatMetadataValue IntMetadataValue JsonMetadataValue MarkdownMetadataValue PathMetadataValue"
        " TextMetadataValue UrlMetadataValue"
    ),
}

INSTEAD = {name: instead for instead, names in _BY_INSTEAD.items() for name in names.split()}


def why_absent(name: str, public: Sequence[str]) -> str:
    """What to tell a user who asked `headwater` for `name`, which is none of its `public` names."""
    if name in INSTEAD:
        return f"headwater does not have {name!r} yet. Today: {INSTEAD[name]}."
    near = next((known for known in public if len(known) > 4 and name.endswith(known)), None)
    near = near or next(iter(get_close_matches(name, public, n=1)), None)
    hint = f"Did you mean {near!r}?" if near else "dir(headwater) lists the names that it has."
    return f"headwater has no name {name!r}. {hint}"
