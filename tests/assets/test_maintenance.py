"""`maintenance/*`: each asset says what it did to the warehouse."""

import dagster as dg
import pytest
from scenario import Project, posts

from assets import maintenance
from resources import WarehouseResource

ASSETS = [maintenance.compaction, maintenance.snapshots, maintenance.orphans, maintenance.statistics]


@pytest.fixture
def told(project: Project) -> dict[str, dict[str, object]]:
    """Metadata of each asset, after a run of the task `groups`."""
    project.ingest(*posts(12))
    project.run()
    done = dg.materialize(ASSETS, resources={"warehouse": WarehouseResource()})
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in done.get_asset_materialization_events()
    }


def test_every_step_says_what_it_did(told: dict[str, dict[str, object]], project: Project) -> None:
    assert told["compaction"].keys() == {"flushed_rows", "merged_files", "rewritten_files", "created_files"}
    assert told["compaction"]["flushed_rows"] >= 1
    assert told["snapshots"] == {"snapshot_days": 30, "expired_snapshots": 0, "deleted_files": 0}
    assert told["orphans"] == {"deleted_files": 0}
    rows = {record["name"]: record["rows"] for record in (one.data for one in told["statistics"]["tables"].records)}
    assert (rows["raw.posts"], rows["attributes.groups"], rows["ops.replies"]) == (12, 12, 12)
    assert told["statistics"]["snapshots"] == project.warehouse.snapshot + 1


def test_a_run_after_upkeep_finds_everything_done(told: dict[str, dict[str, object]], project: Project) -> None:
    again = project.run()

    assert (again.progress.extracted, again.progress.sent, again.pending) == (0, 0, 0)
    assert project.rows("SELECT count(*), count(DISTINCT post_id) FROM attributes.groups__live") == [(12, 12)]
