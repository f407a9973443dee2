"""The front door: every name that a user imports, as in `from headwater import asset`.

The block below is the one list of them. Type checkers read it as it stands; at run time it is not executed but read by
`_lazy.py`, so that a name brings in its own module when it is first asked for, and nothing else: `from headwater import
asset` imports neither SQLAlchemy nor pydantic nor the daemon. Whatever else the rooms hold can change any day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import offer

if TYPE_CHECKING or not offer(globals()):
    from ._version import __version__ as __version__
    from .daemon.evaluation.evaluate_conditions import ConditionResult as ConditionResult
    from .daemon.evaluation.evaluate_conditions import (
        EvaluateAutomationConditionsResult as EvaluateAutomationConditionsResult,
    )
    from .daemon.evaluation.evaluate_conditions import evaluate_automation_conditions as evaluate_automation_conditions
    from .daemon.evaluation.explain import ExplainedNode as ExplainedNode
    from .daemon.evaluation.explain import Explanation as Explanation
    from .daemon.evaluation.explain import explain as explain
    from .daemon.runs.in_process import execute_job as execute_job
    from .daemon.runs.materialize import materialize as materialize
    from .daemon.runs.materialize import materialize_to_memory as materialize_to_memory
    from .daemon.runs.observing import observe as observe
    from .daemon.runs.result import ExecuteInProcessResult as ExecuteInProcessResult
    from .definitions.arrival import FileArrival as FileArrival
    from .definitions.asset import asset as asset
    from .definitions.asset_events import AssetCheckEvaluation as AssetCheckEvaluation
    from .definitions.asset_events import AssetMaterialization as AssetMaterialization
    from .definitions.asset_events import AssetObservation as AssetObservation
    from .definitions.asset_jobs import AssetJobDefinition as AssetJobDefinition
    from .definitions.asset_jobs import define_asset_job as define_asset_job
    from .definitions.asset_out import AssetOut as AssetOut
    from .definitions.asset_sensors import AssetSensorDefinition as AssetSensorDefinition
    from .definitions.asset_sensors import MultiAssetSensorDefinition as MultiAssetSensorDefinition
    from .definitions.asset_sensors import MultiAssetSensorEvaluationContext as MultiAssetSensorEvaluationContext
    from .definitions.asset_sensors import asset_sensor as asset_sensor
    from .definitions.asset_sensors import build_multi_asset_sensor_context as build_multi_asset_sensor_context
    from .definitions.asset_sensors import multi_asset_sensor as multi_asset_sensor
    from .definitions.assets_definition import AssetsDefinition as AssetsDefinition
    from .definitions.automation_context import AutomationContext as AutomationContext
    from .definitions.automation_context import AutomationResult as AutomationResult
    from .definitions.automation_context import EntitySubset as EntitySubset
    from .definitions.automation_sensors import (
        AutomationConditionSensorDefinition as AutomationConditionSensorDefinition,
    )
    from .definitions.backfill_policy import BackfillPolicy as BackfillPolicy
    from .definitions.check_factories import build_column_schema_change_checks as build_column_schema_change_checks
    from .definitions.check_factories import build_metadata_bounds_checks as build_metadata_bounds_checks
    from .definitions.check_specs import AssetCheckSpec as AssetCheckSpec
    from .definitions.checks import AssetChecksDefinition as AssetChecksDefinition
    from .definitions.checks import asset_check as asset_check
    from .definitions.code_references import AnchorBasedFilePathMapping as AnchorBasedFilePathMapping
    from .definitions.code_references import LocalFileCodeReference as LocalFileCodeReference
    from .definitions.code_references import UrlCodeReference as UrlCodeReference
    from .definitions.code_references import link_code_references_to_git as link_code_references_to_git
    from .definitions.code_references import with_source_code_references as with_source_code_references
    from .definitions.conditions.base import AutomationCondition as AutomationCondition
    from .definitions.config import Config as Config
    from .definitions.config import PermissiveConfig as PermissiveConfig
    from .definitions.config_files import config_from_files as config_from_files
    from .definitions.config_schema import Array as Array
    from .definitions.config_schema import Bool as Bool
    from .definitions.config_schema import BoolSource as BoolSource
    from .definitions.config_schema import Enum as Enum
    from .definitions.config_schema import EnumValue as EnumValue
    from .definitions.config_schema import Field as Field
    from .definitions.config_schema import Float as Float
    from .definitions.config_schema import Int as Int
    from .definitions.config_schema import IntSource as IntSource
    from .definitions.config_schema import List as List
    from .definitions.config_schema import Map as Map
    from .definitions.config_schema import Noneable as Noneable
    from .definitions.config_schema import Permissive as Permissive
    from .definitions.config_schema import Selector as Selector
    from .definitions.config_schema import Shape as Shape
    from .definitions.config_schema import String as String
    from .definitions.config_schema import StringSource as StringSource
    from .definitions.context import AssetCheckExecutionContext as AssetCheckExecutionContext
    from .definitions.context import AssetExecutionContext as AssetExecutionContext
    from .definitions.context import build_asset_context as build_asset_context
    from .definitions.deferred import DefinitionsLoadContext as DefinitionsLoadContext
    from .definitions.deferred import definitions as definitions
    from .definitions.deferred import repository as repository
    from .definitions.definitions import Definitions as Definitions
    from .definitions.defs_folder import load_from_defs_folder as load_from_defs_folder
    from .definitions.dependencies import AssetDep as AssetDep
    from .definitions.dependencies import AssetIn as AssetIn
    from .definitions.env import EnvVar as EnvVar
    from .definitions.errors import AssetCheckFailed as AssetCheckFailed
    from .definitions.errors import DefinitionErrors as DefinitionErrors
    from .definitions.errors import ExecutionError as ExecutionError
    from .definitions.errors import Failure as Failure
    from .definitions.errors import HeadwaterError as HeadwaterError
    from .definitions.errors import InvalidAssetSelection as InvalidAssetSelection
    from .definitions.errors import InvalidConfigError as InvalidConfigError
    from .definitions.errors import InvalidDefinitionError as InvalidDefinitionError
    from .definitions.errors import InvalidInvocationError as InvalidInvocationError
    from .definitions.errors import InvalidSubsetError as InvalidSubsetError
    from .definitions.errors import TypeCheckDidNotPass as TypeCheckDidNotPass
    from .definitions.evaluation_context import ScheduleEvaluationContext as ScheduleEvaluationContext
    from .definitions.evaluation_context import SensorEvaluationContext as SensorEvaluationContext
    from .definitions.evaluation_context import build_schedule_context as build_schedule_context
    from .definitions.evaluation_context import build_sensor_context as build_sensor_context
    from .definitions.executors import ExecutorDefinition as ExecutorDefinition
    from .definitions.executors import in_process_executor as in_process_executor
    from .definitions.executors import multiprocess_executor as multiprocess_executor
    from .definitions.filesystem_io import FilesystemIOManager as FilesystemIOManager
    from .definitions.freshness import FreshnessPolicy as FreshnessPolicy
    from .definitions.freshness import FreshnessState as FreshnessState
    from .definitions.freshness import apply_freshness_policy as apply_freshness_policy
    from .definitions.freshness_checks import build_last_update_freshness_checks as build_last_update_freshness_checks
    from .definitions.freshness_checks import (
        build_time_partition_freshness_checks as build_time_partition_freshness_checks,
    )
    from .definitions.freshness_sensor import build_sensor_for_freshness_checks as build_sensor_for_freshness_checks
    from .definitions.hooks import HookContext as HookContext
    from .definitions.hooks import HookDefinition as HookDefinition
    from .definitions.hooks import failure_hook as failure_hook
    from .definitions.hooks import success_hook as success_hook
    from .definitions.io import InMemoryIOManager as InMemoryIOManager
    from .definitions.io import InputContext as InputContext
    from .definitions.io import IOManager as IOManager
    from .definitions.io import OutputContext as OutputContext
    from .definitions.io_testing import build_input_context as build_input_context
    from .definitions.io_testing import build_output_context as build_output_context
    from .definitions.jobs import JobDefinition as JobDefinition
    from .definitions.keys import AssetCheckKey as AssetCheckKey
    from .definitions.keys import AssetKey as AssetKey
    from .definitions.lifecycle import InitResourceContext as InitResourceContext
    from .definitions.lifecycle import build_init_resource_context as build_init_resource_context
    from .definitions.lifecycle import build_resources as build_resources
    from .definitions.logger import LogManager as LogManager
    from .definitions.logger import get_logger as get_logger
    from .definitions.mapping_specs import map_asset_specs as map_asset_specs
    from .definitions.mapping_specs import with_resources as with_resources
    from .definitions.metadata import MetadataValue as MetadataValue
    from .definitions.metadata_kinds import AssetMetadataValue as AssetMetadataValue
    from .definitions.metadata_kinds import BoolMetadataValue as BoolMetadataValue
    from .definitions.metadata_kinds import CodeReferencesMetadataValue as CodeReferencesMetadataValue
    from .definitions.metadata_kinds import FloatMetadataValue as FloatMetadataValue
    from .definitions.metadata_kinds import IntMetadataValue as IntMetadataValue
    from .definitions.metadata_kinds import JobMetadataValue as JobMetadataValue
    from .definitions.metadata_kinds import JsonMetadataValue as JsonMetadataValue
    from .definitions.metadata_kinds import MarkdownMetadataValue as MarkdownMetadataValue
    from .definitions.metadata_kinds import NotebookMetadataValue as NotebookMetadataValue
    from .definitions.metadata_kinds import NullMetadataValue as NullMetadataValue
    from .definitions.metadata_kinds import PathMetadataValue as PathMetadataValue
    from .definitions.metadata_kinds import PythonArtifactMetadataValue as PythonArtifactMetadataValue
    from .definitions.metadata_kinds import RunMetadataValue as RunMetadataValue
    from .definitions.metadata_kinds import TableColumnLineageMetadataValue as TableColumnLineageMetadataValue
    from .definitions.metadata_kinds import TableMetadataValue as TableMetadataValue
    from .definitions.metadata_kinds import TableSchemaMetadataValue as TableSchemaMetadataValue
    from .definitions.metadata_kinds import TextMetadataValue as TextMetadataValue
    from .definitions.metadata_kinds import TimestampMetadataValue as TimestampMetadataValue
    from .definitions.metadata_kinds import UrlMetadataValue as UrlMetadataValue
    from .definitions.modules import load_asset_checks_from_current_module as load_asset_checks_from_current_module
    from .definitions.modules import load_asset_checks_from_modules as load_asset_checks_from_modules
    from .definitions.modules import load_asset_checks_from_package_module as load_asset_checks_from_package_module
    from .definitions.modules import load_asset_checks_from_package_name as load_asset_checks_from_package_name
    from .definitions.modules import load_assets_from_current_module as load_assets_from_current_module
    from .definitions.modules import load_assets_from_modules as load_assets_from_modules
    from .definitions.modules import load_assets_from_package_module as load_assets_from_package_module
    from .definitions.modules import load_assets_from_package_name as load_assets_from_package_name
    from .definitions.modules import load_definitions_from_current_module as load_definitions_from_current_module
    from .definitions.modules import load_definitions_from_module as load_definitions_from_module
    from .definitions.modules import load_definitions_from_modules as load_definitions_from_modules
    from .definitions.modules import load_definitions_from_package_module as load_definitions_from_package_module
    from .definitions.modules import load_definitions_from_package_name as load_definitions_from_package_name
    from .definitions.multi_asset import multi_asset as multi_asset
    from .definitions.multi_checks import multi_asset_check as multi_asset_check
    from .definitions.multi_observing import multi_observable_source_asset as multi_observable_source_asset
    from .definitions.named_io_managers import fs_io_manager as fs_io_manager
    from .definitions.named_io_managers import mem_io_manager as mem_io_manager
    from .definitions.observing import observable_source_asset as observable_source_asset
    from .definitions.ops.config_mapping import ConfigMapping as ConfigMapping
    from .definitions.ops.config_mapping import config_mapping as config_mapping
    from .definitions.ops.context import OpExecutionContext as OpExecutionContext
    from .definitions.ops.context import build_op_context as build_op_context
    from .definitions.ops.graph import GraphDefinition as GraphDefinition
    from .definitions.ops.graph import graph as graph
    from .definitions.ops.graph_asset import graph_asset as graph_asset
    from .definitions.ops.graph_multi_asset import graph_multi_asset as graph_multi_asset
    from .definitions.ops.job import OpJobDefinition as OpJobDefinition
    from .definitions.ops.job import job as job
    from .definitions.ops.op import OpDefinition as OpDefinition
    from .definitions.ops.op import op as op
    from .definitions.ops.ports import DynamicOut as DynamicOut
    from .definitions.ops.ports import DynamicOutput as DynamicOutput
    from .definitions.ops.ports import GraphIn as GraphIn
    from .definitions.ops.ports import GraphOut as GraphOut
    from .definitions.ops.ports import In as In
    from .definitions.ops.ports import Nothing as Nothing
    from .definitions.ops.ports import Out as Out
    from .definitions.partitioned_schedules import (
        build_schedule_from_partitioned_job as build_schedule_from_partitioned_job,
    )
    from .definitions.partitions.base import PartitionKeyRange as PartitionKeyRange
    from .definitions.partitions.base import PartitionsDefinition as PartitionsDefinition
    from .definitions.partitions.base import TimeWindow as TimeWindow
    from .definitions.partitions.config import PartitionedConfig as PartitionedConfig
    from .definitions.partitions.config import daily_partitioned_config as daily_partitioned_config
    from .definitions.partitions.config import dynamic_partitioned_config as dynamic_partitioned_config
    from .definitions.partitions.config import hourly_partitioned_config as hourly_partitioned_config
    from .definitions.partitions.config import monthly_partitioned_config as monthly_partitioned_config
    from .definitions.partitions.config import static_partitioned_config as static_partitioned_config
    from .definitions.partitions.config import weekly_partitioned_config as weekly_partitioned_config
    from .definitions.partitions.dynamic import AddDynamicPartitionsRequest as AddDynamicPartitionsRequest
    from .definitions.partitions.dynamic import DeleteDynamicPartitionsRequest as DeleteDynamicPartitionsRequest
    from .definitions.partitions.dynamic import DynamicPartitionsDefinition as DynamicPartitionsDefinition
    from .definitions.partitions.key_mappings import LastPartitionMapping as LastPartitionMapping
    from .definitions.partitions.key_mappings import (
        SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping,
    )
    from .definitions.partitions.key_mappings import StaticPartitionMapping as StaticPartitionMapping
    from .definitions.partitions.mappings import AllPartitionMapping as AllPartitionMapping
    from .definitions.partitions.mappings import IdentityPartitionMapping as IdentityPartitionMapping
    from .definitions.partitions.multi import MultiPartitionKey as MultiPartitionKey
    from .definitions.partitions.multi import MultiPartitionsDefinition as MultiPartitionsDefinition
    from .definitions.partitions.multi import PartitionDimensionDefinition as PartitionDimensionDefinition
    from .definitions.partitions.multi_mappings import DimensionPartitionMapping as DimensionPartitionMapping
    from .definitions.partitions.multi_mappings import MultiPartitionMapping as MultiPartitionMapping
    from .definitions.partitions.multi_mappings import (
        MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping,
    )
    from .definitions.partitions.named_windows import DailyPartitionsDefinition as DailyPartitionsDefinition
    from .definitions.partitions.named_windows import HourlyPartitionsDefinition as HourlyPartitionsDefinition
    from .definitions.partitions.named_windows import MonthlyPartitionsDefinition as MonthlyPartitionsDefinition
    from .definitions.partitions.named_windows import WeeklyPartitionsDefinition as WeeklyPartitionsDefinition
    from .definitions.partitions.rhythms import ScheduleType as ScheduleType
    from .definitions.partitions.static import StaticPartitionsDefinition as StaticPartitionsDefinition
    from .definitions.partitions.time_windows import TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition
    from .definitions.partitions.window_mapping import TimeWindowPartitionMapping as TimeWindowPartitionMapping
    from .definitions.pipes.client import PipesClientCompletedInvocation as PipesClientCompletedInvocation
    from .definitions.pipes.client import PipesSubprocessClient as PipesSubprocessClient
    from .definitions.pipes.session import PipesExecutionError as PipesExecutionError
    from .definitions.pipes.session import PipesSession as PipesSession
    from .definitions.pipes.session import open_pipes_session as open_pipes_session
    from .definitions.relative_paths import file_relative_path as file_relative_path
    from .definitions.requests import RunRequest as RunRequest
    from .definitions.requests import SensorResult as SensorResult
    from .definitions.requests import SkipReason as SkipReason
    from .definitions.resource_functions import IOManagerDefinition as IOManagerDefinition
    from .definitions.resource_functions import ResourceDefinition as ResourceDefinition
    from .definitions.resource_functions import io_manager as io_manager
    from .definitions.resource_functions import resource as resource
    from .definitions.resources import ConfigurableIOManager as ConfigurableIOManager
    from .definitions.resources import ConfigurableIOManagerFactory as ConfigurableIOManagerFactory
    from .definitions.resources import ConfigurableResource as ConfigurableResource
    from .definitions.resources import ConfigurableResourceFactory as ConfigurableResourceFactory
    from .definitions.resources import ResourceDependency as ResourceDependency
    from .definitions.results import AssetCheckResult as AssetCheckResult
    from .definitions.results import AssetCheckSeverity as AssetCheckSeverity
    from .definitions.results import DataVersion as DataVersion
    from .definitions.results import DataVersionsByPartition as DataVersionsByPartition
    from .definitions.results import MaterializeResult as MaterializeResult
    from .definitions.results import ObserveResult as ObserveResult
    from .definitions.results import Output as Output
    from .definitions.retries import Backoff as Backoff
    from .definitions.retries import Jitter as Jitter
    from .definitions.retries import RetryPolicy as RetryPolicy
    from .definitions.retries import RetryRequested as RetryRequested
    from .definitions.run_config import RunConfig as RunConfig
    from .definitions.run_records import Run as Run
    from .definitions.run_records import RunStatus as RunStatus
    from .definitions.run_status_sensors import RunFailureSensorContext as RunFailureSensorContext
    from .definitions.run_status_sensors import RunStatusSensorContext as RunStatusSensorContext
    from .definitions.run_status_sensors import RunStatusSensorDefinition as RunStatusSensorDefinition
    from .definitions.run_status_sensors import build_run_status_sensor_context as build_run_status_sensor_context
    from .definitions.run_status_sensors import run_failure_sensor as run_failure_sensor
    from .definitions.run_status_sensors import run_status_sensor as run_status_sensor
    from .definitions.schedules import DefaultScheduleStatus as DefaultScheduleStatus
    from .definitions.schedules import ScheduleDefinition as ScheduleDefinition
    from .definitions.schedules import schedule as schedule
    from .definitions.selection.base import AssetSelection as AssetSelection
    from .definitions.selection.names import EmptySelection as EmptySelection
    from .definitions.sensors import DefaultSensorStatus as DefaultSensorStatus
    from .definitions.sensors import SensorDefinition as SensorDefinition
    from .definitions.sensors import sensor as sensor
    from .definitions.signature import ResourceParam as ResourceParam
    from .definitions.spec import AssetSpec as AssetSpec
    from .definitions.spec import SourceAsset as SourceAsset
    from .definitions.table_schema import TableColumn as TableColumn
    from .definitions.table_schema import TableColumnConstraints as TableColumnConstraints
    from .definitions.table_schema import TableColumnDep as TableColumnDep
    from .definitions.table_schema import TableColumnLineage as TableColumnLineage
    from .definitions.table_schema import TableConstraints as TableConstraints
    from .definitions.table_schema import TableRecord as TableRecord
    from .definitions.table_schema import TableSchema as TableSchema
    from .definitions.upath_io import UPathIOManager as UPathIOManager
    from .definitions.values import AssetValueLoader as AssetValueLoader
    from .storage.entries import EventLogEntry as EventLogEntry
    from .storage.instance import Instance as Instance
    from .storage.records import AssetPartitionStatus as AssetPartitionStatus
    from .storage.records import AssetRecord as AssetRecord
    from .storage.records import AssetRecordsFilter as AssetRecordsFilter
    from .storage.records import EventRecordsFilter as EventRecordsFilter
    from .storage.records import EventRecordsResult as EventRecordsResult
    from .storage.records import EventType as EventType
    from .storage.runs import RunRecord as RunRecord
    from .storage.runs import RunsFilter as RunsFilter
