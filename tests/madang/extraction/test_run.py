"""Whole runs: what is asked, what becomes a row, what ends in quarantine, what stays pending.

Each fixture tells one story once; the tests below it read what came out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from scenario import ALL_DAYS, DAY, Project, make_project, post, posts

from madang.errors import CapReached, InputError, NothingPlanned
from madang.extraction.checks import completeness
from madang.extraction.run import RunReport
from madang.releases import live, release, rollback

STATES = "SELECT state, count(*) FROM ops.plans GROUP BY state ORDER BY state"


def told(tmp_path_factory: pytest.TempPathFactory, name: str) -> Project:
    return make_project(tmp_path_factory.mktemp(name) / "project", ("meetups",))


@dataclass(frozen=True)
class Twice:
    """Two runs of one project.

    Args:
        project: The project.
        first: Report of the first run.
        second: Report of the second.
        asked: Requests that the model had received after the first and after the second.
        snapshots: The warehouse's snapshot after the first and after the second.
    """

    project: Project
    first: RunReport
    second: RunReport
    asked: tuple[int, int]
    snapshots: tuple[int, int]


def run_twice(project: Project) -> Twice:
    first = project.run()
    asked, snapshot = len(project.sent()), project.warehouse.snapshot
    second = project.run()
    return Twice(
        project, first, second, (asked, len(project.sent())), (snapshot, project.warehouse.snapshot)
    )  # fmt: skip


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twice]:
    """Posts of every sort; each board has a model with a fault of its own."""
    project = told(tmp_path_factory, "mixed")
    routes = [
        {"when": "board == '취미'", "use": "garbage"},
        {"when": "board == '운동'", "use": "permanent", "fallback": ["garbage"]},
        {"when": "chars > 300", "use": "truncated", "max_tokens": 256},
        {"when": "chars > 200", "use": "truncated", "max_tokens": 96},
        {"use": "local", "max_tokens": 96},
    ]
    project.edit("meetups", lambda task: task.update(models=routes))
    project.ingest(
        post("plain", "running 모집 female 500명"),
        post("blank", " \n🏃‍♀️ …!"),
        post("empty", ""),
        post("same1", "hiking 같이"),
        post("same2", "hiking 같이"),
        post("masked1", "running 010-1234-5678"),
        post("masked2", "running 010-9876-5432"),
        post("garbage", "fault 비밀", board="취미"),
        post("refused", "fault", board="운동"),
        post("cut-once", "running fault" + "가" * 300),
        post("cut-twice", "running fault" + "가" * 200),
        post("elsewhere", "running", board="rentals"),
    )
    yield run_twice(project)
    project.close()


def test_a_post_becomes_one_typed_row_with_evidence_and_origin(mixed: Twice) -> None:
    [row] = mixed.project.warehouse.read(
        "SELECT * EXCLUDE (content_hash, request_hash, extracted_at) FROM attributes.meetups WHERE post_id = 'plain'"
    ).to_dicts()

    assert row == {
        "source": "town", "post_id": "plain", "recipe": "meetups@1", "model": "online:scripted-local", "lane": "online",
        "status": "partial", "dropped": [{"field": "seats", "reason": "out_of_range"}],
        "event_at": datetime(2024, 11, 27, tzinfo=UTC), "day": DAY, "is_calibrated": False,
        "is_recruiting": True, "is_recruiting__confidence": None,
        "is_recruiting__evidence": [{"field": "body", "start": 8, "end": 10}],
        "topics": ["running"], "topics__confidence": None,
        "topics__evidence": [{"field": "body", "start": 0, "end": 7}],
        "gender": "female", "gender__confidence": None,
        "gender__evidence": [{"field": "body", "start": 11, "end": 17}],
        "seats": None, "seats__confidence": None, "seats__evidence": [],
        "is_open_to_all": False,
    }  # fmt: skip


def test_every_planned_post_ends_as_a_row_or_in_quarantine(mixed: Twice) -> None:
    done = mixed.first.progress

    assert mixed.first.plan.counts == {"new": 11}
    assert (done.extracted, done.quarantined, done.failed, mixed.first.pending) == (8, 3, 0, 0)
    assert mixed.project.rows(STATES) == [("extracted", 8), ("quarantined", 3)]


def test_posts_of_the_same_text_once_masked_share_one_request(mixed: Twice) -> None:
    shared = mixed.project.rows(
        "SELECT count(DISTINCT request_hash), count(*) FROM attributes.meetups WHERE post_id[:4] IN ('same', 'mask') "
        "GROUP BY post_id[:4]"
    )

    assert shared == [(1, 2), (1, 2)]
    assert mixed.first.progress.reused == 2


def test_a_blank_post_makes_an_empty_row_and_no_call(mixed: Twice) -> None:
    found = mixed.project.rows(
        "SELECT status, lane, model, request_hash, gender, is_recruiting, topics FROM attributes.meetups "
        "WHERE post_id IN ('blank', 'empty')"
    )

    assert found == [("empty", "reader", None, None, "unspecified", False, [])] * 2


def test_a_truncated_reply_is_asked_again_once_with_twice_the_room(mixed: Twice) -> None:
    """The wider request was queued after the lanes had been told to end, when other posts were done meanwhile."""
    found = mixed.project.rows(
        "SELECT r.finish FROM attributes.meetups a JOIN ops.replies r USING (request_hash) WHERE a.post_id = 'cut-once'"
    )

    assert found == [("stop",)]
    assert mixed.project.rows("SELECT finish, count(*) FROM ops.replies GROUP BY finish ORDER BY finish") == [
        ("length", 3), ("stop", 8),
    ]  # fmt: skip


def test_what_cannot_be_read_ends_in_quarantine_with_its_class_and_without_its_text(mixed: Twice) -> None:
    found = mixed.project.rows("SELECT post_id, failure, message FROM ops.quarantine ORDER BY post_id")

    assert found == [
        ("cut-twice", "truncated", "the reply was cut at 192 tokens"),
        ("garbage", "invalid_reply", "no JSON object with the asked keys in a reply of 29 characters"),
        ("refused", "invalid_reply", "no JSON object with the asked keys in a reply of 29 characters"),
    ]


def test_a_permanent_failure_is_not_repeated_but_goes_to_the_fallback(mixed: Twice) -> None:
    found = mixed.project.rows(
        "SELECT model, outcome, count(*) FROM ops.ledger WHERE model NOT LIKE '%local' GROUP BY ALL ORDER BY ALL"
    )

    assert found == [
        ("online:scripted-garbage", "ok", 4), ("online:scripted-permanent", "permanent", 1),
        ("online:scripted-truncated", "ok", 4),
    ]  # fmt: skip


def test_the_ledger_holds_every_call_with_its_day(mixed: Twice) -> None:
    found = mixed.project.rows("SELECT outcome, day::VARCHAR, count(*) FROM ops.ledger GROUP BY ALL ORDER BY ALL")

    assert found == [("ok", "2024-11-27", 11), ("permanent", "2024-11-27", 1)]
    assert mixed.asked[0] == 12
    assert len(set(mixed.project.sent())) == 12


def test_a_second_run_sends_nothing_and_changes_no_snapshot(mixed: Twice) -> None:
    assert mixed.second.plan.counts == {"unchanged": 8, "quarantined": 3}
    assert mixed.asked[1] == mixed.asked[0]
    assert mixed.snapshots[1] == mixed.snapshots[0]


def test_a_run_that_plans_nothing_says_why(mixed: Twice) -> None:
    with pytest.raises(NothingPlanned, match=r"nothing is pending \(.*8 unchanged.*\)") as error:
        mixed.second.plan.require_posts()

    assert error.value.exit_code == 3


@pytest.fixture(scope="module")
def flaky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twice]:
    """A model that is out of order in the first run and answers in the second."""
    project = told(tmp_path_factory, "flaky")
    project.set_model(fault="transient")
    project.ingest(post("p1", "running fault"), post("p2", "running"))
    first = project.run()
    asked = len(project.sent())
    project.set_model()
    second = project.run()
    yield Twice(project, first, second, (asked, len(project.sent())), (0, 0))
    project.close()


def test_a_transient_failure_stays_pending_and_is_asked_again_by_the_next_run(flaky: Twice) -> None:
    first, second = flaky.first, flaky.second

    assert (first.progress.failed, first.progress.extracted, first.pending) == (1, 1, 1)
    assert (second.progress.failed, second.progress.extracted, second.pending) == (0, 1, 0)
    assert flaky.asked[1] == flaky.asked[0] + 1
    assert flaky.project.rows(STATES) == [("extracted", 2)]


@dataclass(frozen=True)
class Edits:
    """A, then B, then A again; and a post that was edited while it was pending.

    Args:
        project: The project.
        reports: Of the runs, in order.
        served: What `__live` showed of p1 after each step.
        asked: Requests received after each step.
    """

    project: Project
    reports: list[RunReport]
    served: list[list[str]]
    asked: list[int]


@pytest.fixture(scope="module")
def edits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edits]:
    """p1 is edited and edited back; p2 is edited before it was extracted; p3 is deleted."""
    project = told(tmp_path_factory, "edits")
    story = Edits(project, [], [], [])

    def step(*landed: dict[str, object], limit: int | None = None) -> None:
        project.ingest(*landed)
        story.reports.append(project.run(limit=limit))
        live_rows = project.rows("SELECT topics FROM attributes.meetups__live WHERE post_id = 'p1'")
        story.served.append([topic for (topics,) in live_rows for topic in topics])
        story.asked.append(len(project.sent()))

    step(post("p1", "running 모집"), post("p2", "cafe 모집"), post("p3", "golf 모집"), limit=1)
    step(post("p1", "hiking 모집"), post("p2", "travel 모집"))
    step(post("p1", "running 모집"), post("p3", "golf 모집", deleted=True))
    yield story
    project.close()


def test_a_limit_takes_the_oldest_posts_and_leaves_the_rest_pending(edits: Edits) -> None:
    first, second = edits.reports[:2]

    assert (first.limited_to, first.progress.extracted, first.pending) == (1, 1, 2)
    assert (second.progress.extracted, second.pending) == (3, 0)


def test_an_edit_is_planned_as_one(edits: Edits) -> None:
    assert edits.reports[1].plan.counts == {"edited": 1, "new": 2}


def test_an_edit_back_to_an_old_text_shows_the_old_row_and_sends_nothing(edits: Edits) -> None:
    assert edits.served == [["running"], ["hiking"], ["running"]]
    assert edits.asked == [1, 4, 4]
    assert edits.reports[2].plan.counts == {"unchanged": 2}


def test_a_post_edited_while_pending_is_superseded_and_missed_by_nobody(edits: Edits) -> None:
    checked = completeness(edits.project.warehouse, edits.project.task(), ALL_DAYS)

    assert edits.project.rows(STATES) == [("extracted", 4), ("superseded", 1)]
    assert (checked.passed, checked.summary) == (True, "4 planned = 4 extracted + 0 quarantined + 0 pending")


def test_a_deleted_post_leaves_the_live_view_and_keeps_its_row(edits: Edits) -> None:
    assert edits.project.rows("SELECT post_id FROM attributes.meetups__live ORDER BY 1") == [("p1",), ("p2",)]
    assert edits.project.rows("SELECT count(*) FROM attributes.meetups WHERE post_id = 'p3'") == [(1,)]


@dataclass(frozen=True)
class Recipes:
    """A first recipe, then another derivation, then another route for long posts.

    Args:
        project: The project.
        reports: Of the three runs.
        served: Recipe and derived value that `__live` showed after each change of release.
    """

    project: Project
    reports: list[RunReport]
    served: list[tuple[str, bool]]


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recipes]:
    """Three recipes of the same posts, and which of them was live."""
    project = told(tmp_path_factory, "recipes")
    project.ingest(*posts(2), post("long", "running " + "가" * 500))
    story = Recipes(project, [project.run()], [])
    routes = [{"when": "chars < 400", "use": "local", "max_tokens": 96}, {"use": "larger", "max_tokens": 96}]
    for change in (
        lambda task: task["fields"]["is_open_to_all"].update(derive="False"),
        lambda task: task.update(models=routes),
    ):
        project.edit("meetups", change)
        story.reports.append(project.run())

    def serve() -> None:
        [row] = project.rows("SELECT DISTINCT recipe, is_open_to_all FROM attributes.meetups__live")
        story.served.append(row)

    serve()
    release(project.warehouse, "meetups@2")
    serve()
    rollback(project.warehouse, "meetups")
    serve()
    rollback(project.warehouse, "meetups")
    serve()
    yield story
    project.close()


def test_a_changed_derivation_makes_rows_of_a_recipe_of_its_own_without_a_call(recipes: Recipes) -> None:
    report = recipes.reports[1]

    assert (report.recipe, report.plan.counts) == ("meetups@2", {"recipe": 3})
    assert (report.progress.sent, report.progress.reused, report.progress.extracted) == (0, 3, 3)


def test_a_changed_route_of_long_posts_asks_only_the_long_ones(recipes: Recipes) -> None:
    report = recipes.reports[2]

    assert (report.recipe, report.progress.sent, report.progress.reused) == ("meetups@3", 1, 2)
    assert len(recipes.project.sent()) == 4
    models = "SELECT post_id, model FROM attributes.meetups WHERE recipe = 'meetups@3' ORDER BY post_id"
    assert recipes.project.rows(models) == [
        ("long", "online:scripted-larger"), ("p01", "online:scripted-local"), ("p02", "online:scripted-local"),
    ]  # fmt: skip


def test_rows_of_every_recipe_stay_side_by_side(recipes: Recipes) -> None:
    assert recipes.project.rows("SELECT recipe, count(*) FROM attributes.meetups GROUP BY ALL ORDER BY ALL") == [
        ("meetups@1", 3), ("meetups@2", 3), ("meetups@3", 3),
    ]  # fmt: skip


def test_only_the_first_recipe_is_released_by_itself(recipes: Recipes) -> None:
    assert recipes.served[0] == ("meetups@1", True)


def test_a_release_and_a_rollback_change_what_is_served(recipes: Recipes) -> None:
    assert recipes.served[1:] == [("meetups@2", False), ("meetups@1", True), ("meetups@2", False)]
    assert live(recipes.project.warehouse, "meetups") == "meetups@2"


def test_releases_are_only_ever_added(recipes: Recipes) -> None:
    found = recipes.project.rows("SELECT number, recipe, reason FROM ops.releases ORDER BY number")

    assert found == [
        (1, "meetups@1", "first run"), (2, "meetups@2", "release"), (3, "meetups@1", "rollback"),
        (4, "meetups@2", "rollback"),
    ]  # fmt: skip


def test_a_recipe_that_no_run_has_used_cannot_be_released(recipes: Recipes) -> None:
    with pytest.raises(
        InputError, match=r"meetups@9: no run has used this recipe \(there are: meetups@1, meetups@2, meetups@3\)"
    ):
        release(recipes.project.warehouse, "meetups@9")


def test_a_task_that_was_never_released_cannot_be_rolled_back(recipes: Recipes) -> None:
    with pytest.raises(InputError, match=r"rentals: it was never released\. Run the task first"):
        rollback(recipes.project.warehouse, "rentals")


def test_a_cap_stops_before_the_call_that_would_pass_it_and_the_next_run_goes_on_there(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    project = told(tmp_path_factory, "capped")
    project.set_model(usd=0.5)
    project.ingest(*posts(5))

    with pytest.raises(CapReached, match=r"the cap of \$1\.2000 leaves no room for a call of \$0\.5000") as stopped:
        project.run(cap_usd=1.2)
    spent = project.rows("SELECT count(*), sum(usd) FROM ops.ledger")
    states = project.rows(STATES)
    project.run()

    assert stopped.value.exit_code == 4
    assert (spent, states) == ([(2, 1.0)], [("extracted", 2), ("pending", 3)])
    assert len(project.sent()) == len(set(project.sent())) == 5
    assert project.rows(STATES) == [("extracted", 5)]
    project.close()
