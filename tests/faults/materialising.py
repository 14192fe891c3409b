"""Materialises attributes/groups over a range of days in this process, as a backfill from the UI does: FIRST LAST."""

import sys

import dagster as dg
from faults.speaking import hear, say

from madang.settings import Settings
from orchestration.definitions import defs
from orchestration.instance import ensure_instance


def main(first: str, last: str) -> int:
    loaded = defs()
    folder = str(ensure_instance(Settings.load()))
    say("loaded")
    hear()
    with dg.DagsterInstance.from_config(folder) as instance:
        result = loaded.resolve_job_def("groups").execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(["attributes", "groups"])], raise_on_error=False,
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        )  # fmt: skip
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
