"""Landing: exactly once, with revisions that tell every state of a post and days that never move."""

import hashlib
import json
import unicodedata
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from scenario import DAY, NEXT_DAY, Project, make_project, post

from madang.posts.landing import Landed
from madang.posts.reading import text_hash

SEOUL = ZoneInfo("Asia/Seoul")


def revisions(project: Project, post_id: str) -> list[tuple[object, ...]]:
    """Revision and body of a post, oldest first."""
    return project.rows("SELECT revision, body FROM raw.posts WHERE post_id = ? ORDER BY revision", post_id)


def day_of(project: Project, post_id: str) -> date:
    [(day,)] = project.rows("SELECT DISTINCT day FROM raw.posts WHERE post_id = ?", post_id)
    return day


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory):
    """A project shared by these tests: each lands posts with ids of its own."""
    made = make_project(tmp_path_factory.mktemp("town") / "project")
    yield made
    made.close()


def test_landing_the_same_file_twice_changes_nothing(town: Project) -> None:
    rows = [post("twice", title="모임", images=["a.jpg"], likes=3), post("twice2", "두 번", board=None)]
    first = town.ingest(*rows)
    snapshot = town.warehouse.snapshot

    again = town.ingest(*rows)

    assert (first, again) == (Landed(2, 2, {DAY: 2}), Landed(2, 0, {}))
    assert (first.unchanged, again.unchanged, again.days) == (0, 2, ())
    assert town.warehouse.snapshot == snapshot


def test_the_hash_of_both_texts_is_that_of_their_hashes(town: Project) -> None:
    town.ingest(post("both", "본문", title="제목"))
    [(both,)] = town.rows("SELECT text_hash FROM raw.posts WHERE post_id = 'both'")

    assert both == hashlib.sha256((text_hash("제목") + text_hash("본문")).encode()).hexdigest()


def test_an_edit_and_an_edit_back_make_three_revisions(town: Project) -> None:
    for body in ("A", "B", "A", "A"):
        town.ingest(post("aba", body))

    assert revisions(town, "aba") == [(1, "A"), (2, "B"), (3, "A")]


def test_an_edit_and_an_edit_back_in_one_file_make_three_revisions(town: Project) -> None:
    landed = town.ingest(*[post("aba1", body) for body in ("A", "A", "B", "A")])

    assert revisions(town, "aba1") == [(1, "A"), (2, "B"), (3, "A")]
    assert (landed.landed, landed.unchanged) == (3, 1)


@pytest.mark.parametrize("told", ["AB", "ABC", "ABA", "ABAB", "AABB"])
def test_a_file_that_tells_several_states_of_a_post_lands_once(town: Project, told: str) -> None:
    """A then B in one file landed anew at each ingest: thrice gave revisions 1 to 6."""
    rows = [post(f"told{told}", body) for body in told]
    first, *again = [town.ingest(*rows).landed for _ in range(3)]

    assert (first, again) == (2 if told == "AABB" else len(told), [0, 0])


def test_a_file_that_tells_more_states_goes_on_where_those_that_landed_end(town: Project) -> None:
    landed = [town.ingest(*[post("grows", body) for body in told]).landed for told in ("A", "ABA", "ABAC", "BACD", "A")]

    assert landed == [1, 2, 1, 1, 1]
    assert [body for _, body in revisions(town, "grows")] == ["A", "B", "A", "C", "D", "A"]


def test_a_file_that_numbers_some_states_of_a_post_lands_once(town: Project) -> None:
    rows = [post("some", "A"), post("some", "X", revision=7), post("some", "B")]

    assert [town.ingest(*rows).landed for _ in range(3)] == [3, 0, 0]
    assert revisions(town, "some") == [(7, "X"), (8, "A"), (9, "B")]


CHANGES = {
    "title": {"title": "새 제목"}, "board": {"board": "취미"}, "extra": {"district": "마포구"},
    "images": {"images": ["b.jpg"]},
    "deleted": {"deleted": True},
}  # fmt: skip
NO_CHANGES = {
    "event": {"event_at": "2024-11-28T00:00:00Z"},
    "composition": {"body": unicodedata.normalize("NFD", "running 모집")},
}


@pytest.fixture(scope="module")
def revised(town: Project) -> dict[str, int]:
    """Revisions of posts that each landed a second time with one change, by the change's name."""
    town.ingest(*[post(name) for name in CHANGES | NO_CHANGES])
    town.ingest(*[post(name) | change for name, change in (CHANGES | NO_CHANGES).items()])
    return dict(town.rows("SELECT post_id, count(*) FROM raw.posts GROUP BY post_id"))


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_content_is_a_revision(revised: dict[str, int], change: str) -> None:
    assert revised[change] == 2


@pytest.mark.parametrize("change", NO_CHANGES)
def test_what_is_no_change_of_content_is_no_revision(revised: dict[str, int], change: str) -> None:
    assert revised[change] == 1


def test_revision_numbers_of_the_source_s_own_are_kept_and_a_late_older_one_is_never_current(town: Project) -> None:
    town.ingest(post("own", "third", revision=7))
    late = town.ingest(post("own", "second", revision=4))
    again = town.ingest(post("own", "third", revision=7), post("own", "second", revision=4))

    assert (late.landed, again.landed) == (1, 0)
    assert revisions(town, "own") == [(4, "second"), (7, "third")]


def test_a_revision_number_that_stands_twice_lands_once(town: Project) -> None:
    landed = town.ingest(post("own2", "a", revision=1), post("own2", "b", revision=1), post("own2", "c", revision=2))

    assert landed.landed == 2
    assert revisions(town, "own2") == [(1, "a"), (2, "c")]


def test_a_source_that_stops_numbering_goes_on_from_its_last_number(town: Project) -> None:
    town.ingest(post("stops", "a", revision=7))
    town.ingest(post("stops", "b"))

    assert revisions(town, "stops") == [(7, "a"), (8, "b")]


def test_a_numbered_and_an_unnumbered_revision_of_one_file_get_different_numbers(town: Project) -> None:
    landed = town.ingest(post("mixed", "a", revision=1), post("mixed", "b"))

    assert landed.landed == 2
    assert revisions(town, "mixed") == [(1, "a"), (2, "b")]
    assert town.ingest(post("mixed", "a", revision=1), post("mixed", "b")).landed == 0


def test_the_same_id_in_another_source_is_another_post(town: Project) -> None:
    town.ingest(post("shared", "a"), post("shared", "b", source="forum"))

    assert town.rows("SELECT source, revision, body FROM raw.posts WHERE post_id = 'shared' ORDER BY source") == [
        ("forum", 1, "b"), ("town", 1, "a"),
    ]  # fmt: skip


def test_a_deletion_keeps_the_earlier_states_and_can_be_taken_back(town: Project) -> None:
    town.ingest(post("gone", "A"))
    town.ingest(post("gone", "A", deleted=True))
    town.ingest(post("gone", "A"))

    assert town.rows("SELECT revision, deleted FROM raw.posts WHERE post_id = 'gone' ORDER BY 1") == [
        (1, False), (2, True), (3, False),
    ]  # fmt: skip


def test_the_day_is_that_of_the_event_in_the_project_s_zone(town: Project) -> None:
    town.ingest(
        post("midnight", event_at="2024-11-27T15:00:00Z"), post("before", event_at="2024-11-27T14:59:59.999999Z")
    )

    assert (day_of(town, "midnight"), day_of(town, "before")) == (NEXT_DAY, DAY)


def test_the_day_stays_that_of_the_first_landing(town: Project) -> None:
    later = "2024-12-24T09:00:00+09:00"
    town.ingest(post("moved", "A"), post("moved1", "A"), post("moved1", "B", event_at=later))
    town.ingest(post("moved", "B", event_at=later))

    assert (day_of(town, "moved"), day_of(town, "moved1")) == (DAY, DAY)


def test_an_event_before_the_first_day_takes_the_first_day_and_keeps_its_value(town: Project) -> None:
    town.ingest(post("old", event_at="1999-12-31T09:00:00+09:00"))

    assert town.rows("SELECT day, event_at::VARCHAR FROM raw.posts WHERE post_id = 'old'") == [
        (date(2016, 1, 1), "1999-12-31 00:00:00+00"),
    ]  # fmt: skip


def test_a_future_event_takes_the_landing_day_and_keeps_its_value(town: Project) -> None:
    before = datetime.now(SEOUL).date()
    town.ingest(post("future", event_at="2199-01-01T09:00:00+09:00"))

    assert before <= day_of(town, "future") <= datetime.now(SEOUL).date()
    assert town.rows("SELECT event_at::VARCHAR FROM raw.posts WHERE post_id = 'future'") == [
        ("2199-01-01 00:00:00+00",)
    ]


def test_a_post_without_an_event_takes_the_landing_day(town: Project) -> None:
    before = datetime.now(SEOUL).date()
    landed = town.ingest(post("timeless", event_at=None))

    assert before <= day_of(town, "timeless") <= datetime.now(SEOUL).date()
    assert landed.days == (day_of(town, "timeless"),)


def test_what_landed_says_revisions_by_day(town: Project) -> None:
    landed = town.ingest(
        post("b1"), post("b2", event_at="2024-11-28T09:00:00+09:00"), post("b1", "edited"), post("b1", "edited")
    )

    assert landed == Landed(4, 3, {DAY: 2, NEXT_DAY: 1})


def test_a_text_is_stored_as_it_was_written(town: Project) -> None:
    body = "'; DROP TABLE raw.posts; -- \" \\ \t\n{{ 7 * 7 }} 👨‍👩‍👧‍👦 " + unicodedata.normalize("NFD", "강남")
    town.ingest(post("odd'; --", body, title="\u2028", note={"a": ["\\", '"']}))

    assert town.rows("SELECT title, body, extra->>'$.note.a[1]' FROM raw.posts WHERE post_id = ?", "odd'; --") == [
        ("\u2028", body, '"'),
    ]  # fmt: skip


def test_text_that_lands_masked_keeps_its_hash_and_lands_once(tmp_path: Path) -> None:
    """A warehouse elsewhere gets no telephone number, in the form's fields neither; planning goes by the hash."""
    project = make_project(tmp_path / "project")
    config = project.folder / "madang.toml"
    config.write_text(config.read_text().replace("[tool.madang]", '[tool.madang]\nraw_text = "masked"', 1))
    told = post("masked", "연락은 010-1234-5678", phone="010-1234-5678", district="마포구")
    landed = [project.ingest(told).landed, project.ingest(told).landed]
    [(body, extra, hashed)] = project.rows("SELECT body, extra, body_hash FROM raw.posts")
    project.close()

    assert landed == [1, 0]
    assert (body, json.loads(extra)) == ("연락은 000-0000-0000", {"phone": "000-0000-0000", "district": "마포구"})
    assert hashed == text_hash("연락은 010-1234-5678")
