"""What Feast serves where the warehouse is BigQuery: by its own BigQuery store, from the warehouse's view."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from scenario import ALL_DAYS, Project, make_project, post
from services.bigquery_emulator import nobodys_credentials

from feature_repo.store import apply_and_materialise, open_store
from feature_repo.views import build
from madang.features import publish
from madang.warehouse import open_warehouse

pytestmark = pytest.mark.service
EVENT_AT = datetime(2024, 11, 27, 0, 0, tzinfo=UTC)
GROUP = post("g1", "running 20s 함께 뛰실 분 모집합니다", title="한강 러닝")
FLAT = post("r1", "신림역 앞 apartment bed desk monthly 🏠", title="1억 2천 투룸", board="rentals")
GONE = post("r2", "$1,200 a month, sublet, tv", board="rentals")


class Yard:
    """A project in BigQuery, of which each state was served; remembers the moments."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.moments: list[datetime] = []

    def serve(self, *posts: dict[str, object]) -> None:
        """Lands posts, runs the tasks, publishes and materialises them, as their assets do."""
        settings = self.project.settings
        tasks = [self.project.task("groups"), self.project.task("rentals")]
        self.project.ingest(*posts)
        for task in tasks:
            self.project.run(task.name)
            publish(self.project.warehouse, settings, task, ALL_DAYS)
            apply_and_materialise(settings, build(tasks, settings), task, ALL_DAYS)
        self.moments.append(datetime.now(UTC))

    def online(self, task: str, key: str, post_id: str) -> dict[str, object]:
        """Features of one post as the online store serves them."""
        store = open_store(self.project.settings)
        served = store.get_online_features(
            features=store.get_feature_service(f"{task}_service"), entity_rows=[{key: f"town:{post_id}"}]
        ).to_dict()
        return {name: values[0] for name, values in served.items()}

    def historical(
        self, task: str, key: str, post_id: str, *moments: datetime, as_known: bool = False
    ) -> list[dict[str, object]]:  # fmt: skip
        """Features of one post at each moment, as a training set gets them."""
        store = open_store(self.project.settings)
        at = pd.to_datetime(list(moments), utc=True)
        entities = pd.DataFrame({key: [f"town:{post_id}"] * len(moments), "event_timestamp": at})
        job = store.get_historical_features(
            entity_df=entities, features=store.get_feature_service(f"{task}_service"),
            filter_by_created_timestamp=as_known,
        )  # fmt: skip
        found = sorted(job.to_arrow().to_pylist(), key=lambda row: row["event_timestamp"])
        return [{name: value for name, value in row.items() if name != "event_timestamp"} for row in found]


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory, emulator: str) -> Iterator[Yard]:
    """Three posts; then one is edited and one taken away; then the edit is undone."""
    made = make_project(tmp_path_factory.mktemp("yard") / "project", ("groups", "rentals"), logprob=-0.1)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
            patch.setenv(name, made.environment[name])
        patch.setenv("BIGQUERY_EMULATOR_HOST", emulator)
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(nobodys_credentials()))
        patch.setenv("MADANG_WAREHOUSE", f"bigquery:madang-test.m{uuid.uuid4().hex[:8]}")
        vars(made)["warehouse"] = open_warehouse(made.settings)
        told = Yard(made)
        told.serve(GROUP, FLAT, GONE)
        told.serve(GROUP | {"body": "hiking 50s 같이 걸어요"}, GONE | {"deleted": True})
        told.serve(GROUP)
        yield told
        made.close()


def test_every_type_comes_back_the_same_both_ways(yard: Yard) -> None:
    for task, key, post_id in (("groups", "group_id", "g1"), ("rentals", "rental_id", "r1")):
        served = yard.online(task, key, post_id)

        assert yard.historical(task, key, post_id, EVENT_AT + timedelta(days=1)) == [served]
    names = ("monthly_rent", "monthly_rent__currency", "floor", "options", "pets_allowed", "rooms", "floor__recipe")
    assert tuple(served[name] for name in names) == (
        100_000_000.0, "KRW", "1억", ["bed", "desk"], False, 1.0, "rentals@1"
    )  # fmt: skip
    assert served["monthly_rent__confidence"] == pytest.approx(0.904837418)


def test_nothing_is_known_before_it_happened(yard: Yard) -> None:
    before, after = yard.historical("groups", "group_id", "g1", EVENT_AT - timedelta(seconds=1), EVENT_AT)

    assert {name for name, value in before.items() if value not in (None, [])} == {"group_id"}
    assert after["topics"] == ["running"]


def test_what_was_known_then_stays_answerable(yard: Yard) -> None:
    found = yard.historical("groups", "group_id", "g1", *yard.moments, as_known=True)

    assert [features["topics"] for features in found] == [["running"], ["hiking"], ["running"]]


def test_what_the_source_took_away_is_not_served_and_stays_as_history(yard: Yard) -> None:
    online = yard.online("rentals", "rental_id", "r2")
    [historical] = yard.historical("rentals", "rental_id", "r2", EVENT_AT + timedelta(days=1))

    assert [features["deposit"] for features in (online, historical)] == [None, None]
    kept = "SELECT count(*) AS n FROM features.rentals WHERE rental_id = 'town:r2'"
    assert yard.project.rows(kept) == [(1,)]


def test_no_day_is_published_as_a_file(yard: Yard) -> None:
    assert not (yard.project.home / "features").exists()
