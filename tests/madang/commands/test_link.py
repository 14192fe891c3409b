"""`madang places` and `madang link`: from a file of places to links and their scores."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from places import ABOUT_POND, PLACES, write_places
from scenario import Project, write_posts

from madang.cli import main

CARD = {"name": "물빛천지", "address": "제주특별자치도 서귀포시 보목동 1400"}


@pytest.fixture
def madang(project: Project) -> Callable[..., Result]:
    """Runs a command in the project."""

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    """A post about one place of the directory, with its card, and one about none."""
    rows = [
        {"post_id": "1", **ABOUT_POND, "places": [CARD]},
        {"post_id": "2", "title": "", "body": "아무 데도 안 갔어요"},
    ]
    return write_posts(tmp_path / "blog.jsonl", rows)


def test_a_directory_is_imported_once(madang, tmp_path: Path) -> None:
    file = write_places(tmp_path / "places.jsonl")
    first, second = madang("places", "import", file), madang("places", "import", file)

    assert first.stdout.startswith(f"{len(PLACES)} places, directory ")
    assert second.stdout.endswith("unchanged\n")


def test_a_wrong_place_is_refused_in_one_line(madang, tmp_path: Path) -> None:
    refused = madang("places", "import", write_places(tmp_path / "places.jsonl", [{"place_id": "a"}]))

    assert refused.exit_code == 2
    assert refused.stderr.count("\n") == 1


def test_each_post_is_one_line_with_its_link_or_why_there_is_none(madang, posts: Path, tmp_path: Path) -> None:
    told = madang("link", "--directory", write_places(tmp_path / "places.jsonl"), "--posts", posts, "--json")
    first, second = (json.loads(line) for line in told.stdout.splitlines())

    assert (first["post_id"], first["place_id"], first["outcome"]) == ("1", "pond", "linked")
    assert first["evidence"] == {"field": "title", "start": 0, "end": 4}
    assert (second["place_id"], second["outcome"]) == (None, "no_candidate")
    assert second["reason"] == "the post names no place of the directory"


def test_the_places_that_a_post_mentions_are_linked_too(madang, tmp_path: Path) -> None:
    body = "어제 달빛커피 용산점에 다녀왔는데 커피가 정말 맛있었어요."
    posts = write_posts(tmp_path / "town.jsonl", [{"post_id": "1", "title": "", "body": body, "district": "용산구"}])
    told = madang("link", "--directory", write_places(tmp_path / "places.jsonl"), "--posts", posts, "--json")
    [mention] = json.loads(told.stdout)["mentions"]

    assert (mention["place_id"], mention["mention"]) == ("yongsan", "달빛커피 용산점")
    assert mention["evidence"] == {"field": "body", "start": 3, "end": 11}


@pytest.mark.parametrize("places", [[], [{"place_id": "a", "name": "푸른약국"}]])
def test_a_directory_without_places_or_addresses_links_nothing(madang, posts: Path, tmp_path: Path, places) -> None:
    told = madang("link", "--directory", write_places(tmp_path / "places.jsonl", places), "--posts", posts, "--json")

    assert [json.loads(line)["outcome"] for line in told.stdout.splitlines()] == ["no_candidate", "no_candidate"]


def test_links_lead_to_the_directory_that_was_imported_last(madang, posts: Path, tmp_path: Path) -> None:
    madang("places", "import", write_places(tmp_path / "places.jsonl"))
    told = madang("link", "--posts", posts, "--json")

    assert json.loads(told.stdout.splitlines()[0])["place_id"] == "pond"


def test_scores_are_those_of_the_contract(madang, posts: Path, tmp_path: Path) -> None:
    directory = write_places(tmp_path / "places.jsonl")
    told = madang("link", "--directory", directory, "--posts", posts, "--gold-from", "places", "--json")
    scores = json.loads(told.stdout)

    assert (scores["task"], scores["n"]) == ("link", 1)
    assert scores["fields"]["places"]["precision"]["value"] == 1.0


def test_an_alias_is_remembered(madang, project: Project, tmp_path: Path) -> None:
    madang("places", "import", write_places(tmp_path / "places.jsonl"))
    told = madang("places", "alias", "천지못", "pond")

    assert told.stdout == "천지못 means pond\n"
    assert project.rows("SELECT alias, place_id FROM raw.place_aliases") == [("천지못", "pond")]

    renamed = json.loads(json.dumps(ABOUT_POND, ensure_ascii=False).replace("물빛천지", "천지못"))
    told = madang("link", "--posts", write_posts(tmp_path / "blog.jsonl", [{"post_id": "1", **renamed}]), "--json")

    assert (json.loads(told.stdout)["place_id"], json.loads(told.stdout)["mention"]) == ("pond", "천지못")


def test_without_a_directory_the_remedy_is_told(madang, posts: Path) -> None:
    madang("plan", "groups")  # makes the warehouse
    told = madang("link", "--posts", posts)

    assert told.exit_code == 2
    assert "Run: madang places import FILE" in told.stderr
