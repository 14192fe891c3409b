"""Claims: the right to send one request, written down with its reserved cost before it is sent.

One SQLite file in WAL mode. The owner of a claim is a spool log; while that is locked its owner lives. A claim
goes from `sent` over `received` (the reply is synced in the spool) to `committed` (it is in the warehouse). Committed
claims stay until no other process runs: they tell a process that planned before the commit that it must not send.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from madang.errors import DiskFull

State = Literal["sent", "received", "committed"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (
    request_hash TEXT PRIMARY KEY, call_id TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
    run TEXT NOT NULL, task TEXT NOT NULL, recipe TEXT NOT NULL, model TEXT NOT NULL, lane TEXT NOT NULL,
    day TEXT NOT NULL, reserved_usd REAL NOT NULL, sent_at TEXT NOT NULL, account_day TEXT NOT NULL
) WITHOUT ROWID
"""
_MONEY = """
CREATE TABLE IF NOT EXISTS money (
    day TEXT PRIMARY KEY, spent_usd REAL NOT NULL, reserved_usd REAL NOT NULL
) WITHOUT ROWID
"""
# Batch jobs, and which requests of theirs have no outcome yet. A link goes when its claim is answered or given back, a
# job with its last link. state: begun, then creating (from then on it may exist), then created.
_JOBS = """
CREATE TABLE IF NOT EXISTS jobs (
    display_name TEXT PRIMARY KEY, owner TEXT NOT NULL, task TEXT NOT NULL, model TEXT NOT NULL, state TEXT NOT NULL,
    name TEXT NOT NULL, input TEXT NOT NULL, output TEXT NOT NULL, began_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job_rows (request_hash TEXT PRIMARY KEY, display_name TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS job_rows_by_job ON job_rows (display_name);
CREATE TRIGGER IF NOT EXISTS row_given_back AFTER DELETE ON claims BEGIN
    DELETE FROM job_rows WHERE request_hash = OLD.request_hash;
END;
CREATE TRIGGER IF NOT EXISTS row_answered AFTER UPDATE OF state ON claims WHEN NEW.state <> 'sent' BEGIN
    DELETE FROM job_rows WHERE request_hash = NEW.request_hash;
END;
CREATE TRIGGER IF NOT EXISTS job_over AFTER DELETE ON job_rows
WHEN NOT EXISTS (SELECT 1 FROM job_rows WHERE display_name = OLD.display_name) BEGIN
    DELETE FROM jobs WHERE display_name = OLD.display_name;
END;
"""
_MAY_EXIST = (
    "FROM claims WHERE request_hash IN "
    "(SELECT request_hash FROM job_rows JOIN jobs USING (display_name) WHERE jobs.state <> 'begun')"
)
_COLUMNS = "request_hash, call_id, owner, run, task, recipe, model, lane, day, reserved_usd, sent_at, account_day"
_NAMES = _COLUMNS.split(", ")
_TAKE = f"INSERT INTO claims ({_COLUMNS}, state) VALUES (?{', ?' * 11}, 'sent') ON CONFLICT DO NOTHING"
_RECEIVED = "UPDATE claims SET state = 'received' WHERE request_hash = ?"
_GIVEN_BACK = "DELETE FROM claims WHERE request_hash = ?"
_SETTLED = "UPDATE money SET reserved_usd = max(0, reserved_usd - ?), spent_usd = spent_usd + ? WHERE day = ?"


@dataclass(frozen=True)
class Claim:
    """The intent to make one call.

    Args:
        request_hash: What is sent.
        call_id: Identity of the call in the ledger.
        owner: Name of the owner's spool log.
        run: Run that sends it.
        task: Its task.
        recipe: task@number.
        model: Identity of the model.
        lane: Lane of the model.
        day: Partition of the post, YYYY-MM-DD.
        reserved_usd: Most that it can cost.
        sent_at: ISO 8601, UTC.
        account_day: Day on whose account the money is, YYYY-MM-DD.
    """

    request_hash: str
    call_id: str
    owner: str
    run: str
    task: str
    recipe: str
    model: str
    lane: str
    day: str
    reserved_usd: float
    sent_at: str
    account_day: str


@dataclass(frozen=True)
class Held:
    """A claim that another owner has."""

    owner: str
    state: State


class Claims:
    """The claims of one home, shared by all its processes."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._connection = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        # A crash of the machine may lose the last claims; a killed process loses none.
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_SCHEMA)
        self._connection.execute(_MONEY)
        self._connection.executescript(_JOBS)

    def take(self, claim: Claim) -> Held | None:
        """Takes the right to send a request.

        Returns:
            None if it is ours now, else who has it and how far it is.
        """
        while True:
            if self._execute(_TAKE, _values(claim)).rowcount == 1:
                return None
            held = self.held(claim.request_hash)
            if held is not None:
                return held

    def take_all(self, claims: Sequence[Claim]) -> dict[str, Held]:
        """Takes the right to send many requests, in one transaction.

        Returns:
            By request hash, who has those that are not ours now, and how far they are.
        """
        if len(claims) == 1:
            held = self.take(claims[0])
            return {} if held is None else {claims[0].request_hash: held}
        if self._execute_all(_TAKE, [_values(claim) for claim in claims]) == len(claims):
            return {}
        ours = {claim.call_id for claim, _ in self.of_owner(claims[0].owner)}
        looked_at = ((claim.request_hash, self.take(claim)) for claim in claims if claim.call_id not in ours)
        return {request_hash: held for request_hash, held in looked_at if held is not None}

    def held(self, request_hash: str) -> Held | None:
        """Who has a request, and how far it is; None if nobody."""
        row = self._connection.execute(
            "SELECT owner, state FROM claims WHERE request_hash = ?", [request_hash]
        ).fetchone()
        return None if row is None else Held(*row)

    def mark(self, request_hashes: Iterable[str], state: State) -> None:
        """Says how far claims are."""
        self._execute_all(
            "UPDATE claims SET state = ? WHERE request_hash = ?", [(state, key) for key in request_hashes]
        )

    def finish(self, claim: Claim, usd: float, *, is_answered: bool) -> None:
        """Ends a call in one step: `received` or given back, and settled on the account of its day."""
        self.finish_all([(claim, usd, is_answered)])

    def finish_all(self, ended: Iterable[tuple[Claim, float, bool]]) -> None:
        """Ends calls in one step, each with what it cost and whether it was answered: see `finish`."""
        states: list[tuple[str, Sequence[object]]] = []
        money: dict[str, tuple[float, float]] = {}
        for claim, usd, is_answered in ended:
            states.append((_RECEIVED if is_answered else _GIVEN_BACK, (claim.request_hash,)))
            reserved, spent = money.get(claim.account_day, (0.0, 0.0))
            money[claim.account_day] = reserved + claim.reserved_usd, spent + usd
        accounts = [(_SETTLED, (reserved, spent, day)) for day, (reserved, spent) in money.items()]
        self._execute_together([*states, *accounts])

    def release(self, request_hashes: Iterable[str]) -> None:
        """Gives claims back, so that anyone may send the request."""
        self._execute_all("DELETE FROM claims WHERE request_hash = ?", [(key,) for key in request_hashes])

    def of_owner(self, owner: str) -> list[tuple[Claim, State]]:
        """Claims of one owner that are not committed."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS}, state FROM claims WHERE owner = ? AND state <> 'committed'", [owner]
        ).fetchall()
        return [(Claim(*row[:-1]), row[-1]) for row in rows]

    def owners(self) -> list[str]:
        """Owners of claims that are not committed, and wait for no batch job."""
        rows = self._connection.execute(
            "SELECT DISTINCT owner FROM claims WHERE state <> 'committed' "
            f"AND request_hash NOT IN (SELECT request_hash {_MAY_EXIST}) ORDER BY owner"
        )
        return [row[0] for row in rows]

    def committed(self) -> list[str]:
        """Request hashes of the committed claims."""
        rows = self._connection.execute("SELECT request_hash FROM claims WHERE state = 'committed'")
        return [row[0] for row in rows]

    def release_if(self, request_hash: str, held: Held) -> None:
        """Gives a claim back if it still is as it was seen: another process may have taken it anew."""
        self._connection.execute(
            "DELETE FROM claims WHERE request_hash = ? AND owner = ? AND state = ?",
            [request_hash, held.owner, held.state],
        )

    def open_day(self, day: str, spent_usd: float, *, is_alone: bool) -> None:
        """Starts the account of a day.

        Args:
            day: YYYY-MM-DD.
            spent_usd: What the ledger says of it, in case the account is new.
            is_alone: Whether no other process runs, so that whatever is reserved was left by dead ones.
        """
        self._execute("INSERT INTO money VALUES (?, ?, 0) ON CONFLICT DO NOTHING", [day, spent_usd])
        if is_alone:
            # What batch jobs of dead processes have reserved is still to be paid.
            self._execute(
                "UPDATE money SET reserved_usd = "
                f"(SELECT coalesce(sum(reserved_usd), 0) {_MAY_EXIST} AND account_day = ?1) WHERE day = ?1",
                [day],
            )

    def reserve(self, day: str, usd: float, cap_usd: float) -> bool:
        """Reserves money of a day for one call, among all processes.

        Returns:
            Whether there was so much left.
        """
        if usd <= 0.0:
            return True
        self._execute("INSERT INTO money VALUES (?, 0, 0) ON CONFLICT DO NOTHING", [day])
        cursor = self._execute(
            "UPDATE money SET reserved_usd = reserved_usd + ?1 WHERE day = ?2 AND spent_usd + reserved_usd + ?1 <= ?3",
            [usd, day, cap_usd],
        )
        return cursor.rowcount == 1

    def settle(self, day: str, reserved_usd: float, spent_usd: float) -> None:
        """Turns a reservation into what the call cost."""
        if reserved_usd > 0.0 or spent_usd > 0.0:
            self._execute(_SETTLED, [reserved_usd, spent_usd, day])

    def spent_usd(self, day: str) -> float:
        """What calls of a day have cost."""
        row = self._connection.execute("SELECT spent_usd FROM money WHERE day = ?", [day]).fetchone()
        return 0.0 if row is None else float(row[0])

    def answered(self, task: str) -> int:
        """Requests of a task whose reply is safe, since no other process ran."""
        row: Sequence[int] = self._connection.execute(
            "SELECT count(*) FROM claims WHERE task = ? AND state <> 'sent'", [task]
        ).fetchone()
        return row[0]

    def in_jobs(self, owner: str) -> set[str]:
        """Requests of an owner whose batch job may exist: whoever takes the job over goes on with them."""
        rows = self._connection.execute(f"SELECT request_hash {_MAY_EXIST} AND owner = ?", [owner])
        return {row[0] for row in rows}

    def together(self, steps: Sequence[tuple[str, Sequence[object]]], *, is_synced: bool = False) -> list[int]:
        """Takes steps in one transaction.

        Args:
            steps: SQL with its parameters.
            is_synced: Whether a crash of the machine may not undo it either.

        Returns:
            Rows that each step changed.
        """
        if not is_synced:
            return self._execute_together(steps)
        self._connection.execute("PRAGMA synchronous=FULL")
        try:
            return self._execute_together(steps)
        finally:
            self._connection.execute("PRAGMA synchronous=NORMAL")

    def read(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self._execute(sql, values).fetchall()

    def close(self) -> None:
        """Closes the file; claims stay."""
        self._connection.close()

    def _execute(self, sql: str, values: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise self._meant(error) from error

    def _execute_all(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                return self._connection.executemany(sql, rows).rowcount
        except sqlite3.OperationalError as error:
            raise self._meant(error) from error

    def _execute_together(self, steps: Sequence[tuple[str, Sequence[object]]]) -> list[int]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                return [self._connection.execute(sql, values).rowcount for sql, values in steps]
        except sqlite3.OperationalError as error:
            raise self._meant(error) from error

    def _meant(self, error: sqlite3.OperationalError) -> Exception:
        return DiskFull.at(self._file, str(error)) if DiskFull.is_meant(error) else error


def _values(claim: Claim) -> tuple[object, ...]:
    return tuple(getattr(claim, name) for name in _NAMES)
