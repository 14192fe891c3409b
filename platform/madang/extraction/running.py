"""What a run is made of, and what it has done so far."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from madang.extraction.cap import Cap
from madang.extraction.claims import Claims
from madang.extraction.jobs import Jobs
from madang.extraction.policy import Policy
from madang.extraction.settling import Settled
from madang.extraction.spool import Spool
from madang.models.catalogue import Catalogue
from madang.task import Task
from madang.warehouse.protocol import Warehouse


@dataclass
class Progress:
    """What a run has done so far.

    Args:
        extracted: Posts that have a row now.
        quarantined: Posts given up.
        failed: Posts whose call failed transiently; they stay pending.
        sent: Requests sent.
        retried: Calls made again after a transient failure.
        reasked: Posts asked again with what was wrong with their reply.
        repaired: Replies that were not JSON as they came, and could be read.
        reused: Posts answered by a reply that was there, or that another post had asked for.
        input_tokens: Tokens sent.
        output_tokens: Tokens received.
        usd: Money spent, US dollars.
        dropped: Answers given up for null, by (field, reason).
        job: While it is told of a batch job: which, and how far it is.
    """

    extracted: int = 0
    quarantined: int = 0
    failed: int = 0
    sent: int = 0
    retried: int = 0
    reasked: int = 0
    repaired: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    dropped: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    job: str = ""

    @property
    def line(self) -> str:
        """What an operator is told now; holds no post text."""
        done = f"{self.extracted + self.quarantined} posts done"
        return f"{done}; batch job {self.job}" if self.job else done

    def count(self, settled: Sequence[Settled]) -> None:
        """Counts posts that are in the warehouse now."""
        for item in settled:
            if item.extraction is None:
                self.quarantined += 1
                continue
            self.extracted += 1
            for reason in item.extraction.dropped:
                self.dropped[reason] += 1


@dataclass(frozen=True)
class Running:
    """One run of one task in this process.

    Args:
        warehouse: Where rows go.
        task: The task.
        recipe: Name of its recipe.
        run: Identity of the run.
        catalogue: Models by name.
        claims: Shared with other processes.
        spool: This process's log.
        spool_folder: Where all logs lie.
        cap: Money that this run may reserve and spend.
        policy: What is done about failed calls.
        progress: Filled as the run goes.
        on_progress: Called after every commit, and when a batch job gets on.
    """

    warehouse: Warehouse
    task: Task
    recipe: str
    run: str
    catalogue: Catalogue
    claims: Claims
    spool: Spool
    spool_folder: Path
    cap: Cap
    policy: Policy
    progress: Progress
    on_progress: Callable[[Progress], None]

    def journal(self, model: str) -> Jobs:
        """Where a batch lane writes its jobs down.

        Args:
            model: Name of the model.
        """
        return Jobs(self.claims, self.spool.name, self.task.name, model, self.say_of_job)

    def say_of_job(self, display_name: str, text: str) -> None:
        """Tells how far a batch job is."""
        self.progress.job = f"{display_name}: {text}"
        try:
            self.on_progress(self.progress)
        finally:
            self.progress.job = ""
