"""Reading and landing a directory: whole and checked, once, and by its content."""

from pathlib import Path

import polars as pl
import pytest
from places import PLACES, place_frame, write_places
from scenario import Project

from madang.errors import InputError
from madang.linking.directory import is_bigquery_table, read_places, version_of
from madang.linking.landing import aliases_of, confirm, current_version, land_places, places_of


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet"])
def test_a_directory_is_the_same_in_every_type_of_file(tmp_path: Path, suffix: str) -> None:
    frame = place_frame(tmp_path)
    file = tmp_path / f"other{suffix}"
    match suffix:
        case ".json":
            frame.write_json(file)
        case ".csv":
            frame.write_csv(file)
        case _:
            frame.write_parquet(file)

    assert version_of(read_places(file)) == version_of(frame)


def test_the_order_of_places_does_not_change_the_version(tmp_path: Path) -> None:
    frame = place_frame(tmp_path)

    assert version_of(frame.reverse()) == version_of(frame)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ({"place_id": "a"}, ":2: there is no name"),
        ({"name": "가게"}, ":2: there is no place_id"),
        ({"place_id": "b", "name": "  "}, ":2: there is no name"),
        ({"place_id": "a", "name": "가게", "lat": "북쪽"}, ":2: lat is '북쪽', which is no number"),
        ({"place_id": "first", "name": "가게"}, ":2: place_id 'first' is that of place 1 too"),
        ({"place_id": "a", "name": ["가게"]}, ":2: name is a list"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path: Path, place: dict[str, object], told: str) -> None:
    file = write_places(tmp_path / "places.jsonl", [{"place_id": "first", "name": "처음"}, place])

    with pytest.raises(InputError, match="nothing was written") as refused:
        read_places(file)

    assert told in str(refused.value)


def test_a_broken_line_is_refused_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "places.jsonl"
    file.write_text('{"place_id": "a", "name": "가게"}\n{"place_id"\n', encoding="utf-8")

    with pytest.raises(InputError, match=":2: it is not JSON"):
        read_places(file)


def test_a_coordinate_outside_the_globe_is_unknown(tmp_path: Path) -> None:
    """Two of 60,790 real places have latitude and longitude the wrong way round."""
    frame = place_frame(tmp_path, [{"place_id": "a", "name": "가게", "lat": 126.5, "lon": 33.4}])

    assert frame.row(0, named=True)["lat"] is None


def test_columns_of_other_names_are_mapped(tmp_path: Path) -> None:
    file = write_places(tmp_path / "places.jsonl", [{"id": 7, "title": "가게"}])

    assert read_places(file, {"name": "title"}).select("place_id", "name").row(0) == ("7", "가게")


def test_a_map_to_a_column_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no column 'title' for name"):
        read_places(write_places(tmp_path / "places.jsonl"), {"name": "title"})


def test_a_table_is_told_from_a_file() -> None:
    assert is_bigquery_table("my-project.town.places")
    assert not is_bigquery_table("places.2024.jsonl")


def test_importing_twice_changes_nothing(project: Project, tmp_path: Path) -> None:
    frame = place_frame(tmp_path)
    first = land_places(project.warehouse, frame, "places.jsonl")
    second = land_places(project.warehouse, frame, "places.jsonl")

    assert (first.places, second.version, second.written) == (len(PLACES), first.version, 0)
    assert project.rows("SELECT count(*) FROM raw.places") == [(len(PLACES),)]


def test_an_earlier_version_stays_and_can_become_the_current_one_again(project: Project, tmp_path: Path) -> None:
    whole, part = place_frame(tmp_path), place_frame(tmp_path, PLACES[:2])
    first = land_places(project.warehouse, whole, "whole.jsonl")
    land_places(project.warehouse, part, "part.jsonl")

    assert places_of(project.warehouse, current_version(project.warehouse)).height == 2

    land_places(project.warehouse, whole, "whole.jsonl")

    assert current_version(project.warehouse) == first.version
    assert project.rows("SELECT count(*) FROM raw.places") == [(len(PLACES) + 2,)]


def test_an_alias_leads_to_a_place_of_the_directory(project: Project, tmp_path: Path) -> None:
    land_places(project.warehouse, place_frame(tmp_path), "places.jsonl")
    confirm(project.warehouse, "달 커", "yongsan")

    assert aliases_of(project.warehouse) == {"달커": ("yongsan",)}
    with pytest.raises(InputError, match="there is no place 'nowhere'"):
        confirm(project.warehouse, "달커", "nowhere")


def test_a_warehouse_without_a_directory_says_how_to_get_one(project: Project) -> None:
    with pytest.raises(InputError, match="madang places import"):
        current_version(project.warehouse)


def test_an_empty_file_is_an_empty_directory(tmp_path: Path) -> None:
    frame = place_frame(tmp_path, [])

    assert isinstance(frame, pl.DataFrame)
    assert frame.height == 0
