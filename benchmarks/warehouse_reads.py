"""Point reads of a live view while a backfill commits: started by warehouse.py, prints one JSON object.

Run: python benchmarks/warehouse_reads.py make|write|read HOME POSTS. The posts, their extractions and the view are
those of a task; one read is all columns of one post.
"""

import json
import os
import random
import statistics
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests"))

CHUNK = 2000  # rows of a commit, as the engine makes them
READS = 300


def main(role: str, home: Path, posts: int) -> None:
    """Makes the warehouse, or works on it for as long as the other does."""
    os.environ |= {"MADANG_PROJECT": str(REPOSITORY), "MADANG_HOME": str(home)}
    from madang.posts.table import RAW_POSTS
    from madang.recipe import Recipe
    from madang.releases import first_release, live, register
    from madang.settings import Settings
    from madang.tables import ensure_tables
    from madang.task import load_task
    from madang.warehouse import Change, open_warehouse

    task = load_task(REPOSITORY, "groups")
    warehouse = open_warehouse(Settings.load(), read_only=role == "read")
    if role == "make":
        ensure_tables(warehouse, task)
        name = register(warehouse, Recipe(task.name, "benchmark", {}))
        warehouse.commit(first_release(warehouse, task.name, name))
        warehouse.read(
            'INSERT INTO raw.posts (source, post_id, revision, title_hash, body_hash, ingested_at, "day", deleted) '
            "SELECT 'town', 'p' || i, 1, md5(i::VARCHAR), md5((i * 7)::VARCHAR), now(), DATE '2024-11-27', false "
            f"FROM range({posts}) r(i)"
        )
        warehouse.read(
            'INSERT INTO attributes.groups (source, post_id, content_hash, recipe, lane, status, "day", is_recruiting) '
            f"SELECT source, post_id, sha256(title_hash || body_hash), '{name}', 'reader', 'ok', \"day\", true "
            "FROM raw.posts"
        )
        return
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if role == "write":
        commits, recipe = 0, live(warehouse, task.name)
        while (home / "reading").exists():
            # Their ids lie among those that are read, so that no file can be passed over for its range.
            ids = [f"p{number * posts // CHUNK}-{commits}" for number in range(CHUNK)]
            keys = [{"source": "town", "post_id": post_id, "day": date(2024, 11, 27)} for post_id in ids]
            landed = {
                "revision": 1, "ingested_at": datetime.now(UTC), "deleted": False, "title_hash": "t", "body_hash": "b",
            }  # fmt: skip
            extracted = {"content_hash": "h", "recipe": recipe, "lane": "reader", "status": "ok", "is_recruiting": True}
            warehouse.commit([
                Change(RAW_POSTS, pl.DataFrame([key | landed for key in keys], schema=RAW_POSTS.polars_schema)),
                Change(task.table, pl.DataFrame([key | extracted for key in keys], schema=task.table.polars_schema)),
            ])  # fmt: skip
            commits += 1
        sys.stdout.write(json.dumps({"commits": commits}) + "\n")
        return
    times = []
    for _ in range(READS):
        began = time.monotonic()
        found = warehouse.read(
            "SELECT * FROM attributes.groups__live WHERE source = 'town' AND post_id = ?",
            [f"p{random.randrange(posts)}"],  # noqa: S311
        )
        times.append(time.monotonic() - began)
        assert found.height == 1
    cuts = statistics.quantiles(times, n=100)
    sys.stdout.write(json.dumps({"reads": len(times), "p50": cuts[49], "p99": cuts[98]}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
