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
    from .daemon.runs.materialize import materialize as materialize
    from .definitions.arrival import FileArrival as FileArrival
    from .definitions.asset import asset as asset
    from .definitions.assets_definition import AssetsDefinition as AssetsDefinition
    from .definitions.backfill_policy import BackfillPolicy as BackfillPolicy
    from .definitions.checks import asset_check as asset_check
    from .definitions.conditions.base import AutomationCondition as AutomationCondition
    from .definitions.config import Config as Config
    from .definitions.config import PermissiveConfig as PermissiveConfig
    from .definitions.context import AssetCheckExecutionContext as AssetCheckExecutionContext
    from .definitions.context import AssetExecutionContext as AssetExecutionContext
    from .definitions.context import build_asset_context as build_asset_context
    from .definitions.definitions import Definitions as Definitions
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
    from .definitions.filesystem_io import FilesystemIOManager as FilesystemIOManager
    from .definitions.freshness import FreshnessPolicy as FreshnessPolicy
    from .definitions.freshness import FreshnessState as FreshnessState
    from .definitions.freshness import apply_freshness_policy as apply_freshness_policy
    from .definitions.io import InMemoryIOManager as InMemoryIOManager
    from .definitions.io import InputContext as InputContext
    from .definitions.io import IOManager as IOManager
    from .definitions.io import OutputContext as OutputContext
    from .definitions.keys import AssetKey as AssetKey
    from .definitions.lifecycle import InitResourceContext as InitResourceContext
    from .definitions.lifecycle import build_init_resource_context as build_init_resource_context
    from .definitions.lifecycle import build_resources as build_resources
    from .definitions.metadata import MetadataValue as MetadataValue
    from .definitions.modules import load_assets_from_current_module as load_assets_from_current_module
    from .definitions.modules import load_assets_from_modules as load_assets_from_modules
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
    from .definitions.results import MaterializeResult as MaterializeResult
    from .definitions.results import Output as Output
    from .definitions.run_config import RunConfig as RunConfig
    from .definitions.selection.base import AssetSelection as AssetSelection
    from .definitions.selection.names import EmptySelection as EmptySelection
    from .definitions.selection.view import AssetCheckKey as AssetCheckKey
    from .definitions.signature import ResourceParam as ResourceParam
    from .definitions.spec import AssetSpec as AssetSpec
    from .definitions.spec import SourceAsset as SourceAsset
    from .storage.instance import Instance as Instance
