"""Names that projects of the field import: each works, or is refused with what to use in its place.

The selection is our own: what two or more of a dozen public projects use, in the order of how many do.
"""

from __future__ import annotations

import pytest

import headwater
from headwater import _absent

NAMES = """
    Definitions asset AssetExecutionContext MetadataValue RunRequest ConfigurableResource sensor SensorEvaluationContext
    EnvVar define_asset_job AssetKey AutomationCondition Config SkipReason OpExecutionContext materialize op Output
    AssetsDefinition MaterializeResult AssetSelection ScheduleDefinition AssetSpec RunStatus AssetCheckResult job
    RunConfig schedule OutputContext multi_asset InputContext asset_check StaticPartitionsDefinition
    DynamicPartitionsDefinition RetryPolicy RunsFilter Instance get_logger DailyPartitionsDefinition
    MonthlyPartitionsDefinition SensorResult InitResourceContext AssetIn build_asset_context Failure file_relative_path
    WeeklyPartitionsDefinition AssetCheckSeverity resource ConfigurableIOManager Field TimeWindowPartitionsDefinition
    ScheduleEvaluationContext with_source_code_references load_assets_from_modules DefaultSensorStatus
    DefaultScheduleStatus load_assets_from_package_module build_schedule_from_partitioned_job ResourceDefinition
    DynamicOut DynamicOutput AssetCheckExecutionContext failure_hook MultiPartitionsDefinition HookContext
    SensorDefinition AutoMaterializePolicy JobDefinition build_sensor_for_freshness_checks Backoff Jitter String
    definitions components Out BackfillPolicy In AnchorBasedFilePathMapping link_code_references_to_git_if_cloud List
    DataVersion ResourceDependency build_sensor_context Run AssetCheckSpec Component Resolvable EventType AssetOut
    ResourceParam AutomationConditionSensorDefinition AssetMaterialization EventRecordsFilter Int load_from_defs_folder
    SourceAsset ComponentLoadContext PipesSubprocessClient Nothing TimeWindow build_last_update_freshness_checks
    LogManager AssetObservation FreshnessPolicy PartitionsDefinition FilesystemIOManager IOManager
    build_init_resource_context FloatMetadataValue AutoMaterializeRule GraphQLClient GraphQLClientError
    multiprocess_executor graph_asset Noneable success_hook PythonObjectType MarkdownMetadataValue fs_io_manager
    repository Permissive Array graph Bool
"""


@pytest.mark.parametrize("name", NAMES.split())
def test_a_name_that_projects_use_works_or_says_what_does(name: str) -> None:
    if name in headwater.__dict__["__all__"]:
        assert getattr(headwater, name) is not None
        return
    with pytest.raises(ImportError, match=rf"does not have '{name}' yet\. Today: .{{10,}}"):
        exec(f"from headwater import {name}")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "x"),
        ("md", "x"),
        ("url", "x"),
        ("path", "x"),
        ("json", {}),
        ("int", 1),
        ("float", 1.5),
        ("timestamp", 0),
    ],
)
def test_the_kinds_of_metadata_that_projects_use_are_there(kind: str, value: object) -> None:
    assert getattr(headwater.MetadataValue, kind)(value).kind == kind


@pytest.mark.parametrize("name", ["FieldInstance", "FieldLogManager", "FieldRunStatus", "get_field_logger"])
def test_a_name_with_the_prefix_of_another_product_is_answered_with_its_own(name: str) -> None:
    own = name.removeprefix("Field").replace("field_", "")
    text = _absent.why_absent(name, [*headwater.__dict__["__all__"], "RunStatus"])
    assert text == f"headwater has no name {name!r}. Did you mean {own!r}?"
