"""An analyst's DuckDB, without madang: one transaction on a catalog that asks the same until a line comes in.

Prints as JSON the distinct answers inside the transaction, how often it asked, and the answer after it.
"""

import json
import select
import sys

import duckdb
from faults.speaking import say


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
