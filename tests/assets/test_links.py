"""`links/places` in our own graph: from posts to linked mentions that a product and an analyst can read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
import pytest
from click.testing import CliRunner
from dagster_home import FIRST, SECOND, Yard, metadata_by_day, run_job, yard_at
from places import write_places
from scenario import post

from madang.cli import main
from orchestration.definitions import defs

LINKS, FEATURES = dg.AssetKey(["links", "places"]), dg.AssetKey(["features", "places"])
CAFE = post("c1", "어제 달빛커피 용산점에 다녀왔는데 커피가 정말 맛있었어요.", board="맛집", district="용산구",
            event_at=f"{FIRST}T21:00:00+09:00")  # fmt: skip
CLINIC = post("c2", "햇살이비인후과의원 다녀왔는데 정말 친절하시고 좋았어요.", board="병원/약국", district="용산구",
              event_at=f"{SECOND}T21:00:00+09:00")  # fmt: skip


@dataclass(frozen=True)
class Done:
    """A home before and after a directory was imported.

    Args:
        yard: The home.
        warnings: Warnings of the run before it.
        before: Metadata of links/places by day, then.
        links: The same after the next run.
        features: Metadata of features/places by day, then.
        again: What `madang places link` says after that.
    """

    yard: Yard
    warnings: list[str]
    before: dict[str | None, dict[str, Any]]
    links: dict[str | None, dict[str, Any]]
    features: dict[str | None, dict[str, Any]]
    again: str


def madang(*arguments: str) -> str:
    return CliRunner().invoke(main, list(arguments)).output


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    folder = tmp_path_factory.mktemp("links")
    with yard_at(folder / "home") as yard, dg.DagsterInstance.get() as instance:
        yard.ingest(CAFE, CLINIC)
        definitions = defs()
        without = madang("places", "link", "places")
        result = run_job(instance, definitions, "places", FIRST, SECOND)
        events = instance.all_logs(result.run_id)
        warnings = [event.message for event in events if event.level == 30] + [without]
        before = metadata_by_day(instance, LINKS)
        madang("places", "import", str(write_places(folder / "places.jsonl")))
        run_job(instance, definitions, "places", FIRST, SECOND)
        again = madang("places", "link", "places", "--from", FIRST, "--to", SECOND)
        yield Done(yard, warnings, before, metadata_by_day(instance, LINKS), metadata_by_day(instance, FEATURES), again)


def figures(shown: dict[str | None, dict[str, Any]], *names: str) -> dict[str | None, tuple[Any, ...]]:
    return {day: tuple(found[name] for name in names) for day, found in shown.items()}


def test_without_a_directory_it_is_said_once_and_nothing_fails(done: Done) -> None:
    said = "mentions stay unlinked, for no directory was imported"

    assert sum(said in warning for warning in done.warnings[:-1]) == 1
    assert done.warnings[-1].startswith("madang: places: no directory of places has been imported")
    assert figures(done.before, "mentions", "linked", "run_directory") == dict.fromkeys([FIRST, SECOND], (1, 0, "none"))


def test_each_day_shows_its_mentions_and_links(done: Done) -> None:
    assert figures(done.links, "mentions", "linked", "run_new") == dict.fromkeys([FIRST, SECOND], (1, 1, 2))
    assert figures(done.features, "rows", "place_mentions") == dict.fromkeys([FIRST, SECOND], (1, 1))


def test_what_is_linked_is_not_linked_again_by_command(done: Done) -> None:
    assert done.again.startswith("places: 0 of 0 new mentions linked, directory ")


def test_a_product_reads_which_posts_review_a_place(done: Done) -> None:
    files = done.yard.home / "features" / "place_mentions" / "*" / "part.parquet"
    reviews = pl.read_parquet(files).filter(pl.col("is_review"), pl.col("kept"))

    assert reviews.select("place_id", "post_id", "text").sort("place_id").rows() == [
        ("clinic", "town:c2", "햇살이비인후과의원"),
        ("yongsan", "town:c1", "달빛커피 용산점"),
    ]


def test_an_analyst_reads_places_by_reviews(done: Done) -> None:
    found = done.yard.rows("SELECT month, place_name, reviews, posts FROM analytics.places_by_reviews ORDER BY ALL")

    month = date(2024, 11, 1)
    assert found == [(month, "달빛커피 용산점", 1, 1), (month, "햇살이비인후과의원", 1, 1)]
