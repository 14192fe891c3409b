"""What holds of reading every warehouse, embedded or BigQuery; test_contract.py has its tables and commits."""

from datetime import date

import polars as pl
import pytest
from scenario import frame

from madang.errors import InputError
from madang.posts.table import CURRENT
from madang.schema.types import BOOLEAN, DATE, INTEGER, JSON, TEXT, TEXTS, Column, Table
from madang.warehouse import Change, Warehouse

DAY = date(2024, 11, 27)


@pytest.fixture(scope="module")
def posts(either: Warehouse) -> Table:
    """Two posts, one of them edited."""
    posts = Table(
        "town.posts",
        (Column("post_id", TEXT), Column("revision", INTEGER), Column("body", TEXT), Column("day", DATE),
         Column("images", TEXTS), Column("deleted", BOOLEAN), Column("extra", JSON)),
        ("post_id", "revision"),
    )  # fmt: skip
    plain = {"day": DAY, "images": ["a", "b", "c"], "deleted": False, "extra": '{"district": "마포"}'}
    either.ensure([posts])
    either.commit([Change(posts, frame(
        posts, {"post_id": "p1", "revision": 1, "body": "첫 글", **plain},
        {"post_id": "p1", "revision": 2, "body": "고친 글", **plain},
        {"post_id": "p2", "revision": 1, "body": "It's 100%", **plain, "deleted": True},
    ))])  # fmt: skip
    return posts


def read(warehouse: Warehouse, sql: str, *parameters: object, **frames: pl.DataFrame) -> list[tuple[object, ...]]:
    return warehouse.read(sql, list(parameters), frames or None).rows()


def test_parameters_may_be_marked_or_numbered_and_be_null(either: Warehouse, posts: Table) -> None:
    by_mark = "SELECT revision FROM town.posts WHERE body = ? AND day BETWEEN ? AND ?"
    marked = read(either, by_mark, "It's 100%", DAY, DAY)
    sql = "SELECT count(*) FROM town.posts WHERE ($1 IS NULL OR post_id = $1) AND ($2 IS NULL OR day <> $2)"

    assert marked == [(1,)]
    assert [read(either, sql, "p1", None), read(either, sql, None, None), read(either, sql, "p2", DAY)] == [
        [(2,)], [(3,)], [(0,)],
    ]  # fmt: skip


def test_frames_are_named_like_tables(either: Warehouse, posts: Table) -> None:
    asked = pl.DataFrame({"post_id": ["p1", "p9"]})

    assert read(either, "SELECT revision FROM town.posts SEMI JOIN asked USING (post_id) ORDER BY 1", asked=asked) == [
        (1,), (2,),
    ]  # fmt: skip
    anti = "SELECT a.post_id FROM asked a ANTI JOIN town.posts p USING (post_id)"
    semi = "SELECT count(*) FROM town.posts SEMI JOIN asked USING (post_id)"

    assert (read(either, anti, asked=asked), read(either, semi, asked=asked.clear())) == ([("p9",)], [(0,)])


def test_steps_are_named_like_tables_in_those_after_them(either: Warehouse, posts: Table) -> None:
    steps = {"latest": "SELECT post_id, max(revision) AS revision FROM town.posts GROUP BY post_id",
             "edited": "SELECT post_id FROM latest WHERE revision > 1"}  # fmt: skip
    found = either.read("SELECT * FROM edited ORDER BY post_id", steps=steps)

    assert found.rows() == [("p1",)]


def test_the_current_revision_of_each_post_is_found(either: Warehouse, posts: Table) -> None:
    current = CURRENT.replace("source, ", "")

    assert read(either, f"SELECT post_id, body FROM town.posts {current} ORDER BY post_id") == [
        ("p1", "고친 글"), ("p2", "It's 100%"),
    ]  # fmt: skip


def test_hashes_slices_filters_and_json_are_the_same(either: Warehouse, posts: Table) -> None:
    sql = """
        SELECT sha256(body) AS hashed, array_to_string(images[1:2], '+') AS firsts, extra->>'$.district' AS district,
            contains(body, '글') AS has
        FROM town.posts WHERE post_id = 'p1' AND revision = 1
    """

    assert read(either, sql) == [
        ("54f2bbdade24e3c4bb2e0b804d0aa8c42913b5a5a20564f6250b59974d4fa20e", "a+b", "마포", True)
    ]  # fmt: skip


def test_lists_are_counted_filtered_and_searched_the_same(either: Warehouse, posts: Table) -> None:
    sql = ("SELECT count_if(len(images) > 2), count_if(len(list_filter(images, x -> x NOT IN ('a', 'b', 'c'))) > 0), "
           "count_if(list_contains(images, 'b')) FROM town.posts")  # fmt: skip

    assert read(either, sql) == [(3, 0, 3)]


def test_sums_of_some_rows_are_the_same(either: Warehouse, posts: Table) -> None:
    sql = ("SELECT count_if(deleted), sum(revision) FILTER (NOT deleted), bool_or(deleted), arg_max(body, revision), "
           "sum(revision)::BIGINT FROM town.posts WHERE post_id IN ('p1', 'p2')")  # fmt: skip

    assert read(either, sql) == [(1, 3, True, "고친 글", 4)]


def test_a_view_is_made_and_replaced_when_its_sql_changes(either: Warehouse, posts: Table) -> None:
    either.ensure_view("town.seen", "SELECT post_id FROM town.posts WHERE deleted", "what a row is")
    deleted = read(either, "SELECT * FROM town.seen")
    either.ensure_view("town.seen", "SELECT DISTINCT post_id FROM town.posts WHERE NOT deleted", "what a row is")

    assert (deleted, read(either, "SELECT * FROM town.seen")) == ([("p2",)], [("p1",)])


def test_what_is_no_query_is_refused(either: Warehouse) -> None:
    with pytest.raises(InputError, match="query"):
        either.read(" ")
