"""What Feast serves, both ways: from published days (historical) and from the online store."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scenario import ALL_DAYS, Project, make_project, post

from feature_repo.store import apply_and_materialise, open_store
from feature_repo.views import build
from madang.features import publish
from madang.releases import release, rollback
from madang.task import Task

LATER = timedelta(days=1)
EVENT_AT = datetime(2024, 11, 27, 0, 0, tzinfo=UTC)
GROUP = post("g1", "running 20s 함께 뛰실 분 모집합니다", title="한강 러닝", board="groups")
BLANK = post("g2", " 🙏 ", board="groups")
FLAT = post("r1", "신림역 앞 apartment bed desk monthly 🏠", title="1억 2천 투룸", board="rentals")
LOFT = post("r2", "$1,200 a month, sublet, tv", board="rentals")


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project with both tasks; this process's environment is its own."""
    made = make_project(tmp_path / "project", ("groups", "rentals"), logprob=-0.1)
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.delenv("MADANG_LOCAL_MODEL", raising=False)
    yield made
    made.warehouse.close()


def serve(yard: Project, task: str, days: tuple[date, date] = ALL_DAYS) -> None:
    """Publishes a task's days and loads them, as its assets do."""
    settings = yard.settings
    publish(yard.warehouse, settings, yard.task(task), days)
    apply_and_materialise(settings, build([yard.task("groups"), yard.task("rentals")], settings), yard.task(task), days)


def online(yard: Project, task: Task, post_id: str) -> dict[str, object]:
    """Features of one post as the online store serves them."""
    store, key = open_store(yard.settings), f"{task.declaration.entity}_id"
    served = store.get_online_features(
        features=store.get_feature_service(f"{task.name}_service"), entity_rows=[{key: f"town:{post_id}"}]
    ).to_dict()
    return {name: values[0] for name, values in served.items()}


def historical(
    yard: Project, task: Task, post_id: str, at: datetime = EVENT_AT + LATER, *, as_known: bool = False
) -> dict[str, object]:
    """Features of one post as a training set gets them; by Arrow, where null stays null."""
    store, key = open_store(yard.settings), f"{task.declaration.entity}_id"
    entities = pd.DataFrame({key: [f"town:{post_id}"], "event_timestamp": pd.to_datetime([at], utc=True)})
    job = store.get_historical_features(
        entity_df=entities, features=store.get_feature_service(f"{task.name}_service"),
        filter_by_created_timestamp=as_known,
    )  # fmt: skip
    row = job.to_arrow().to_pylist()[0]
    del row["event_timestamp"]
    return row


def both(yard: Project, name: str, post_id: str) -> dict[str, object]:
    """Features of one post, after seeing that both ways serve the same."""
    task = yard.task(name)
    served = online(yard, task, post_id)

    assert historical(yard, task, post_id) == served
    return served


def test_every_type_comes_back_the_same_both_ways(yard: Project) -> None:
    yard.ingest(GROUP, BLANK, FLAT, LOFT)
    for task in ("groups", "rentals"):
        yard.run(task)
        serve(yard, task)

    runners = both(yard, "groups", "g1")
    assert runners == {
        "group_id": "town:g1",
        "is_recruiting": True, "is_recruiting__confidence": 1.0, "is_recruiting__recipe": "groups@1",
        "topics": ["running"], "topics__confidence": 1.0, "topics__recipe": "groups@1",
        "age_bands": ["20s"], "age_bands__confidence": 1.0, "age_bands__recipe": "groups@1",
        "gender": "unspecified", "gender__confidence": 1.0, "gender__recipe": "groups@1",
        "recurring": True, "recurring__confidence": 1.0, "recurring__recipe": "groups@1",
        "is_open_to_all": False, "is_open_to_all__recipe": "groups@1",
    }  # fmt: skip
    blank = both(yard, "groups", "g2")
    assert {name: blank[name] for name in ("is_recruiting", "topics", "recurring", "recurring__confidence")} == {
        "is_recruiting": False, "topics": [], "recurring": None, "recurring__confidence": None
    }  # fmt: skip
    flat = both(yard, "rentals", "r1")
    names = ("monthly_rent", "monthly_rent__currency", "floor", "options", "pets_allowed", "rooms", "floor__recipe")
    assert tuple(flat[name] for name in names) == (
        100_000_000.0, "KRW", "1억", ["bed", "desk"], False, 1.0, "rentals@1"
    )  # fmt: skip
    assert flat["monthly_rent__confidence"] == pytest.approx(0.904837418)
    loft = both(yard, "rentals", "r2")
    assert (loft["deposit"], loft["deposit__currency"], loft["options"]) == (1200.0, "USD", ["tv"])


def test_nothing_is_known_before_it_happened(yard: Project) -> None:
    yard.ingest(GROUP)
    yard.run()
    serve(yard, "groups")

    before = historical(yard, yard.task(), "g1", EVENT_AT - timedelta(seconds=1))
    after = historical(yard, yard.task(), "g1", EVENT_AT)
    assert {name for name, value in before.items() if value is not None} == {"group_id"}
    assert after["topics"] == ["running"]


def test_a_rollback_is_what_both_ways_serve(yard: Project) -> None:
    def one_topic(attributes: dict[str, Any]) -> None:
        del attributes["examples"]
        attributes["fields"]["topics"]["max"] = 1

    def served() -> tuple[object, object]:
        serve(yard, "groups")
        features = both(yard, "groups", "g1")
        return features["topics"], features["topics__recipe"]

    yard.ingest(GROUP | {"body": "running, then cafe"})
    yard.run()
    first = served()
    yard.edit("groups", one_topic)
    yard.run()
    unreleased = served()
    release(yard.warehouse, "groups@2")
    released = served()
    rollback(yard.warehouse, "groups")

    assert [first, unreleased, released, served()] == [
        (["running", "cafe"], "groups@1"), (["running", "cafe"], "groups@1"), (["running"], "groups@2"),
        (["running", "cafe"], "groups@1"),
    ]  # fmt: skip


def test_an_edit_back_to_the_old_text_serves_the_old_values(yard: Project) -> None:
    """The old row is older than the one it replaces: Feast takes the newest, so the old values are appended again."""
    other = GROUP | {"body": "hiking 50s 같이 걸어요"}
    served, moments = [], []
    for state in (GROUP, other, GROUP):
        yard.ingest(state)
        yard.run()
        serve(yard, "groups")
        served.append(both(yard, "groups", "g1"))
        moments.append(datetime.now(UTC))

    assert [(features["topics"], features["is_recruiting"]) for features in served] == [
        (["running"], True), (["hiking"], False), (["running"], True)
    ]  # fmt: skip
    assert len(yard.sent()) == 2
    as_known = [historical(yard, yard.task(), "g1", moment, as_known=True)["topics"] for moment in moments]
    assert as_known == [["running"], ["hiking"], ["running"]]


def test_a_backfill_of_an_old_day_leaves_newer_online_values(yard: Project) -> None:
    """Feast writes the newest row inside the range whatever the online store holds; the range once ended too early.

    The old day reaches to the 28th through an edit of its post; the other post's first state lies within, its
    second state after.
    """
    old = post("g1", "running", board="groups", event_at="2024-11-20T09:00:00+09:00")
    other = post("g2", "hiking", board="groups", event_at="2024-11-27T09:00:00+09:00")
    for state in (
        old, other, old | {"body": "running cafe", "event_at": "2024-11-28T09:00:00+09:00"},
        other | {"body": "hiking cafe", "event_at": "2024-11-30T09:00:00+09:00"},
    ):  # fmt: skip
        yard.ingest(state)
        yard.run()
        serve(yard, "groups")
    newer = online(yard, yard.task(), "g2")

    serve(yard, "groups", (date(2024, 11, 20), date(2024, 11, 20)))

    assert newer["topics"] == ["hiking", "cafe"]
    assert online(yard, yard.task(), "g2") == newer


def test_what_a_removed_task_had_leaves_the_registry(yard: Project) -> None:
    yard.ingest(GROUP)
    yard.run()
    serve(yard, "groups")
    store = open_store(yard.settings)
    before = sorted(view.name for view in store.list_feature_views())

    apply_and_materialise(yard.settings, build([yard.task("groups")], yard.settings), yard.task("groups"), ALL_DAYS)

    store = open_store(yard.settings)
    views, services = store.list_feature_views(), store.list_feature_services()
    kinds = (views, services, store.list_entities(), store.list_data_sources())
    names = [sorted(item.name for item in kind if item.name != "__dummy") for kind in kinds]
    assert before == ["groups", "rentals"]
    assert names == [["groups"], ["groups_service"], ["group"], ["features.groups"]]
    assert both(yard, "groups", "g1")["topics"] == ["running"]


def test_a_refused_task_keeps_what_it_had(yard: Project) -> None:
    """A broken groups/defs.yaml once made the next run of rentals delete the features of groups."""
    yard.ingest(GROUP)
    yard.run()
    serve(yard, "groups")

    only_rentals = build([yard.task("rentals")], yard.settings)
    apply_and_materialise(yard.settings, only_rentals, yard.task("rentals"), ALL_DAYS, is_whole=False)

    assert both(yard, "groups", "g1")["topics"] == ["running"]


def test_a_task_without_rows_can_be_asked(yard: Project) -> None:
    yard.ingest(GROUP)
    yard.run("groups")
    serve(yard, "groups")
    yard.run("rentals")
    serve(yard, "rentals")

    served = both(yard, "rentals", "r1")
    assert {name for name, value in served.items() if value is not None} == {"rental_id"}


def test_a_new_field_is_served_beside_days_published_without_it(yard: Project) -> None:
    yard.ingest(GROUP)
    yard.run()
    serve(yard, "groups")
    yard.edit("groups", lambda attributes: attributes["fields"].update(beginner={"kind": "flag"}))
    yard.ingest(GROUP | {"post_id": "g9"})
    yard.run()
    release(yard.warehouse, "groups@2")
    serve(yard, "groups", (date(2024, 11, 27), date(2024, 11, 27)))

    assert (both(yard, "groups", "g1")["beginner"], both(yard, "groups", "g9")["beginner"]) == (True, True)
