"""`where`: one condition over the columns of raw.posts, and nothing else."""

import pytest

from madang.posts.where import WhereError, compile_where

COMPILED = {
    "board in ('groups', '취미')": ("\"board\" IN ('groups', '취미')", "`board` IN ('groups', '취미')"),
    "body_chars > 20 and not deleted": ('"body_chars" > 20 AND NOT "deleted"', "`body_chars` > 20 AND NOT `deleted`"),
    "title ilike '%방%'": ("\"title\" ILIKE '%방%'", "LOWER(`title`) LIKE LOWER('%방%')"),
    "board = 'o''brien'": ("\"board\" = 'o''brien'", r"`board` = 'o\'brien'"),
    "deleted": ('"deleted"', "`deleted`"),
    "true": ("TRUE", "TRUE"),
    "contains(title, '방')": ("CONTAINS(\"title\", '방')", "INSTR(`title`, '방') > 0"),
    "starts_with(title, '방')": ("STARTS_WITH(\"title\", '방')", "STARTS_WITH(`title`, '방')"),
    "ends_with(title, '방')": ("ENDS_WITH(\"title\", '방')", "ENDS_WITH(`title`, '방')"),
    "title ilike '%5!%' escape '!'": (
        "\"title\" ILIKE '%5!%' ESCAPE '!'",
        "LOWER(`title`) LIKE LOWER('%5!%') ESCAPE '!'",
    ),
    "regexp_matches(title, '방')": ("REGEXP_MATCHES(\"title\", '방')", "REGEXP_CONTAINS(`title`, '방')"),
    "try_cast(extra->>'$.n' as bigint) > 3": (
        "TRY_CAST(\"extra\" ->> '$.n' AS BIGINT) > 3",
        "SAFE_CAST(JSON_EXTRACT_SCALAR(`extra`, '$.n') AS INT64) > 3",
    ),
    "event_at > timestamptz '2024-11-27'": (
        "\"event_at\" > CAST('2024-11-27' AS TIMESTAMPTZ)",
        "`event_at` > CAST('2024-11-27' AS TIMESTAMP)",
    ),
    "(board is null)": ('("board" IS NULL)', "(`board` IS NULL)"),
    "extra->>'$.district' = '마포구'": (
        "(\"extra\" ->> '$.district') = '마포구'",
        "JSON_EXTRACT_SCALAR(`extra`, '$.district') = '마포구'",
    ),
}


@pytest.mark.parametrize("source", COMPILED)
def test_a_condition_is_written_in_both_dialects_with_its_names_quoted(source: str) -> None:
    assert (compile_where(source), compile_where(source, "bigquery")) == COMPILED[source]


REFUSED = {
    "categorie = 'a'": "unknown column 'categorie' (there are: source, post_id, revision, board,",
    "board = ": "does not parse",
    "board in ('a'": "does not parse",
    "": "is not one expression",
    "(" * 2000 + "true" + ")" * 2000: "does not parse",
    "board = 'a'; drop table raw.posts": "is not one expression",
    "board in (select board from raw.posts)": "may not stand in a condition on one post",
    "exists (select 1)": "may not stand in a condition on one post",
    "1 = (select count(*) from ops.replies)": "may not stand in a condition on one post",
    "count(*) > 1": "may not stand in a condition on one post",
    "row_number() over () = 1": "may not stand in a condition on one post",
    "board = ?": "may not stand in a condition on one post",
    "board = $1": "may not stand in a condition on one post",
    "drop table raw.posts": "",
    "attach 'x.db'": "",
    "p.board = 'a'": "unknown column 'p.board'",
    "revision > -1 and board = -1": "board is VARCHAR and -1 is not",
    "board": "is not a condition (true or false)",
    "body_chars + 1": "is not a condition (true or false)",
    "'groups'": "is not a condition (true or false)",
    "board = 3": "board is VARCHAR and 3 is not",
    "board in ('a', 3)": "board is VARCHAR and 3 is not",
    "body_chars > '20'": "body_chars is BIGINT and '20' is not",
    "3 = board": "board is VARCHAR and 3 is not",
    "body_chars between '1' and '2'": "body_chars is BIGINT and '1' is not",
    "true) or (select true": "does not parse",
    # A failing cast at run time prints the post's text.
    "cast(title as int) > 3": "'CAST(title AS INT)' fails on the first value that it cannot read: write try_cast(",
    "title::boolean": "write try_cast(column AS type)",
    "date(title) > date '2024-11-27'": "write try_cast(column AS type)",
    "strptime(title, '%Y') > event_at": "write try_cast(column AS type)",
    "(extra->>'$.n') > 3": "extra ->> '$.n' is VARCHAR and 3 is not",
    "(board)": "is not a condition (true or false)",
    "not board": "is not a condition (true or false)",
    "deleted or board": "is not a condition (true or false)",
}


@pytest.mark.parametrize("source", REFUSED, ids=lambda source: source[:40])
def test_what_is_no_condition_on_one_post_is_refused(source: str) -> None:
    with pytest.raises(WhereError) as error:
        compile_where(source)

    assert REFUSED[source] in str(error.value)


@pytest.mark.parametrize("source", ["board = 'a' -- x", "board = 'a' /* x */"])
def test_a_comment_cannot_swallow_the_sql_that_follows(source: str) -> None:
    compiled = compile_where(source)

    assert "--" not in compiled
    assert compiled.startswith("\"board\" = 'a'")


@pytest.mark.parametrize(
    "call", ["read_text('/etc/passwd') = 'x'", "getenv('HOME') = 'x'", "current_setting('x') = 'y'"]
)
def test_a_function_that_reads_anything_but_the_post_is_refused(call: str) -> None:
    with pytest.raises(WhereError, match="may not stand in a condition on one post"):
        compile_where(call)
