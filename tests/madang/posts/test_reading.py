"""Reading posts: whole and checked before anything is written; what is wrong is named with its line."""

import json
import traceback
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from scenario import post, write_posts

from madang.errors import InputError
from madang.posts.reading import ColumnMap, read_posts, text_hash


def only(file: Path, mapping: ColumnMap | None = None) -> dict[str, object]:
    """The one post of a file."""
    [row] = read_posts(file, mapping).to_dicts()
    return row


def one(folder: Path, **columns: object) -> dict[str, object]:
    """The post that a line with these columns gives."""
    return only(write_posts(folder / "town.jsonl", [{"post_id": "1", "body": "글"} | columns]))


def test_a_line_becomes_a_post_with_hashes_lengths_and_position(tmp_path: Path) -> None:
    row = only(write_posts(tmp_path / "town.jsonl", [post("p1", "러닝 🏃", title="모임", district="마포구", likes=3)]))

    assert row == {
        "source": "town", "post_id": "p1", "revision": None, "board": "groups", "title": "모임", "body": "러닝 🏃",
        "images": [], "extra": '{"district": "마포구", "likes": 3}', "title_hash": text_hash("모임"),
        "body_hash": text_hash("러닝 🏃"), "title_chars": 2, "body_chars": 4,
        "event_at": datetime(2024, 11, 27, tzinfo=UTC), "deleted": False, "landed_from": row["landed_from"],
        "landed_position": 1,
    }  # fmt: skip
    assert str(row["landed_from"]).startswith("town.jsonl@")
    assert len(str(row["landed_from"])) == len("town.jsonl@") + 12


def test_the_hash_of_a_text_is_that_of_its_composed_form() -> None:
    assert text_hash(unicodedata.normalize("NFD", "강남")) == text_hash("강남")
    assert text_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_jsonl_csv_and_parquet_give_the_same_posts(tmp_path: Path) -> None:
    rows = [post("007", "러닝, 같이\n해요", title="'\"모임\"'"), post("2", "500/40", title="")]
    write_posts(tmp_path / "town.jsonl", rows)
    pl.DataFrame(rows).write_csv(tmp_path / "town.csv")
    pl.DataFrame(rows).write_parquet(tmp_path / "town.parquet")

    frames = [read_posts(tmp_path / f"town.{kind}").drop("landed_from") for kind in ("jsonl", "csv", "parquet")]

    assert frames[0]["post_id"].to_list() == ["007", "2"]
    assert frames[1].equals(frames[0])
    assert frames[2].equals(frames[0])


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, kind: str) -> None:
    text = {"jsonl": '{"post_id": "1", "body": "글"}\n', "csv": "post_id,body\n1,글\n"}[kind]
    file = tmp_path / f"town.{kind}"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert (only(file)["post_id"], only(file)["body"]) == ("1", "글")


def test_blank_lines_are_skipped_and_positions_stay_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "town.jsonl"
    file.write_bytes(b'{"post_id":1,"body":"a"}\r\n\r\n  \n{"post_id":2,"body":"b"}')

    assert read_posts(file).select("post_id", "landed_position").rows() == [("1", 1), ("2", 4)]


BROKEN = {
    "half a line": '{"post_id": "2", "bo',
    "no JSON": "post two",
    "not UTF-8": b'{"post_id": "2", "body": "\xff"}',
    "nested too deep": "[" * 100_000,
    "a number too long to read": '{"post_id": ' + "9" * 5_000 + "}",
}


@pytest.mark.parametrize("claim", BROKEN)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, claim: str) -> None:
    broken = BROKEN[claim]
    file = tmp_path / "town.jsonl"
    file.write_bytes(
        b'{"post_id": "1", "body": "a"}\n' + (broken if isinstance(broken, bytes) else broken.encode()) + b"\n"
    )

    with pytest.raises(InputError, match=r"town\.jsonl:2: the line is not JSON .*Repair the line; nothing was written"):
        read_posts(file)


REFUSED = {
    "a list": ([1], "the line is a list, not an object"),
    "no id": ({"body": "a"}, "there is no 'post_id'. Name the column of ids: --map post_id=NAME"),
    "an empty id": ({"post_id": " ", "body": "a"}, "there is no 'post_id'"),
    "no text": ({"post_id": 1, "content": "a"}, "there is neither 'title' nor 'body'. Name the text columns"),
    "a nested text": ({"post_id": 1, "body": {"a": 1}}, "a dict stands where text is wanted"),
    "a wrong instant": (
        {"post_id": 1, "body": "a", "event_at": "어제"}, "event_at (text of 2 characters) is not an ISO 8601 instant",
    ),
    "an instant out of all bounds": (
        {"post_id": 1, "body": "a", "event_at": "0001-01-01T00:00:00+09:00"}, "is not an ISO 8601 instant",
    ),
    "a wrong revision": (
        {"post_id": 1, "body": "a", "revision": "두번째"}, "revision (text of 3 characters) is not a whole number",
    ),
    "a revision too great to store": ({"post_id": 1, "body": "a", "revision": 2**63}, "is not a whole number"),
    "a wrong deletion mark": (
        {"post_id": 1, "body": "a", "deleted": "maybe"}, "deleted (text of 5 characters) is neither true nor false",
    ),
    "images that are no addresses": ({"post_id": 1, "body": "a", "images": [1]}, "images is not a list of addresses"),
}  # fmt: skip


@pytest.mark.parametrize("claim", REFUSED)
def test_a_wrong_post_is_refused_with_its_line(tmp_path: Path, claim: str) -> None:
    line, message = REFUSED[claim]
    file = tmp_path / "town.jsonl"
    file.write_text('{"post_id": "1", "body": "a"}\n' + json.dumps(line, ensure_ascii=False) + "\n")

    with pytest.raises(InputError) as error:
        read_posts(file)

    assert str(error.value).startswith(f"{file}:2")
    assert message in str(error.value)


@pytest.mark.parametrize("column", ["revision", "deleted", "event_at"])
@pytest.mark.parametrize(
    ("value", "shape"), [("연락 010-1234-5678", "text of 16 characters"), ({"phone": "010-1234-5678"}, "dict")]
)
def test_no_error_quotes_a_cell(tmp_path: Path, column: str, value: object, shape: str) -> None:
    """A file with its columns mixed up wrote telephone numbers into Dagster's event log, by message and by cause."""
    with pytest.raises(InputError) as error:
        one(tmp_path, **{column: value})

    assert f"{column} ({shape}) is n" in str(error.value)
    assert "1234" not in "".join(traceback.format_exception(error.value))


FILES = {
    "missing.jsonl": (None, "there is no such file. Give the path of a .jsonl, .csv or .parquet file"),
    "posts.xlsx": (b"", "files of type .xlsx are not read"),
    "posts": (b"", "files of type none are not read"),
    "posts.parquet": (b"no parquet", "not readable as parquet"),
    "posts.csv": (b"post_id,body\n1,a\n2,b,c,d\n", "not readable as csv"),
    "latin.csv": (b"post_id,body\n1,\xe9\n", "not readable as csv"),
    "empty.csv": (b"", "not readable as csv"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    content, message = FILES[name]
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(InputError) as error:
        read_posts(file)

    assert str(error.value).startswith(f"{file}: {message}")


def test_an_empty_file_of_lines_has_no_posts(tmp_path: Path) -> None:
    assert read_posts(write_posts(tmp_path / "town.jsonl", [])).height == 0


def test_numbers_are_read_as_text(tmp_path: Path) -> None:
    row = one(tmp_path, post_id=7, title=500, body=4.5, source=3)

    assert (row["post_id"], row["title"], row["body"], row["source"]) == ("7", "500", "4.5", "3")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a\ud83db", "a\ufffdb"),
        ("끝\ud83d", "끝\ufffd"),
        ("\ude00앞", "\ufffd앞"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83d\x00", "\ufffd\ufffd"),
    ],
)
def test_what_no_warehouse_can_store_is_replaced_code_point_for_code_point(
    tmp_path: Path, text: str, stored: str
) -> None:
    file = tmp_path / "town.jsonl"
    file.write_text(
        json.dumps({"post_id": text, "title": text, "body": text, "board": text, "images": [text], "x": text})
    )

    row = only(file)

    assert (row["post_id"], row["title"], row["body"], row["board"], row["images"]) == (stored,) * 4 + ([stored],)
    assert row["body_chars"] == len(text)
    assert json.loads(str(row["extra"])) == {"x": stored}


def test_a_number_that_json_lacks_is_left_out_of_extra(tmp_path: Path) -> None:
    file = tmp_path / "town.jsonl"
    file.write_text('{"post_id": 1, "body": "a", "price": NaN, "likes": 3, "nested": {"far": Infinity}}')

    assert json.loads(str(only(file)["extra"])) == {"likes": 3, "nested": {"far": None}}


def test_a_body_that_is_not_a_number_is_an_empty_body(tmp_path: Path) -> None:
    """Frames written by json.dumps hold NaN where a text is missing; it was read as the word nan."""
    (tmp_path / "town.jsonl").write_text('{"post_id": 1, "title": "a", "body": NaN}')
    rows = pl.DataFrame({"post_id": ["1"], "title": ["a"], "body": [float("nan")], "price": [float("inf")]})
    rows.write_parquet(tmp_path / "town.parquet")

    assert only(tmp_path / "town.jsonl")["body"] == ""
    assert (only(tmp_path / "town.parquet")["body"], only(tmp_path / "town.parquet")["extra"]) == ("", None)


INSTANTS = {
    "2024-11-27T09:00:00+09:00": datetime(2024, 11, 27, 0, tzinfo=UTC),
    "2024-11-27T09:00:00Z": datetime(2024, 11, 27, 9, tzinfo=UTC),
    "2024-11-27 09:00:00": datetime(2024, 11, 27, 0, tzinfo=UTC),
    "2024-11-27": datetime(2024, 11, 26, 15, tzinfo=UTC),
    " 2024-11-27T09:00 ": datetime(2024, 11, 27, 0, tzinfo=UTC),
    "": None,
    None: None,
}


@pytest.mark.parametrize("text", INSTANTS)
def test_an_instant_without_a_zone_is_read_in_the_source_s(tmp_path: Path, text: str | None) -> None:
    assert one(tmp_path, event_at=text)["event_at"] == INSTANTS[text]


def test_the_source_s_zone_can_be_another(tmp_path: Path) -> None:
    file = write_posts(tmp_path / "town.jsonl", [{"post_id": 1, "body": "a", "event_at": "2024-07-01T09:00"}])

    assert only(file, ColumnMap(timezone="America/New_York"))["event_at"] == datetime(2024, 7, 1, 13, tzinfo=UTC)


def test_parquet_instants_keep_their_zone_and_naive_ones_take_the_source_s(tmp_path: Path) -> None:
    naive = datetime(2024, 11, 27, 9)  # noqa: DTZ001 - a file may hold such
    rows = pl.DataFrame({"post_id": [1], "body": ["a"], "event_at": [naive]})
    rows.write_parquet(tmp_path / "naive.parquet")
    rows.with_columns(pl.col("event_at").dt.replace_time_zone("UTC")).write_parquet(tmp_path / "utc.parquet")

    assert only(tmp_path / "naive.parquet")["event_at"] == datetime(2024, 11, 27, 0, tzinfo=UTC)
    assert only(tmp_path / "utc.parquet")["event_at"] == datetime(2024, 11, 27, 9, tzinfo=UTC)


def test_the_source_is_the_column_then_the_flag_then_the_stem(tmp_path: Path) -> None:
    file = write_posts(
        tmp_path / "town.jsonl", [{"post_id": 1, "body": "a"}, {"post_id": 2, "body": "b", "source": "x"}]
    )

    assert read_posts(file)["source"].to_list() == ["town", "x"]
    assert read_posts(file, ColumnMap(source="forum"))["source"].to_list() == ["forum", "x"]


@pytest.mark.parametrize(
    ("mark", "deleted"),
    [
        (True, True),
        ("true", True),
        ("1", True),
        (1, True),
        (False, False),
        ("False", False),
        (0, False),
        ("", False),
        (None, False),
    ],
)
def test_a_deletion_mark_is_read(tmp_path: Path, mark: object, deleted: bool) -> None:
    assert one(tmp_path, deleted=mark)["deleted"] is deleted


def test_a_deletion_needs_no_text(tmp_path: Path) -> None:
    row = only(write_posts(tmp_path / "town.jsonl", [{"post_id": "1", "deleted": True}]))

    assert (row["deleted"], row["title"], row["body"]) == (True, "", "")


@pytest.mark.parametrize(("images", "stored"), [("a.jpg", ["a.jpg"]), (["a", "b"], ["a", "b"]), (None, []), ("", [])])
def test_images_are_a_list_of_addresses(tmp_path: Path, images: object, stored: list[str]) -> None:
    assert one(tmp_path, images=images)["images"] == stored


def test_a_map_file_names_columns_source_and_zone(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(
        "columns: {post_id: nr, title: subject, body: content, event_at: at}\nsource: forum\ntimezone: UTC\n"
    )
    row = {"nr": 5, "subject": "모임", "content": "러닝", "at": "2024-11-27T09:00", "title": "kept"}
    file = write_posts(tmp_path / "dump.jsonl", [row])

    found = only(file, ColumnMap.from_yaml(tmp_path / "map.yaml"))

    assert (found["source"], found["post_id"], found["title"], found["body"]) == ("forum", "5", "모임", "러닝")
    assert found["event_at"] == datetime(2024, 11, 27, 9, tzinfo=UTC)
    assert found["extra"] == '{"title": "kept"}'


def test_a_mapped_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = write_posts(tmp_path / "town.jsonl", [{"post_id": "1", "body": "a"}])

    with pytest.raises(InputError, match="there is no column 'content' for body"):
        read_posts(file, ColumnMap({"body": "content"}))


MAPS = {
    "columns: {text: body}": "unknown column 'text'. Map one of source, post_id, revision,",
    "colums: {}": "not a column map. Write columns:, source: and timezone:",
    "[1, 2]": "not a column map",
    "columns: [": "not a column map",
    "columns: [body]": "not a column map",
    "timezone: Asia/Seol": "no time zone is called 'Asia/Seol'",
}


@pytest.mark.parametrize("text", MAPS)
def test_a_wrong_map_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.yaml").write_text(text)

    with pytest.raises(InputError) as error:
        ColumnMap.from_yaml(tmp_path / "map.yaml")

    assert MAPS[text] in str(error.value)
