"""The worked queries of docs/queries.md, on the sample posts; those of the past, on a past of their own."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from docs.pages import queries_of
from scenario import Project, make_project, post

from madang.releases import release, rollback

QUERIES = queries_of("queries.md")
# Readers decide every field of the samples, so there is no call in the ledger.
EMPTY = {"10. What did it cost?"}


def test_there_are_ten_and_those_of_the_past() -> None:
    assert [title.partition(".")[0] for title in QUERIES][:10] == [str(number) for number in range(1, 11)]
    assert len(QUERIES) == 13


@pytest.mark.parametrize("title", QUERIES)
def test_a_query_runs_on_the_samples_and_finds_something(town: Project, title: str) -> None:
    for sql in QUERIES[title]:
        assert town.warehouse.read(sql).is_empty() == (title in EMPTY)


def test_evidence_is_what_the_post_says(town: Project) -> None:
    found = town.warehouse.read(QUERIES["7. Where does a value come from?"][0])

    assert {("r001", 5_000_000.0, "title", "500")} <= set(
        found.select("post_id", "deposit", "field", "quoted").iter_rows()
    )


class Past:
    """A post that is edited, then read by another recipe, released and taken back; with the instant of each."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.instants: dict[str, datetime] = {}

    def mark(self, name: str) -> None:
        """Remembers that now is after all so far."""
        self.instants[name] = self.project.rows("SELECT now()")[0][0]

    def known(self, name: str) -> list[tuple[object, ...]]:
        """Rows of the page's query at a remembered instant: recipe, seats."""
        [sql] = QUERIES["What did we know on that day?"]
        sql = sql.replace("2030-01-01 00:00:00+09", self.instants[name].isoformat()).replace("rentals", "meetups")
        return self.project.warehouse.read(sql).select("post_id", "recipe", "seats").rows()


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """Tells the story once."""
    project = make_project(tmp_path_factory.mktemp("past") / "project", ("meetups",))
    past = Past(project)
    project.ingest(post("p1", "running 모집 4명"))
    past.mark("landed")
    project.run()
    past.mark("read")
    project.ingest(post("p1", "running 모집 6명"))
    past.mark("edited")
    project.run()
    past.mark("read again")
    project.edit("meetups", lambda declared: declared["fields"]["seats"].update(max=5))
    project.run()
    release(project.warehouse, "meetups@2")
    past.mark("released")
    rollback(project.warehouse, "meetups")
    past.mark("rolled back")
    project.ingest(post("p1", "running 모집 6명", deleted=True))
    past.mark("deleted")
    yield past
    project.close()


@pytest.mark.parametrize(
    ("instant", "known"),
    [
        ("landed", []),
        ("read", [("p1", "meetups@1", 4)]),
        ("edited", []),  # what was read is of a text that was no more
        ("read again", [("p1", "meetups@1", 6)]),
        ("released", [("p1", "meetups@2", None)]),
        ("rolled back", [("p1", "meetups@1", 6)]),
        ("deleted", []),
    ],
)
def test_what_was_known_then_is_what_was_live_then(past: Past, instant: str, known: list[tuple[object, ...]]) -> None:
    assert past.known(instant) == known


def test_releases_say_which_recipe_was_live_when(past: Past) -> None:
    found = past.project.warehouse.read(QUERIES["Which recipe was live when?"][0])
    begins, ends = found["live_from"].to_list(), found["live_until"].to_list()

    assert list(zip(found["recipe"], found["reason"], strict=True)) == [
        ("meetups@1", "first run"), ("meetups@2", "release"), ("meetups@1", "rollback"),
    ]  # fmt: skip
    assert ends == [*begins[1:], None]


def test_a_table_is_read_as_it_was(past: Past) -> None:
    instant = past.instants["read"].isoformat()

    assert past.project.rows(f"SELECT body FROM raw.posts AT (TIMESTAMP => TIMESTAMPTZ '{instant}')") == [
        ("running 모집 4명",)
    ]
    assert past.project.rows("SELECT count(*) FROM raw.posts") == [(3,)]
