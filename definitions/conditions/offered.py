"""What conditions are made of: the operands, the looks at other assets, and the ready conditions, by name.

They are static methods of `AutomationCondition`, which takes them from here. What they give is defined in the files
beside this one and imported when it is first asked for: most definitions need few of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..errors import NotYetSupported

if TYPE_CHECKING:
    from datetime import timedelta

    from ..keys import CoercibleToAssetKey
    from .base import AutomationCondition

INSTEAD_OF_JOBS = "give the condition to the assets of the job, or launch the job from a sensor or a schedule"


class Offered:
    """The names that stand behind `AutomationCondition.`; nothing is ever made of this class itself."""

    # ---- operands ------------------------------------------------------------------------------------------------

    @staticmethod
    def missing() -> AutomationCondition:
        """Never made yet."""
        return _operand("missing")

    @staticmethod
    def in_progress() -> AutomationCondition:
        """Planned in a run or a backfill that has neither made it nor ended."""
        return _operand("in_progress")

    @staticmethod
    def run_in_progress() -> AutomationCondition:
        """Planned in a run that has neither made it nor ended."""
        return _operand("run_in_progress")

    @staticmethod
    def backfill_in_progress() -> AutomationCondition:
        """Asked for by a backfill that has neither made it nor given it up."""
        return _operand("backfill_in_progress")

    @staticmethod
    def execution_failed() -> AutomationCondition:
        """Its last attempt failed, and nothing has made it since."""
        return _operand("execution_failed")

    @staticmethod
    def freshness_passed() -> AutomationCondition:
        """The asset keeps its freshness policy. Without one, this and the next two are false."""
        return _operand("freshness_passed")

    @staticmethod
    def freshness_warned() -> AutomationCondition:
        """The asset's freshness policy warns."""
        return _operand("freshness_warned")

    @staticmethod
    def freshness_failed() -> AutomationCondition:
        """The asset fails its freshness policy."""
        return _operand("freshness_failed")

    @staticmethod
    def newly_updated() -> AutomationCondition:
        """At the moment at which it was made, reported, or observed with other data."""
        return _operand("newly_updated")

    @staticmethod
    def code_version_changed() -> AutomationCondition:
        """At the moment at which definitions are loaded that declare another code version than the ones before.

        A code version where there was none before is no change; one that is taken away is.
        """
        return _operand("code_version_changed")

    @staticmethod
    def data_version_changed() -> AutomationCondition:
        """At the moment at which it was updated to other data: to data of another version, or of none."""
        return _operand("data_version_changed")

    @staticmethod
    def check_passed() -> AutomationCondition:
        """The check has passed on the newest data of its asset. Use it in `any_checks_match` or `all_checks_match`."""
        return _operand("check_passed")

    @staticmethod
    def check_failed() -> AutomationCondition:
        """The check has failed, of whatever severity, on the newest data of its asset."""
        return _operand("check_failed")

    @staticmethod
    def executed_with_root_target() -> AutomationCondition:
        """The run that made it last was to make the asset of this condition too, be it in vain."""
        return _operand("executed_with_root_target")

    @staticmethod
    def executed_with_tags(
        *, tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """The run that made it last has all of these tags.

        Raises:
            InvalidDefinitionError: no tag is given.
        """
        from .run_operands import ExecutedWithTags

        return ExecutedWithTags.of(tag_keys, tag_values)

    @staticmethod
    def any_new_update_has_run_tags(
        *, tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """At the moment at which it was updated, by one run at least that has all of these tags.

        Raises:
            InvalidDefinitionError: no tag is given.
        """
        from .run_operands import AnyNewUpdateHasRunTags

        return AnyNewUpdateHasRunTags.of(tag_keys, tag_values)

    @staticmethod
    def all_new_updates_have_run_tags(
        *, tag_keys: Iterable[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """At the moment at which it was updated, by runs only that have all of these tags.

        Raises:
            InvalidDefinitionError: no tag is given.
        """
        from .run_operands import AllNewUpdatesHaveRunTags

        return AllNewUpdatesHaveRunTags.of(tag_keys, tag_values)

    @staticmethod
    def newly_requested() -> AutomationCondition:
        """At the moment at which automation asked for it."""
        return _operand("newly_requested")

    @staticmethod
    def newly_missing() -> AutomationCondition:
        """At the moment at which it turned out to be missing."""
        return _operand("missing").newly_true().with_label("newly_missing")

    @staticmethod
    def will_be_requested() -> AutomationCondition:
        """Asked for in this very tick."""
        return _operand("will_be_requested")

    @staticmethod
    def handled() -> AutomationCondition:
        """An attempt of the asset has read what is looked at, or its own materialisation was reported."""
        return _operand("handled")

    @staticmethod
    def gated() -> AutomationCondition:
        """The last result of one of its blocking checks is a failure."""
        return _operand("gated")

    @staticmethod
    def initial_evaluation() -> AutomationCondition:
        """At the moment at which the asset is evaluated for the first time."""
        return _operand("initial_evaluation")

    @staticmethod
    def in_latest_time_window(lookback_delta: timedelta | None = None) -> AutomationCondition:
        """In the newest time window, or in one that starts at most `lookback_delta` before its end.

        Always true where partitions have no order in time.
        """
        from .operands import InLatestTimeWindow

        return InLatestTimeWindow(lookback_delta)

    @staticmethod
    def cron_tick_passed(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """At the moments of a cron schedule.

        Raises:
            InvalidDefinitionError: the schedule or the time zone cannot be read.
        """
        from .operands import CronTickPassed

        return CronTickPassed(cron_schedule, cron_timezone)

    # ---- over upstream assets ------------------------------------------------------------------------------------

    @staticmethod
    def any_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` holds for a mapped partition of one upstream asset at least."""
        from .restricting import AnyDepsMatch

        return AnyDepsMatch((condition,))

    @staticmethod
    def all_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """`condition` holds for one mapped partition at least of each upstream asset; true where there is none."""
        from .restricting import AllDepsMatch

        return AllDepsMatch((condition,))

    @staticmethod
    def any_deps_updated() -> AutomationCondition:
        """Something upstream was updated, or is being requested in the same tick."""
        from .presets import any_deps_updated

        return any_deps_updated()

    @staticmethod
    def any_deps_missing() -> AutomationCondition:
        """Something upstream has never been made, and is not being requested either."""
        from .presets import any_deps_missing

        return any_deps_missing()

    @staticmethod
    def any_deps_in_progress() -> AutomationCondition:
        """Something upstream is being made."""
        from .presets import any_deps_in_progress

        return any_deps_in_progress()

    @staticmethod
    def any_deps_gated() -> AutomationCondition:
        """A blocking check of something upstream failed."""
        from .presets import any_deps_gated

        return any_deps_gated()

    @staticmethod
    def all_deps_updated_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Everything upstream was updated since the last tick of the schedule, or is being requested."""
        from .presets import all_deps_updated_since_cron

        return all_deps_updated_since_cron(cron_schedule, cron_timezone)

    @staticmethod
    def all_deps_blocking_checks_passed() -> AutomationCondition:
        """Every blocking check of everything upstream has passed on the newest data, or is being requested."""
        from .presets import all_deps_blocking_checks_passed

        return all_deps_blocking_checks_passed()

    # ---- over checks, other assets, and downstream -----------------------------------------------------------------

    @staticmethod
    def any_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """`condition` holds for one check of the asset at least."""
        from .restricting import AnyChecksMatch

        return AnyChecksMatch((condition,), blocking_only=blocking_only)

    @staticmethod
    def all_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """`condition` holds for each check of the asset; true where there is none."""
        from .restricting import AllChecksMatch

        return AllChecksMatch((condition,), blocking_only=blocking_only)

    @staticmethod
    def asset_matches(key: CoercibleToAssetKey, condition: AutomationCondition) -> AutomationCondition:
        """`condition` holds for the asset of this key, wherever that stands in the graph.

        Its partitions are mapped as those of a dependency are, or, where it is downstream, the other way.
        """
        from ..keys import AssetKey
        from .looking import AssetMatches

        return AssetMatches((condition,), key=AssetKey.of(key).to_user_string())

    @staticmethod
    def any_downstream_conditions() -> AutomationCondition:
        """The condition of one of the nearest assets downstream that have one holds, evaluated for this asset."""
        return _operand("any_downstream_conditions")

    @staticmethod
    def any_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """A word about conditions on jobs, which do not exist here.

        Raises:
            NotYetSupported: always, with what to do instead.
        """
        raise NotYetSupported("AutomationCondition.any_job_root_assets_match", instead=INSTEAD_OF_JOBS)

    @staticmethod
    def all_job_root_assets_match(condition: AutomationCondition) -> AutomationCondition:
        """A word about conditions on jobs, which do not exist here.

        Raises:
            NotYetSupported: always, with what to do instead.
        """
        raise NotYetSupported("AutomationCondition.all_job_root_assets_match", instead=INSTEAD_OF_JOBS)

    # ---- presets -------------------------------------------------------------------------------------------------

    @staticmethod
    def eager() -> AutomationCondition:
        """Make it whenever something upstream was updated, and at once where it is missing."""
        from .presets import eager

        return eager()

    @staticmethod
    def on_missing() -> AutomationCondition:
        """Make it once, as soon as all that it is made from is there."""
        from .presets import on_missing

        return on_missing()

    @staticmethod
    def on_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Make it once in each period of the schedule, when all that is upstream was updated in that period."""
        from .presets import on_cron

        return on_cron(cron_schedule, cron_timezone)


def _operand(name: str) -> AutomationCondition:
    from .base import operand

    return operand(name)
