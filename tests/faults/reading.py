"""An analyst's DuckDB, without madang: one transaction, open until a line comes in, that asks the same again and again.

Prints what it saw as JSON: the distinct answers inside the transaction, how often it asked, and the answer after it.
"""

import json
import select
import sys

import duckdb
from faults.speaking import say

COUNTS = "SELECT (SELECT count(*) FROM ops.replies), count(DISTINCT run), max(run) FROM ops.plans"


def main(home: str) -> None:
    connection = duckdb.connect()
    connection.execute("LOAD ducklake")
    connection.execute(f"ATTACH 'ducklake:sqlite:{home}/warehouse/catalog.sqlite' AS madang (READ_ONLY)")
    connection.execute("USE madang")
    connection.execute("BEGIN TRANSACTION")
    seen, asked = [connection.execute(COUNTS).fetchall()], 1
    say("open")
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        answer, asked = connection.execute(COUNTS).fetchall(), asked + 1
        if answer not in seen:
            seen.append(answer)
    connection.execute("COMMIT")
    say(json.dumps({"seen": seen, "asked": asked, "after": connection.execute(COUNTS).fetchall()}))


if __name__ == "__main__":
    main(sys.argv[1])
