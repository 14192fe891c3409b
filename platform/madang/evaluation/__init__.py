"""Scores against gold, each with its interval and the baseline beside it."""

from madang.evaluation.gold import GoldFrom
from madang.evaluation.result import EvaluationReport
from madang.evaluation.run import evaluate
from madang.evaluation.sampling import Part, part_of
from madang.evaluation.score import Score

__all__ = ["EvaluationReport", "GoldFrom", "Part", "Score", "evaluate", "part_of"]
