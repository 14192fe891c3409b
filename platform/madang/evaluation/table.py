"""An evaluation as a table for people: each metric with its interval, beside its baseline."""

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from madang.evaluation.result import EvaluationReport
from madang.evaluation.score import Score

_STYLES = {"good": "green", "bad": "red", "": ""}


def report_table(report: EvaluationReport) -> Group:
    """Renders a report.

    Returns:
        One row a metric; a value whose interval lies above its baseline is green, below it red. The last line says
        how many posts were scored, what they cost, and what was not scored.
    """
    recipe = report.recipe if "@" in report.recipe else f"{report.recipe[:12]} (never run)"
    table = Table(box=SIMPLE_HEAD)
    table.add_column("field", no_wrap=True)
    table.add_column("metric", no_wrap=True)
    for heading in ("value", "95% interval", "baseline", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for field, metrics in report.fields.items():
        for index, (metric, score) in enumerate(metrics.items()):
            table.add_row(
                field if index == 0 else "", metric, Text(_number(score.value), style=_STYLES[tone(score, metric)]),
                _interval(score), _number(score.baseline), str(score.n), end_section=index == len(metrics) - 1,
            )  # fmt: skip
    return Group(Text(f"{report.task} on {report.gold}: {recipe}, lane {report.lane}"), table, Text(_caption(report)))


def _caption(report: EvaluationReport) -> str:
    parts = [f"{report.n} posts scored", f"{report.sent} calls, {report.reused} reused, ${report.usd:.4f}"]
    if report.failed:
        parts.append(f"{report.failed} without a usable reply count as null")
    if report.missing:
        parts.append(f"{report.missing} with gold have no row of the recipe")
    if report.unmapped:
        parts.append(f"not scored: {', '.join(report.unmapped)}")
    return "; ".join(parts)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _interval(score: Score) -> str:
    return "" if score.low is None or score.high is None else f"[{score.low:.3f}–{score.high:.3f}]"


def tone(score: Score, metric: str) -> str:
    """`good` or `bad` where the whole interval lies on one side of the baseline, else nothing."""
    if score.low is None or score.high is None or score.baseline is None:
        return ""
    low, high = (-score.high, -score.low) if metric == "ece" else (score.low, score.high)
    baseline = -score.baseline if metric == "ece" else score.baseline
    return "good" if low > baseline else "bad" if high < baseline else ""
