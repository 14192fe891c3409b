"""The server's log beside the ledger: which calls it has received, and which of them madang knows of.

Calls are matched by the id of their request, which is madang's request hash; a batch row's id holds its first half.
"""

from collections import Counter
from dataclasses import dataclass

from proving import Proving
from scenario import Project

_KEY_CHARS = 31
# What a client gets an answer from all the same. Everything else that the server does to a call leaves it without.
_ANSWERED = ("", "doubled", "drip", "slow", "truncated_json", "wrong_schema", "prose", "length")
_CALLS = ("model", "batch.row")
_OPEN = ("unknown", "lost")
# A request, and whether it was answered.
Call = tuple[str, bool]


@dataclass(frozen=True)
class Books:
    """Both sides.

    Args:
        received: Calls of the server's log.
        settled: Rows of the ledger whose outcome is known.
        unknown: Rows of the ledger whose sender died, by request.
        lost: Rows of the ledger whose reply is gone.
    """

    received: Counter[Call]
    settled: Counter[Call]
    unknown: Counter[str]
    lost: int

    @property
    def surplus(self) -> Counter[str]:
        """Calls that the server has received and that no settled row matches, by request."""
        return _by_request(self.received - self.settled)

    @property
    def unmatched(self) -> Counter[str]:
        """Settled rows that no call of the server's matches, by request: there may be none."""
        return _by_request(self.settled - self.received)

    @property
    def paid_again(self) -> int:
        """Answers beyond the first of each request."""
        return sum(count - 1 for (_, is_answered), count in self.received.items() if is_answered)


def read_books(project: Project, server: Proving) -> Books:
    """Reads both sides."""
    lines = [line for line in server.lines(None) if line["kind"] in _CALLS]
    rows = project.rows("SELECT request_hash, outcome FROM ops.ledger")
    return Books(
        Counter((key(line["id"]), line["fault"] in _ANSWERED) for line in lines),
        Counter((key(request), outcome == "ok") for request, outcome in rows if outcome not in _OPEN),
        Counter(key(request) for request, outcome in rows if outcome == "unknown"),
        sum(outcome == "lost" for _, outcome in rows),
    )


def key(request_id: str) -> str:
    """What a request hash and the id of a batch row have in common."""
    return request_id[:_KEY_CHARS]


def _by_request(calls: Counter[Call]) -> Counter[str]:
    return sum((Counter({request: count}) for (request, _), count in calls.items()), Counter())
