"""Queries are written once, in DuckDB's dialect; what BigQuery has no words for is refused before it is sent."""

import pytest
from sqlglot import exp

from madang.errors import InputError
from madang.warehouse.bigquery_sql import located_in, to_bigquery

ASKED = exp.table_("s_1", db="m_staging", catalog="p")


def located(schema: str, name: str) -> exp.Table:
    return exp.table_(name, db=f"m_{schema}", catalog="p")


def test_joins_that_only_filter_become_conditions() -> None:
    sql = "SELECT r.text FROM ops.replies r SEMI JOIN asked USING (request_hash) WHERE r.lane = ? OR r.usd > 0"

    assert to_bigquery(sql, located, {"asked": ASKED}) == (
        "SELECT `r`.`text` FROM `p`.`m_ops`.`replies` AS `r` WHERE (`r`.`lane` = @p1 OR `r`.`usd` > 0) AND "
        "EXISTS(SELECT 1 FROM `p`.`m_staging`.`s_1` AS `asked` WHERE `r`.`request_hash` = `asked`.`request_hash`)"
    )


def test_steps_come_before_the_querys_own_common_table_expressions() -> None:
    sql = "WITH own AS (SELECT * FROM first) SELECT * FROM own"

    assert to_bigquery(sql, located, steps={"first": "SELECT 1 AS k"}) == (
        "WITH `first` AS (SELECT 1 AS `k`), `own` AS (SELECT * FROM `first`) SELECT * FROM `own`"
    )


def test_a_question_mark_in_a_text_is_no_parameter_and_a_null_is_written_out() -> None:
    assert to_bigquery("SELECT '?' AS q, ? AS a, ? AS b", located, nulls=[2]) == (
        "SELECT '?' AS `q`, @p1 AS `a`, NULL AS `b`"
    )


def test_a_date_is_truncated_as_a_date() -> None:
    assert to_bigquery("SELECT CAST(date_trunc('month', day) AS DATE) AS m FROM raw.posts", located) == (
        "SELECT DATE_TRUNC(CAST(`day` AS DATE), MONTH) AS `m` FROM `p`.`m_raw`.`posts` AS `posts`"
    )


def test_bigquerys_own_text_is_only_told_where_tables_are() -> None:
    assert located_in("SELECT COUNTIF(deleted) AS n FROM raw.posts, UNNEST(images) AS image", located) == (
        "SELECT COUNTIF(`deleted`) AS `n` FROM `p`.`m_raw`.`posts` AS `posts` CROSS JOIN UNNEST(`images`) AS `image`"
    )


def test_a_table_as_it_was_is_read_by_time_travel() -> None:
    then = "TIMESTAMPTZ '2024-11-27 09:00:00+09'"

    assert to_bigquery(f"SELECT k FROM raw.posts AT (TIMESTAMP => {then}) p", located) == (
        "SELECT `k` FROM `p`.`m_raw`.`posts` AS `p` FOR SYSTEM_TIME AS OF CAST('2024-11-27 09:00:00+09' AS TIMESTAMP)"
    )
    assert to_bigquery("SELECT k FROM raw.posts AT (TIMESTAMP => now())", located).endswith("OF CURRENT_TIMESTAMP()")


def test_a_snapshots_number_is_refused() -> None:
    with pytest.raises(InputError, match="numbers no snapshots"):
        to_bigquery("SELECT k FROM raw.posts AT (VERSION => 3)", located)


@pytest.mark.parametrize("sql", ["", "DROP TABLE raw.posts", "SELECT 1; SELECT 2", "SELECT FROM WHERE"])
def test_what_is_not_one_query_is_refused(sql: str) -> None:
    with pytest.raises(InputError, match="query: it"):
        to_bigquery(sql, located)
