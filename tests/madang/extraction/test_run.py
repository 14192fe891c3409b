"""A whole run: what is asked, what becomes a row, what ends in quarantine, what stays pending."""

import pytest
from scenario import ALL_DAYS, Project, post, posts

from madang.errors import NothingPlanned
from madang.extraction.checks import completeness
from madang.ops import PLANS
from madang.releases import live, release, rollback

STATES = "SELECT state, count(*) FROM ops.plans GROUP BY state ORDER BY state"
QUARANTINE = "SELECT post_id, failure FROM ops.quarantine ORDER BY post_id"


def test_a_post_becomes_one_typed_row_with_evidence_and_origin(project: Project) -> None:
    project.ingest(post("p1", "running 모집 20s female"))

    report = project.run()

    [row] = project.warehouse.read("SELECT * EXCLUDE (content_hash, request_hash, extracted_at) FROM attributes.groups")\
        .with_columns().to_dicts()  # fmt: skip
    topics_at = {"field": "body", "start": 0, "end": 7}
    age_at = {"field": "body", "start": 11, "end": 14}
    gender_at = {"field": "body", "start": 15, "end": 21}

    assert row | {"event_at": row["event_at"].isoformat(), "day": row["day"].isoformat()} == {
        "source": "town", "post_id": "p1", "recipe": "groups@1", "model": "online:scripted-local", "lane": "online",
        "status": "ok", "dropped": [], "event_at": "2024-11-27T00:00:00+00:00", "day": "2024-11-27",
        "is_calibrated": False,
        "is_recruiting": True, "is_recruiting__confidence": None, "is_recruiting__evidence": [],
        "topics": ["running"], "topics__confidence": None, "topics__evidence": [topics_at],
        "age_bands": ["20s"], "age_bands__confidence": None, "age_bands__evidence": [age_at],
        "gender": "female", "gender__confidence": None, "gender__evidence": [gender_at],
        "recurring": True, "recurring__confidence": None, "recurring__evidence": [],
        "is_open_to_all": False,
    }  # fmt: skip
    assert (report.progress.sent, report.progress.extracted, report.pending) == (1, 1, 0)


def test_a_second_run_sends_nothing_changes_no_snapshot_and_plans_nothing(project: Project) -> None:
    project.ingest(*posts(3))
    project.run()
    snapshot = project.warehouse.snapshot

    again = project.run()

    assert again.plan.counts == {"unchanged": 3}
    assert len(project.sent()) == 3
    assert project.warehouse.snapshot == snapshot
    with pytest.raises(NothingPlanned, match="nothing is pending \\(3 unchanged\\)"):
        again.plan.require_posts()


def test_a_limit_takes_the_oldest_posts_and_leaves_the_rest_pending(project: Project) -> None:
    project.ingest(*posts(4), post("p00", "running 어제", event_at="2024-11-26T09:00:00+09:00"))

    report = project.run(limit=2)

    assert project.rows("SELECT post_id FROM attributes.groups ORDER BY post_id") == [("p00",), ("p01",)]
    assert report.pending == 3
    assert project.rows(STATES) == [("extracted", 2), ("pending", 3)]
    assert project.run().progress.sent == 3
    assert project.rows(STATES) == [("extracted", 5)]


def test_a_changed_derivation_makes_rows_of_a_recipe_of_its_own_without_a_call(project: Project) -> None:
    project.ingest(*posts(3))
    project.run()
    project.edit("groups", lambda task: task["fields"]["is_open_to_all"].update(derive="len(age_bands) == 0"))

    report = project.run()

    assert (report.recipe, report.plan.counts) == ("groups@2", {"recipe": 3})
    assert (report.progress.sent, report.progress.reused, report.progress.extracted) == (0, 3, 3)
    assert len(project.sent()) == 3
    assert project.rows("SELECT recipe, count(*) FROM attributes.groups GROUP BY ALL ORDER BY 1") == [
        ("groups@1", 3), ("groups@2", 3),
    ]  # fmt: skip


def test_a_changed_route_of_long_posts_asks_only_the_long_ones(project: Project) -> None:
    project.ingest(*posts(3), post("long", "running " + "가" * 500))
    project.run()
    routes = [{"when": "chars < 400", "use": "local", "max_tokens": 96}, {"use": "larger", "max_tokens": 96}]
    project.edit("groups", lambda task: task.update(models=routes))

    report = project.run()

    assert (report.progress.sent, report.progress.reused) == (1, 3)
    assert project.rows("SELECT post_id, model FROM attributes.groups WHERE recipe = 'groups@2' ORDER BY 1") == [
        ("long", "online:scripted-larger"), ("p01", "online:scripted-local"), ("p02", "online:scripted-local"),
        ("p03", "online:scripted-local"),
    ]  # fmt: skip


def test_a_blank_post_makes_an_empty_row_and_no_call(project: Project) -> None:
    project.ingest(post("p1", " \n🏃‍♀️ …!"), post("p2", "", title=""))

    report = project.run()

    assert (report.progress.sent, report.progress.extracted) == (0, 2)
    assert project.rows("SELECT status, lane, model, gender, is_recruiting, topics FROM attributes.groups") == [
        ("empty", "reader", None, "unspecified", False, []), ("empty", "reader", None, "unspecified", False, []),
    ]  # fmt: skip


def test_posts_of_the_same_text_share_one_request(project: Project) -> None:
    project.ingest(post("p1", "running 같이"), post("p2", "running 같이"), post("p3", "running 따로"))

    report = project.run()

    assert (report.progress.sent, report.progress.reused, report.progress.extracted) == (2, 1, 3)
    assert len(project.sent()) == 2


def test_posts_that_differ_only_in_what_is_masked_share_one_request(project: Project) -> None:
    project.ingest(post("p1", "running 010-1234-5678"), post("p2", "running 010-9876-5432"))

    report = project.run()

    assert (report.progress.sent, report.progress.extracted) == (1, 2)


def test_a_truncated_reply_is_asked_again_once_with_twice_the_room(project: Project) -> None:
    project.set_model(fault="truncated")
    project.edit("groups", lambda task: task["models"][0].update(max_tokens=256))
    project.ingest(post("p1", "running fault"))

    report = project.run()

    assert (report.progress.sent, report.progress.extracted) == (2, 1)
    assert project.rows("SELECT finish, count(*) FROM ops.replies GROUP BY ALL ORDER BY 1") == [("length", 1), ("stop", 1)]
    assert project.run().progress.sent == 0


def test_a_reply_truncated_twice_ends_in_quarantine(project: Project) -> None:
    project.set_model(fault="truncated")
    project.ingest(post("p1", "running fault"), post("p2", "running"))

    report = project.run()

    assert (report.progress.sent, report.progress.quarantined, report.progress.extracted) == (3, 1, 1)
    assert project.rows(QUARANTINE) == [("p1", "truncated")]


def test_garbage_ends_in_quarantine_and_spoils_no_other_post(project: Project) -> None:
    project.set_model(fault="garbage")
    project.ingest(post("p1", "running fault"), post("p2", "running"))

    report = project.run()

    assert (report.progress.quarantined, report.progress.extracted, report.pending) == (1, 1, 0)
    assert project.rows(QUARANTINE) == [("p1", "invalid_reply")]
    assert project.rows(STATES) == [("extracted", 1), ("quarantined", 1)]
    assert project.run().plan.counts == {"unchanged": 1, "quarantined": 1}
    assert len(project.sent()) == 2


def test_the_quarantine_holds_no_post_text(project: Project) -> None:
    project.set_model(fault="garbage")
    project.ingest(post("p1", "running fault 비밀"))
    project.run()

    [message] = project.rows("SELECT message FROM ops.quarantine")[0]

    assert message == "no JSON object in a reply of 29 characters"


def test_a_permanent_failure_goes_to_the_fallback_and_then_to_quarantine(project: Project) -> None:
    project.set_model(fault="permanent")
    project.edit("groups", lambda task: task["models"][0].update(fallback=["larger"]))
    project.ingest(post("p1", "running fault"))

    report = project.run()

    assert (report.progress.sent, report.progress.quarantined) == (2, 1)
    assert project.rows(QUARANTINE) == [("p1", "permanent")]
    assert project.rows("SELECT model, outcome FROM ops.ledger ORDER BY model") == [
        ("online:scripted-larger", "permanent"), ("online:scripted-local", "permanent"),
    ]  # fmt: skip


def test_a_transient_failure_stays_pending_and_succeeds_in_a_later_run(project: Project) -> None:
    project.set_model(fault="transient")
    project.ingest(post("p1", "running fault"), post("p2", "running"))

    report = project.run()

    assert (report.progress.failed, report.progress.extracted, report.pending) == (1, 1, 1)
    assert project.rows(STATES) == [("extracted", 1), ("pending", 1)]
    project.set_model()
    assert project.run().progress.extracted == 1
    assert project.rows(STATES) == [("extracted", 2)]
    assert project.rows("SELECT outcome, count(*) FROM ops.ledger GROUP BY ALL ORDER BY 1") == [("ok", 2), ("transient", 1)]


def test_an_edit_back_to_an_old_text_shows_the_old_row_and_sends_nothing(project: Project) -> None:
    def live_topics() -> list[tuple[object, ...]]:
        return project.rows("SELECT post_id, topics FROM attributes.groups__live")

    project.ingest(post("p1", "running 모집"))
    project.run()
    project.ingest(post("p1", "hiking 모집"))
    edited = project.run()

    assert edited.plan.counts == {"edited": 1}
    assert live_topics() == [("p1", ["hiking"])]
    project.ingest(post("p1", "running 모집"))
    assert live_topics() == [("p1", ["running"])]
    back = project.run()
    assert back.plan.counts == {"unchanged": 1}
    assert len(project.sent()) == 2
    assert live_topics() == [("p1", ["running"])]


def test_a_pending_post_that_is_edited_is_superseded_and_not_missed(project: Project) -> None:
    project.ingest(post("p1", "running 모집"), post("p2", "running 같이"))
    project.run(limit=1)
    project.ingest(post("p2", "hiking 같이"))
    project.run()

    checked = completeness(project.warehouse, project.task(), ALL_DAYS)

    assert project.rows(STATES) == [("extracted", 2), ("superseded", 1)]
    assert checked.passed
    assert checked.summary == "2 planned = 2 extracted + 0 quarantined + 0 pending"


def test_a_deleted_post_leaves_the_live_view_and_is_not_planned(project: Project) -> None:
    project.ingest(post("p1"), post("p2", "hiking 모집"))
    project.run()
    project.ingest(post("p1", deleted=True))

    report = project.run()

    assert project.rows("SELECT post_id FROM attributes.groups__live") == [("p2",)]
    assert report.plan.counts == {"unchanged": 1}
    assert project.rows("SELECT count(*) FROM attributes.groups") == [(2,)]


def test_only_the_first_recipe_is_released_by_itself_and_a_rollback_is_one_more_release(project: Project) -> None:
    project.ingest(post("p1"))
    project.run()
    project.edit("groups", lambda task: task["fields"]["is_open_to_all"].update(derive="False"))
    project.run()

    def served() -> list[tuple[object, ...]]:
        return project.rows("SELECT recipe, is_open_to_all FROM attributes.groups__live")

    assert live(project.warehouse, "groups") == "groups@1"
    assert served() == [("groups@1", True)]
    release(project.warehouse, "groups@2")
    assert served() == [("groups@2", False)]
    assert rollback(project.warehouse, "groups") == "groups@1"
    assert served() == [("groups@1", True)]
    assert project.rows("SELECT number, recipe, reason FROM ops.releases ORDER BY number") == [
        (1, "groups@1", "first run"), (2, "groups@2", "release"), (3, "groups@1", "rollback"),
    ]  # fmt: skip
    assert rollback(project.warehouse, "groups") == "groups@2"


def test_a_row_taken_away_is_planned_and_made_again_without_a_call(project: Project) -> None:
    project.ingest(*posts(2))
    project.run()
    project.take_away(project.task().table, "post_id = 'p01'")

    report = project.run()

    assert (report.progress.sent, report.progress.extracted) == (0, 1)
    assert project.rows(f"SELECT count(*) FROM {PLANS.name}") == [(2,)]
    assert project.rows(STATES) == [("extracted", 2)]
