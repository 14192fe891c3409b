"""What a batch lane writes down of its jobs, so that another process can go on with them.

A lane does not know who keeps it. A job is begun before anything is sent, and marked before it may exist: one that was
never marked surely does not, and its requests are free again when its owner is dead.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class BatchJob:
    """One job.

    Args:
        display_name: Chosen by us before it exists; by it the job is found again.
        input: Where its rows lie: gs:// or bq://.
        output: Under or in what its answers lie, likewise.
        began_at: Seconds since 1970.
        request_hashes: Requests that have no outcome yet.
        may_exist: Whether it may have been created.
        name: Its name at Vertex AI, once that is known.
    """

    display_name: str
    input: str
    output: str
    began_at: float
    request_hashes: tuple[str, ...]
    may_exist: bool = False
    name: str = ""


class BatchJournal(Protocol):
    """Keeps jobs. Each call returns once it is on disk."""

    def begin(self, job: BatchJob) -> None:
        """Links a job to its requests, which are claimed; nothing was sent yet."""

    def creating(self, job: BatchJob) -> None:
        """From now on the job may exist: its rows are stored, and its creation is sent next."""

    def created(self, job: BatchJob, name: str) -> None:
        """The job exists, under this name."""

    def said(self, job: BatchJob, text: str) -> None:
        """What an operator is told of a job; holds no post text."""


class _Unkept:
    """Keeps nothing, for an evaluation: killed, it begins anew."""

    def begin(self, job: BatchJob) -> None:
        """See `BatchJournal`."""

    def creating(self, job: BatchJob) -> None:
        """See `BatchJournal`."""

    def created(self, job: BatchJob, name: str) -> None:
        """See `BatchJournal`."""

    def said(self, job: BatchJob, text: str) -> None:
        """See `BatchJournal`."""


UNKEPT: BatchJournal = _Unkept()
