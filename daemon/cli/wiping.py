"""Wiping: what was made of an asset counts as missing again, by one event. Neither data nor history is touched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...definitions.errors import InvalidInvocationError, did_you_mean
from ...definitions.keys import AssetKey
from ...storage.instance import Instance
from ...storage.log import EventLog
from .catalog import log_for_reading


def check_known(key: str, home: Path) -> None:
    """Make sure that the log tells of the asset, before a home is made or anything is asked.

    Raises:
        InvalidInvocationError: it does not; the asset that was perhaps meant is named.
    """
    with log_for_reading(home) as log:
        if not log.query(asset_key=key, limit=1):
            hint = did_you_mean(key, log.asset_keys(), "`headwater asset list` shows what there is.")
            raise InvalidInvocationError(
                f"nothing is recorded of an asset {key!r}, so there is nothing to wipe. {hint}"
            )


def wipe(key: str, partitions: Sequence[str], home: Path) -> None:
    """Append the event: of these partitions, or of the whole asset where none is named."""
    with EventLog.open(home) as log:
        instance, asset_key = Instance(log, home), AssetKey.from_user_string(key)
        if partitions:
            instance.wipe_asset_partitions(asset_key, partitions)
        else:
            instance.wipe_assets([asset_key])
