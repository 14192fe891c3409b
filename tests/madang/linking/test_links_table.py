"""Links as rows: what each linker says of a mention, which of it is shown, and what reaches features."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from places import PLACES, place_frame
from scenario import ALL_DAYS, DAY, NEXT_DAY, Project, make_project, post

from madang.erasure.receipt import Post
from madang.erasure.tables import doomed_rows
from madang.errors import DeclarationError
from madang.features import remove_published
from madang.linking.landing import confirm, land_places
from madang.linking.links import Linked, link_days, links_by_day
from madang.models.catalogue import Catalogue
from madang.place_mentions import publish_place_mentions
from madang.recipe import recipe_of

SPOTS = {"kind": "mentions", "of": {"is_review": {"kind": "flag"}}, "read": "own.spots", "link": "places"}
CAFE = post("p1", "#달빛커피 good, 그리고 #아무데나", district="용산구")
POND = post("p2", "#물빛천지", event_at="2024-11-28T09:00:00+09:00")
# The pond has another id.
LATER = [place | ({"place_id": "lake"} if place["place_id"] == "pond" else {}) for place in PLACES]
FIRST_LINKS = [("p1", "#달빛커피", "yongsan", "linked"), ("p1", "#아무데나", None, "no_candidate"),
               ("p2", "#물빛천지", "pond", "linked")]  # fmt: skip


def make_town(folder: Path) -> Project:
    """A project whose task links what its reader finds."""
    project = make_project(folder / "project", ("meetups",))
    project.edit("meetups", lambda declared: declared.update(
        entity="post", fields={"spots": SPOTS}, readers={"own": "reader:read"}, models=[]))  # fmt: skip
    project.ingest(CAFE, POND)
    project.run()
    return project


def land(project: Project, places: Sequence[Mapping[str, object]] = PLACES) -> str:
    """Imports a directory; gives its version."""
    return land_places(project.warehouse, place_frame(project.folder, places), "places.jsonl").version


def link(project: Project, days: tuple[date, date] = ALL_DAYS) -> Linked:
    return link_days(project.warehouse, project.settings, project.task(), days)


def publish(project: Project) -> int:
    """Publishes; gives how many rows were appended."""
    return publish_place_mentions(project.warehouse, project.settings, project.task(), ALL_DAYS).appended


def shown(project: Project) -> list[tuple[Any, ...]]:
    """Post, text, place and outcome of every live mention."""
    return project.rows("SELECT post_id, text, place_id, outcome FROM links.meetups__spots__live ORDER BY ALL")


def published(project: Project) -> list[tuple[Any, ...]]:
    """Post and place of what the published files hold."""
    files = project.home / "features" / "place_mentions" / "*" / "part.parquet"
    return pl.read_parquet(files).select("post_id", "place_id").sort("post_id", "place_id").rows()


def history(project: Project) -> list[tuple[Any, ...]]:
    """Post, ordinal and place of every row of the table, in the order in which they came to hold."""
    return project.rows(
        "SELECT post_id, ordinal, place_id FROM features.place_mentions ORDER BY post_id, extracted_at, ordinal"
    )


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Project]:
    """Extracted, not yet linked."""
    project = make_town(tmp_path)
    yield project
    project.close()


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Linked to the shared directory and published; only read."""
    project = make_town(tmp_path_factory.mktemp("linked"))
    land(project)
    link(project)
    publish(project)
    yield project
    project.close()


def test_a_mention_is_linked_or_says_why_not(linked: Project) -> None:
    assert shown(linked) == FIRST_LINKS
    assert linked.rows("SELECT reason FROM links.meetups__spots__live WHERE place_id IS NULL") == [
        ("no place of the directory has such a name",)
    ]


def test_days_have_their_figures(linked: Project) -> None:
    assert links_by_day(linked.warehouse, linked.task(), ALL_DAYS) == {
        DAY: {"mentions": 2, "linked": 1}, NEXT_DAY: {"mentions": 1, "linked": 1}
    }  # fmt: skip


def test_without_a_directory_mentions_stay_unlinked_and_it_is_said(town: Project) -> None:
    done = link(town)

    assert done == Linked("meetups", None)
    assert done.line.endswith("no directory was imported. Run: madang places import FILE")
    assert {(place, outcome) for _, _, place, outcome in shown(town)} == {(None, None)}


def test_unlinked_mentions_are_published_too(town: Project) -> None:
    assert publish(town) == 3
    assert published(town) == [("town:p1", None), ("town:p1", None), ("town:p2", None)]


def test_linking_and_publishing_twice_changes_nothing(town: Project) -> None:
    land(town)
    first, appended = link(town), publish(town)
    snapshot = town.warehouse.snapshot

    again = link(town)
    appended_again = publish(town)

    assert (first.mentions, first.linked, appended) == (3, 2, 3)
    assert (again.mentions, again.linked, appended_again, town.warehouse.snapshot) == (0, 0, 0, snapshot)


def test_only_mentions_of_the_days_are_linked(town: Project) -> None:
    land(town)

    done = link(town, (NEXT_DAY, NEXT_DAY))

    assert (done.mentions, shown(town)[0]) == (1, ("p1", "#달빛커피", None, None))


def test_another_directory_is_linked_to_without_extraction(town: Project) -> None:
    land(town)
    link(town)
    extractions = town.rows("SELECT extracted_at FROM attributes.meetups ORDER BY ALL")
    version = land(town, LATER)

    done = link(town)

    assert (done.directory, done.mentions) == (version, 3)
    assert shown(town)[2] == ("p2", "#물빛천지", "lake", "linked")
    assert town.rows("SELECT extracted_at FROM attributes.meetups ORDER BY ALL") == extractions


def test_days_that_the_later_directory_has_not_seen_keep_their_links(town: Project) -> None:
    land(town)
    link(town)
    land(town, LATER)

    link(town, (NEXT_DAY, NEXT_DAY))

    assert [place for _, _, place, _ in shown(town)] == ["yongsan", None, "lake"]


def test_the_way_back_to_an_earlier_directory_links_nothing_anew(town: Project) -> None:
    land(town)
    link(town)
    land(town, LATER)
    link(town)
    land(town)

    done = link(town)

    assert done.mentions == 0
    assert shown(town) == FIRST_LINKS


def test_a_new_alias_links_what_no_name_did(town: Project) -> None:
    land(town)
    link(town)
    confirm(town.warehouse, "아무데나", "clinic")

    link(town)

    assert shown(town)[1] == ("p1", "#아무데나", "clinic", "linked")


def test_a_post_that_states_another_district_is_linked_again(town: Project) -> None:
    """The text, and so the extraction, is the same."""
    land(town)
    link(town)
    town.ingest(CAFE | {"district": "마포구"})

    done = link(town)

    assert done.mentions == 2
    assert shown(town)[0] == ("p1", "#달빛커피", "mapo", "linked")


def test_a_place_mention_says_post_place_review_and_evidence(linked: Project) -> None:
    [row] = linked.warehouse.read(
        "SELECT * FROM features.place_mentions__live WHERE place_id = 'yongsan'"
    ).to_dicts()  # fmt: skip

    told = {name: row[name] for name in ("post_id", "place_name", "is_review", "kept", "outcome", "recipe", "day")}
    assert told == {"post_id": "town:p1", "place_name": "달빛커피 용산점", "is_review": True, "kept": True,
                    "outcome": "linked", "recipe": "meetups@1", "day": DAY}  # fmt: skip
    assert (row["text"], row["field"], row["start"], row["end"]) == ("#달빛커피", "body", 0, 5)
    assert 0.7 <= row["probability"] <= 1


def test_published_offsets_are_whole_numbers(linked: Project) -> None:
    schema = pq.read_schema(linked.home / "features" / "place_mentions" / f"day={DAY}" / "part.parquet")

    assert (schema.field("start").type, schema.field("end").type) == (pa.int64(), pa.int64())


def test_a_later_link_is_added_and_the_earlier_stays_as_history(town: Project) -> None:
    land(town)
    link(town)
    publish(town)
    land(town, LATER)
    link(town, (NEXT_DAY, NEXT_DAY))

    publish(town)

    assert history(town) == [("town:p1", 1, "yongsan"), ("town:p1", 2, None), ("town:p2", 1, "pond"),
                             ("town:p2", 1, "lake")]  # fmt: skip
    assert published(town) == [("town:p1", None), ("town:p1", "yongsan"), ("town:p2", "lake")]


def test_a_deleted_post_leaves_what_is_published(town: Project) -> None:
    land(town)
    link(town)
    publish(town)
    town.ingest(POND | {"deleted": True})

    publish(town)

    assert published(town) == [("town:p1", None), ("town:p1", "yongsan")]
    assert town.rows("SELECT count(*) FROM features.place_mentions__live WHERE post_id = 'town:p2'") == [(0,)]


def test_a_mention_that_an_edit_removes_is_no_longer_there(town: Project) -> None:
    land(town)
    link(town)
    publish(town)
    town.ingest(POND | {"body": "모집 끝"})
    town.run()
    link(town)

    publish(town)

    assert history(town)[-2:] == [("town:p2", 1, "pond"), ("town:p2", 0, None)]
    assert published(town) == [("town:p1", None), ("town:p1", "yongsan")]


def test_tasks_share_the_table_and_its_days(town: Project) -> None:
    shutil.copytree(town.folder / "assets" / "meetups", town.folder / "assets" / "walks")
    town.edit("walks", lambda declared: declared.update(name="walks"))
    town.run("walks")
    publish(town)

    shared = publish_place_mentions(town.warehouse, town.settings, town.task("walks"), ALL_DAYS)

    assert (shared.rows, shared.appended) == ({DAY: 4, NEXT_DAY: 2}, 3)
    assert town.rows("SELECT task, count(*) FROM features.place_mentions__live GROUP BY task ORDER BY task") == [
        ("meetups", 3), ("walks", 3)
    ]  # fmt: skip


def test_a_post_that_is_erased_leaves_links_and_place_mentions(town: Project) -> None:
    land(town)
    link(town)
    publish(town)
    erased = Post("town", "p1")

    doomed = {one.table: one.rows for one in doomed_rows(town.warehouse, erased, ()) if one.rows}
    removed = remove_published(town.home / "features" / "place_mentions", erased.key)

    assert (doomed["links.meetups__spots"], doomed["features.place_mentions"], removed) == (2, 2, 2)
    assert published(town) == [("town:p2", "pond")]


def test_a_link_makes_no_other_recipe(town: Project) -> None:
    linking = recipe_of(town.task(), Catalogue(town.settings).identity)
    town.edit("meetups", lambda declared: declared["fields"]["spots"].pop("link"))

    assert recipe_of(town.task(), Catalogue(town.settings).identity).hash == linking.hash


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"seats": {"kind": "number", "link": "places"}, "spots": SPOTS}, "fields.seats.number.link"),
        ({"spots": SPOTS | {"link": "people"}}, "fields.spots.mentions.link"),
        ({"spots": SPOTS, "others": SPOTS}, "spots and others are linked, and a task has one such field"),
        ({"spots": SPOTS | {"of": {"place_id": {"kind": "flag"}}}}, "of.place_id: linked mentions have a column"),
    ],
)
def test_a_wrong_link_is_refused(town: Project, fields: dict[str, Any], told: str) -> None:
    town.edit("meetups", lambda declared: declared.update(fields=fields))

    with pytest.raises(DeclarationError, match=told):
        town.task()


def test_no_task_takes_the_name_of_the_table_of_all(town: Project) -> None:
    town.edit("meetups", lambda declared: declared.update(name="place_mentions"))

    with pytest.raises(DeclarationError, match="'place_mentions' is the name of a table of every task"):
        town.task()
