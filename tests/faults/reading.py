"""An analyst's DuckDB, without madang: one transaction, open until a line comes in, that asks the same again and again.

Prints what it saw as JSON: the distinct answers inside the transaction, how often it asked, and the answer after it.
"""

import json
import select
import sys

import duckdb
from faults.speaking import say

# Of a project: its replies and its plans.
COUNTS = "SELECT (SELECT count(*) FROM ops.replies), count(DISTINCT run), max(run) FROM ops.plans"


def main(catalog: str, query: str) -> None:
    connection = duckdb.connect()
    connection.execute("LOAD ducklake")
    connection.execute(f"ATTACH 'ducklake:sqlite:{catalog}' AS theirs (READ_ONLY)")
    connection.execute("USE theirs")
    connection.execute("BEGIN TRANSACTION")
    seen, asked = [connection.execute(query).fetchall()], 1
    say("open")
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        answer, asked = connection.execute(query).fetchall(), asked + 1
        if answer not in seen:
            seen.append(answer)
    connection.execute("COMMIT")
    say(json.dumps({"seen": seen, "asked": asked, "after": connection.execute(query).fetchall()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
