"""What an evaluation says: the scoring contract's JSON, and rows of `ops.evaluations`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
from pydantic import JsonValue

from madang.evaluation.details import FieldDetails
from madang.evaluation.score import Score
from madang.ops import EVALUATIONS

_DIGITS = 4


@dataclass(frozen=True)
class EvaluationReport:
    """Scores of one task on one gold.

    Args:
        task: Name of the task.
        recipe: Such as groups@2, or the recipe's hash if no run has used it.
        lane: How the predictions came; several are joined by +.
        gold: File name of the answers, or the key of the posts that holds them.
        n: Posts scored.
        fields: Scores by gold's own key, then by metric.
        sent: Calls made.
        reused: Posts answered by replies that were there.
        failed: Posts without a prediction; they count as all null.
        missing: Posts with gold and without a stored row of the recipe; they are not scored.
        usd: What the calls cost, US dollars.
        unmapped: Keys of gold that no field answers.
        details: What stands behind the scores, by gold's own key.
    """

    task: str
    recipe: str
    lane: str
    gold: str
    n: int
    fields: dict[str, dict[str, Score]]
    sent: int = 0
    reused: int = 0
    failed: int = 0
    missing: int = 0
    usd: float = 0.0
    unmapped: tuple[str, ...] = ()
    details: Mapping[str, FieldDetails] = field(default_factory=dict)

    def to_json(self) -> dict[str, JsonValue]:
        """The scoring contract's shape, to four digits."""
        return {
            "task": self.task,
            "n": self.n,
            "recipe": self.recipe,
            "lane": self.lane,
            "fields": {
                key: {
                    metric: {
                        "value": _rounded(score.value), "low": _rounded(score.low), "high": _rounded(score.high),
                        "n": score.n, "baseline": _rounded(score.baseline),
                    }
                    for metric, score in metrics.items()
                }
                for key, metrics in self.fields.items()
            },
        }  # fmt: skip

    def to_rows(self, evaluated_at: datetime) -> pl.DataFrame:
        """Rows of `ops.evaluations`, one a metric.

        Args:
            evaluated_at: When, UTC.
        """
        rows = [
            {
                "evaluated_at": evaluated_at, "task": self.task, "recipe": self.recipe, "lane": self.lane,
                "gold": self.gold,
                "field": key, "metric": metric, "value": score.value, "low": score.low, "high": score.high,
                "n": score.n, "baseline": score.baseline,
            }
            for key, metrics in self.fields.items()
            for metric, score in metrics.items()
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=EVALUATIONS.polars_schema, infer_schema_length=None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
