"""Replies paid for by evaluations, apart from `ops.replies`: an evaluation may ask about posts that never landed."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from madang.models.protocol import Reply


class ReplyStore:
    """`eval/replies.sqlite` under the project's home.

    Args:
        folder: The folder `eval`; made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / "replies.sqlite"
        self.lock = FileLock(folder / "replies.lock", thread_local=False)
        self._connection = sqlite3.connect(self.file, timeout=60, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS replies "
            "(request_hash TEXT PRIMARY KEY, reply TEXT NOT NULL, received_at TEXT NOT NULL)"
        )

    def read(self, request_hashes: Iterable[str]) -> dict[str, Reply]:
        """Replies by request hash; what was never asked is absent."""
        found = self._connection.execute(
            "SELECT request_hash, reply FROM replies WHERE request_hash IN (SELECT value FROM json_each(?))",
            [json.dumps(list(request_hashes))],
        )
        return {request_hash: Reply.from_json(json.loads(reply)) for request_hash, reply in found}

    def keep(self, reply: Reply) -> None:
        """Writes a reply; it is on disk when this returns."""
        self._connection.execute(
            "INSERT OR IGNORE INTO replies VALUES (?, ?, ?)",
            [reply.request_hash, json.dumps(reply.to_json(), ensure_ascii=False), datetime.now(UTC).isoformat()],
        )

    def texts(self) -> Iterator[tuple[str, str]]:
        """Every reply as received, by request hash."""
        yield from self._connection.execute("SELECT request_hash, reply ->> '$.text' FROM replies")

    def remove(self, request_hashes: Iterable[str]) -> int:
        """Deletes replies; gives how many there were. Their bytes stay in the file until it is vacuumed."""
        return self._connection.execute(
            "DELETE FROM replies WHERE request_hash IN (SELECT value FROM json_each(?))",
            [json.dumps(list(request_hashes))],
        ).rowcount

    def close(self) -> None:
        """Gives the connection back."""
        self._connection.close()
