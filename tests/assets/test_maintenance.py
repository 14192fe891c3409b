"""`maintenance/*`: each asset says what it did to the warehouse."""

import dagster as dg
from scenario import Project, posts

from assets import maintenance
from resources import WarehouseResource

ASSETS = [maintenance.compaction, maintenance.snapshots, maintenance.orphans, maintenance.statistics]


def test_every_step_says_what_it_did_and_a_run_after_it_finds_everything_done(project: Project) -> None:
    project.ingest(*posts(12))
    project.run()
    done = dg.materialize(ASSETS, resources={"warehouse": WarehouseResource()})
    told = {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in done.get_asset_materialization_events()
    }
    snapshots = project.warehouse.snapshot
    again = project.run()

    compacted = told["compaction"]
    assert compacted.keys() == {
        "rows", "inlined_rows", "files_before", "files_after", "bytes_before", "bytes_after",
    }  # fmt: skip
    assert told["snapshots"] == {
        "snapshot_days": 30, "expired_snapshots": 0, "deleted_files": 0, "deleted_inlined_rows": 0,
    }  # fmt: skip
    assert told["orphans"] == {"deleted_files": 0}
    rows = {record["name"]: record["rows"] for record in (one.data for one in told["statistics"]["tables"].records)}
    assert (rows["raw.posts"], rows["attributes.groups"], rows["ops.replies"]) == (12, 12, 12)
    assert told["statistics"]["snapshots"] == snapshots + 1
    assert (told["statistics"]["files"], told["statistics"]["bytes"]) == (
        compacted["files_after"], compacted["bytes_after"],
    )  # fmt: skip
    assert (again.progress.extracted, again.progress.sent, again.pending) == (0, 0, 0)
    assert project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups__live") == [(12, 12)]
