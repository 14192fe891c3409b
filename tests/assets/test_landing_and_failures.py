"""What the assets do of a file that is gone, of two files of one name, and of calls that failed transiently."""

from pathlib import Path

import dagster as dg
from dagster_home import FIRST, POSTS, metadata_by_day, run_job, yard_at
from scenario import post, write_posts

from assets.posts import raw_posts
from orchestration.definitions import defs
from resources import WarehouseResource


def land(*paths: Path) -> dg.ExecuteInProcessResult:
    """Lands files by the asset, in this process."""
    return dg.materialize(
        [raw_posts], resources={"warehouse": WarehouseResource()}, instance=dg.DagsterInstance.get(),
        run_config={"ops": {"raw_posts": {"config": {"paths": [str(path) for path in paths]}}}},
    )  # fmt: skip


def test_a_file_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    """Two runs were asked for while it was copied, and the later one was red because the earlier had moved it."""
    with yard_at(tmp_path / "yard") as yard:
        result = land(yard.inbox / "gone.jsonl", write_posts(yard.inbox / "there.jsonl", POSTS))

        assert result.success
        assert yard.rows("SELECT count(*) FROM raw.posts") == [(len(POSTS),)]


def test_both_files_of_one_name_stay(tmp_path: Path) -> None:
    with yard_at(tmp_path / "yard") as yard:
        for number in (1, 2):
            land(write_posts(yard.inbox / "posts.jsonl", [post(f"p{number}")]))

        kept = [path.read_text() for path in (yard.inbox / "landed").glob("posts-????????.jsonl")]
        assert sorted('"p1"' in text for text in kept) == [False, True]


def test_a_transient_failure_keeps_no_features_from_the_day(tmp_path: Path) -> None:
    """One failed call once raised after all rows were committed, so features and Feast of the day did not run."""
    with yard_at(tmp_path / "yard", fault="transient") as yard, dg.DagsterInstance.get() as instance:
        yard.ingest(post("p1", event_at=f"{FIRST}T12:00:00+09:00"),
                    post("p2", "fault", event_at=f"{FIRST}T12:00:00+09:00"))  # fmt: skip
        result = run_job(instance, defs(), "groups", FIRST)
        shown = metadata_by_day(instance, dg.AssetKey(["attributes", "groups"]))[FIRST]

        assert result.success
        assert (shown["run_failed"], shown["run_pending"], shown["run_rows"]) == (1, 1, 1)
        assert yard.rows("SELECT group_id FROM features.groups") == [("town:p1",)]
