"""`raw/posts`: landed revisions by day. Belongs here: the asset that lands the inbox. Does not: reading or landing."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from assets.partitions import DAYS
from madang.posts.landing import land
from madang.posts.reading import ColumnMap, read_posts
from resources import WarehouseResource

RAW_POSTS = dg.AssetKey(["raw", "posts"])


class LandingConfig(dg.Config):
    """Which files a run lands."""

    paths: list[str] = []


# The asset is skippable and the run has no partition: which days a file touches is known only when it has landed, and
# each of them gets an event of its own.
@dg.multi_asset(
    name="raw_posts",
    specs=[
        dg.AssetSpec(
            RAW_POSTS, partitions_def=DAYS, skippable=True, kinds={"duckdb"}, group_name="posts",
            description="One row is a revision of a post: its text as written, hashes, when it happened and landed. "
            "Files dropped into the inbox land here.",
        )
    ],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)  # fmt: skip
def raw_posts(
    context: dg.AssetExecutionContext, config: LandingConfig, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult[None]]:
    """Lands files, then moves them to `landed/` beside them."""
    settings = warehouse.settings()
    for path in map(Path, config.paths):
        posts = read_posts(path, ColumnMap(timezone=settings.timezone))
        with warehouse.open() as opened:
            landed = land(opened, settings, [posts])
        for day, revisions in landed.by_day.items():
            context.log_event(dg.AssetMaterialization(
                RAW_POSTS, partition=day.isoformat(), metadata={"revisions": revisions, "file": path.name}
            ))  # fmt: skip
        done = path.parent / "landed"
        done.mkdir(exist_ok=True)
        path.rename(done / path.name)
        context.log.info(f"{path.name}: {landed.landed} of {landed.read} posts landed")
    yield from ()
