"""Batch jobs beside the claims: who follows which, and how far it is.

A job and its claims change hands together. It is written down, and linked to its claims, before anything of it is sent;
from `creating` on it may exist, and then a dead owner's claims are neither given back nor `unknown`: whoever takes the
job over goes on with it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from madang.extraction.claims import Claim, Claims
from madang.models.batch_journal import BatchJob


@dataclass(frozen=True)
class TakenJob:
    """A job taken over from a dead owner.

    Args:
        job: The job, with the requests that have no outcome yet.
        model: Name of its model in the settings.
        claims: The claims of these requests, ours now.
    """

    job: BatchJob
    model: str
    claims: dict[str, Claim]


class Jobs:
    """The jobs of one model of a task in this process: see `BatchJournal`.

    Args:
        claims: Where they are kept.
        owner: Name of this process's spool log.
        task: Name of the task.
        model: Name of the model in the settings.
        on_job: Called with a job's display name and how far it is.
    """

    def __init__(self, claims: Claims, owner: str, task: str, model: str, on_job: Callable[[str, str], None]) -> None:
        self._claims, self._owner, self._task, self._model, self._on_job = claims, owner, task, model, on_job

    def begin(self, job: BatchJob) -> None:
        """See `BatchJournal`."""
        values = (job.display_name, self._owner, self._task, self._model, job.input, job.output, job.began_at)
        links = [
            ("INSERT INTO job_rows VALUES (?, ?)", (request_hash, job.display_name))
            for request_hash in job.request_hashes
        ]
        self._claims.together([("INSERT INTO jobs VALUES (?, ?, ?, ?, 'begun', '', ?, ?, ?)", values), *links])
        self.said(job, f"{len(job.request_hashes)} rows")

    def creating(self, job: BatchJob) -> None:
        """See `BatchJournal`."""
        self._claims.together(
            [("UPDATE jobs SET state = 'creating' WHERE display_name = ?", [job.display_name])], is_synced=True
        )

    def created(self, job: BatchJob, name: str) -> None:
        """See `BatchJournal`."""
        step = ("UPDATE jobs SET state = 'created', name = ? WHERE display_name = ?", [name, job.display_name])
        self._claims.together([step], is_synced=True)
        self.said(job, f"{len(job.request_hashes)} rows, created as {name}")

    def said(self, job: BatchJob, text: str) -> None:
        """See `BatchJournal`."""
        self._on_job(job.display_name, text)


def take_over(claims: Claims, task: str, owner: str, is_free: Callable[[str], bool]) -> list[TakenJob]:
    """Takes over jobs that may exist, and their claims, from owners that are dead.

    Args:
        claims: Where they are kept.
        task: Name of the task; other tasks' jobs wait for a run of theirs.
        owner: Who takes them.
        is_free: Whether an owner is dead and what it left in its spool has been brought home.
    """
    found = claims.read(
        "SELECT display_name, owner FROM jobs WHERE task = ? AND owner <> ? AND state <> 'begun' ORDER BY began_at",
        [task, owner],
    )
    free = {name: is_free(name) for name in dict.fromkeys(of for _, of in found)}
    return [_taken(claims, name) for name, of in found if free[of] and _take(claims, name, of, owner)]


def _take(claims: Claims, display_name: str, former: str, owner: str) -> bool:
    """Only one of several processes gets it."""
    taken, _ = claims.together([
        ("UPDATE jobs SET owner = ? WHERE display_name = ? AND owner = ?", [owner, display_name, former]),
        ("UPDATE claims SET owner = ?1 WHERE owner = ?3 AND request_hash IN (SELECT request_hash FROM job_rows "
         "WHERE display_name = ?2) AND EXISTS (SELECT 1 FROM jobs WHERE display_name = ?2 AND owner = ?1)",
         [owner, display_name, former]),
    ])  # fmt: skip
    return taken == 1


def _taken(claims: Claims, display_name: str) -> TakenJob:
    row = claims.read(
        "SELECT owner, model, state, name, input, output, began_at FROM jobs WHERE display_name = ?", [display_name]
    )[0]
    owner, model, _, name, rows_at, answers_at, began_at = row
    linked = {
        request_hash
        for (request_hash,) in claims.read("SELECT request_hash FROM job_rows WHERE display_name = ?", [display_name])
    }
    own = {claim.request_hash: claim for claim, _ in claims.of_owner(owner) if claim.request_hash in linked}
    job = BatchJob(display_name, rows_at, answers_at, began_at, tuple(own), may_exist=True, name=name)
    return TakenJob(job, model, own)
