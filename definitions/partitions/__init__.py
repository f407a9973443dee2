"""Partitions of assets: which keys exist, and how those of one asset map to those of another."""

from .base import PartitionKeyRange as PartitionKeyRange
from .base import PartitionsDefinition as PartitionsDefinition
from .base import TimeWindow as TimeWindow
from .base import partitions_from_json as partitions_from_json
from .key_mappings import LastPartitionMapping as LastPartitionMapping
from .key_mappings import SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping
from .key_mappings import StaticPartitionMapping as StaticPartitionMapping
from .mappings import AllPartitionMapping as AllPartitionMapping
from .mappings import IdentityPartitionMapping as IdentityPartitionMapping
from .mappings import PartitionMapping as PartitionMapping
from .mappings import mapping_from_json as mapping_from_json
from .named_windows import DailyPartitionsDefinition as DailyPartitionsDefinition
from .named_windows import HourlyPartitionsDefinition as HourlyPartitionsDefinition
from .named_windows import MonthlyPartitionsDefinition as MonthlyPartitionsDefinition
from .named_windows import WeeklyPartitionsDefinition as WeeklyPartitionsDefinition
from .rhythms import ScheduleType as ScheduleType
from .static import StaticPartitionsDefinition as StaticPartitionsDefinition
from .time_windows import TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition
from .window_mapping import TimeWindowPartitionMapping as TimeWindowPartitionMapping
from .window_mapping import default_mapping as default_mapping
