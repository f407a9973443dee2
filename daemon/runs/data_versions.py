"""The data version of what a step makes, where its asset declares a code version and the code gives none.

Same code, same inputs, same data: the version is a hash of the code version and of the versions of all that is read as
they are when the step begins, so that making it again from the same inputs is no change to what is downstream. An input
without a version counts as new data each time that it was made.

Only assets with a code version pay for it: a look into the log for each dependency, or partition of one.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from ...definitions.assets_definition import AssetsDefinition
from ...definitions.keys import AssetKey
from ...storage.instance import Instance

MOST_PARTITIONS = 100  # of one dependency that are looked at one by one; of more the newest event of all counts


def computed_version(
    instance: Instance,
    asset: AssetsDefinition,
    input_keys: Mapping[str, Sequence[str]],
    *,
    without: Container[AssetKey] = (),
) -> str:
    """The version of what `asset`, whose code has one, makes now of the partitions `input_keys` of its dependencies,
    `without` some of these."""
    parts = [asset.code_version or ""]
    for dep in sorted(asset.deps, key=lambda dep: str(dep.key)):
        if dep.key in without:
            continue
        keys = input_keys.get(str(dep.key))
        if keys is None or len(keys) > MOST_PARTITIONS:
            parts.append(f"{dep.key}={_version(instance, dep.key, None)}")
        else:
            parts += [f"{dep.key}[{key}]={_version(instance, dep.key, key)}" for key in keys]
    return version_of_parts(parts)


def version_of_parts(parts: Iterable[str]) -> str:
    from hashlib import sha256  # here, since it costs 10 ms to import

    return sha256("\n".join(parts).encode()).hexdigest()


def _version(instance: Instance, key: object, partition: str | None) -> str:
    record = instance.get_latest_data_version_record(key, partition_key=partition)
    if record is None:
        return ""
    return record.data_version or f"event {record.storage_id}"
