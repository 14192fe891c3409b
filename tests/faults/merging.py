"""Merges chunks into the warehouse of this home: NUMBER of this writer, fewest CHUNKS, fewest SECONDS; says how many.

A chunk holds ten replies of its own, five that every writer brings, and five plan rows that every writer changes.
"""

import sys
import time
from datetime import UTC, datetime

from faults.chunks import own_replies, shared_plans, shared_replies
from faults.speaking import hear, say

from madang.ops import PLANS, REPLIES
from madang.settings import Settings
from madang.warehouse import Change, open_warehouse


def main(writer: int, fewest_chunks: int, fewest_seconds: float) -> None:
    warehouse = open_warehouse(Settings.load())
    say("open")
    hear()
    began, chunk = time.monotonic(), 0
    while chunk < fewest_chunks or time.monotonic() - began < fewest_seconds:
        warehouse.commit([
            Change(REPLIES, own_replies(writer, chunk)),
            Change(REPLIES, shared_replies(chunk)),
            Change(PLANS, shared_plans(writer, chunk, datetime.now(UTC)), "upsert"),
        ])  # fmt: skip
        chunk += 1
    say(chunk)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
