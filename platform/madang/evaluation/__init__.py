"""Scores against gold, each with its interval and the baseline beside it."""

from madang.evaluation.gold import GoldFrom
from madang.evaluation.result import EvaluationReport, Score
from madang.evaluation.run import evaluate
from madang.evaluation.sampling import Part, part_of

__all__ = ["EvaluationReport", "GoldFrom", "Part", "Score", "evaluate", "part_of"]
