import io

from rich.console import Console

from madang.evaluation.result import EvaluationReport
from madang.evaluation.score import Score
from madang.evaluation.table import report_table

REPORT = EvaluationReport(
    "flats", "flats@2", "local", "flats.gold.jsonl", 12,
    {"rent": {"accuracy": Score(0.75, 0.5, 0.9, 12, 0.4), "precision": Score(None, None, None, 0, None)}},
    sent=10, reused=2, failed=1, missing=3, unmapped=("colour",),
)  # fmt: skip


def rendered(report):
    console = Console(width=200, file=io.StringIO())
    with console.capture() as capture:
        console.print(report_table(report))
    return capture.get()


def test_a_metric_stands_with_its_interval_beside_its_baseline():
    lines = [line.split() for line in rendered(REPORT).splitlines()]

    assert ["rent", "accuracy", "0.750", "[0.500–0.900]", "0.400", "12"] in lines
    assert ["precision", "–", "–", "0"] in lines


def test_the_caption_says_what_was_scored_and_what_was_not():
    assert (
        "12 posts scored; 10 calls, 2 reused, $0.0000; 1 without a usable reply count as null; "
        "3 with gold have no row of the recipe; not scored: colour"
    ) in rendered(REPORT)
