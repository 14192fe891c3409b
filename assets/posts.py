"""`raw/posts`: landed revisions by day. Belongs here: the asset that lands the inbox. Does not: reading or landing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from pydantic import Field

from assets.partitions import DAYS
from madang.posts.landing import land
from madang.posts.reading import ColumnMap, read_posts
from resources import WarehouseResource

RAW_POSTS = dg.AssetKey(["raw", "posts"])
# Metadata that only a landing has: how many revisions it brought into a day.
LANDED = "revisions"


class LandingConfig(dg.Config):
    """Which files a run lands."""

    paths: list[str] = Field(default_factory=list, description="Files to land")


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
    """Lands files, then moves them to `landed/` beside them; a file that grew meanwhile stays and is landed again.

    A file that is gone was landed by an earlier run, or taken away: it is passed over. Its name in `landed/` holds the
    first digits of its SHA-256, so that two files of one name both stay.
    """
    settings = warehouse.settings()
    for path in map(Path, config.paths):
        before = _state(path)
        if before is None:
            context.log.warning(f"{path} is not there any more: it was landed by an earlier run, or taken away")
            continue
        posts = read_posts(path, ColumnMap(timezone=settings.timezone))
        with warehouse.open() as opened:
            landed = land(opened, settings, [posts])
        for day, revisions in landed.by_day.items():
            context.log_event(dg.AssetMaterialization(
                RAW_POSTS, partition=day.isoformat(), metadata={LANDED: revisions, "file": path.name}
            ))  # fmt: skip
        context.log.info(f"{path.name}: {landed.landed} of {landed.read} posts landed")
        if _state(path) == before:
            done = path.parent / "landed"
            done.mkdir(exist_ok=True)
            path.rename(done / f"{path.stem}-{_digits(path)}{path.suffix}")
    if context.has_partition_key or context.has_partition_key_range:
        # "Materialize all" asks for this asset too; without an output Dagster silently skips all that comes after it.
        yield dg.MaterializeResult(asset_key=RAW_POSTS)


def _digits(path: Path) -> str:
    """First 8 hexadecimal digits of a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def _state(path: Path) -> tuple[int, int] | None:
    """Size and time of a file, by which it is seen to grow; None if it is not there."""
    if not path.is_file():
        return None
    seen = path.stat()
    return seen.st_size, seen.st_mtime_ns
