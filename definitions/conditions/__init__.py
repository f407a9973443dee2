"""Automation conditions: when assets are to be made. `AutomationCondition` builds them all."""

from .base import AutomationCondition as AutomationCondition
from .base import condition_from_json as condition_from_json
from .operands import CronTickPassed as CronTickPassed
from .operands import ExecutionFailed as ExecutionFailed
from .operands import Gated as Gated
from .operands import Handled as Handled
from .operands import InitialEvaluation as InitialEvaluation
from .operands import InLatestTimeWindow as InLatestTimeWindow
from .operands import InProgress as InProgress
from .operands import Missing as Missing
from .operands import NewlyRequested as NewlyRequested
from .operands import NewlyUpdated as NewlyUpdated
from .operands import Operand as Operand
from .operands import WillBeRequested as WillBeRequested
from .operators import AllDepsMatch as AllDepsMatch
from .operators import And as And
from .operators import AnyDepsMatch as AnyDepsMatch
from .operators import DepsMatch as DepsMatch
from .operators import NewlyTrue as NewlyTrue
from .operators import Not as Not
from .operators import Operator as Operator
from .operators import Or as Or
from .operators import Since as Since
