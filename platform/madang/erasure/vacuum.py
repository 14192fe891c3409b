"""Leaves nothing of deleted rows in an SQLite file.

A deleted row stays in the file's free pages, and its older states in the -wal. VACUUM writes the file anew from what is
live, into the -wal; only a checkpoint that may truncate then brings it home and empties the -wal.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from madang.errors import DiskFull


def vacuum(file: Path, patience_seconds: float) -> bool:
    """Rewrites an SQLite file in WAL mode without its free pages, and empties its log.

    Args:
        file: The file.
        patience_seconds: How long to wait, twice, for transactions of others.

    Returns:
        Whether it was done. A reader that holds a transaction open keeps the old pages in the log; a writer keeps us
        out.

    Raises:
        DiskFull: There is no room for both; the file is as it was.
    """
    with closing(sqlite3.connect(file, timeout=patience_seconds, isolation_level=None)) as connection:
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            if DiskFull.is_meant(error):
                raise DiskFull(file, f"no room to write it anew ({error})", "Free as much as it takes, and erase again"
                               ) from error  # fmt: skip
            if "locked" not in str(error):
                raise
            return False
        return _empty_log(connection)


def have_readers_ended(file: Path, patience_seconds: float) -> bool:
    """Whether nobody reads an SQLite file in WAL mode as it was before its last commit.

    Args:
        file: The file.
        patience_seconds: How long to wait for them.
    """
    with closing(sqlite3.connect(file, timeout=patience_seconds, isolation_level=None)) as connection:
        return _empty_log(connection)


def _empty_log(connection: sqlite3.Connection) -> bool:
    (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
