"""A model that is asked in batch jobs, as the settings name it.

Its identity is that of the same model asked online: both lanes share replies.
"""

from typing import Literal

from pydantic import Field

from madang.models.control import Rates
from madang.models.online_specs import VertexModel


class BatchModel(VertexModel):
    """Gemini on Vertex AI, in batch prediction jobs: half the price, within a day."""

    lane: Literal["batch"]
    storage: str = Field(
        pattern=r"^(gs://[a-z0-9][\w.-]+(/[\w./=-]+)?|bq://[\w:-]+\.\w+)$",
        description="Where rows and answers lie: gs://bucket/folder or bq://project.dataset, in the location of the "
        "jobs; what a job leaves there is yours to delete",
    )
    storage_url: str | None = Field(default=None, description="Address of Cloud Storage instead of Google's")
    bigquery_url: str | None = Field(default=None, description="Address of BigQuery instead of Google's")
    rows: int = Field(default=10_000, ge=1, le=200_000, description="Most rows of a job; Vertex AI takes 200,000")
    jobs: int = Field(
        default=4, ge=1, le=100, description="Most jobs at once; the posts of all of them are held in memory"
    )
    gather_seconds: float = Field(
        default=5.0, ge=0, description="A job is submitted when no further request came for so long"
    )
    poll_seconds: float = Field(default=30.0, gt=0, description="Between two looks at a job")
    deadline_hours: float = Field(
        default=24.0, gt=0, description="From a job's beginning, after which it is cancelled; Vertex AI promises a day"
    )
    tries: int = Field(default=3, ge=1, description="Jobs that a request may go through before its post stays pending")

    @property
    def rates(self) -> Rates:
        """Rows that may be on their way at once."""
        return Rates(self.rows * self.jobs)
