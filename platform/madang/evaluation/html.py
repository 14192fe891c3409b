"""An evaluation as one HTML file that needs nothing else: figures, intervals, slices, reliability, worst answers.

Posts are named by their ids; what was quoted of them stands beside. Jinja escapes all of it.
"""

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from madang.evaluation.details import named
from madang.evaluation.result import EvaluationReport
from madang.evaluation.table import tone

_BAR_LEFT, _BAR_WIDTH = 10, 200


def report_html(report: EvaluationReport) -> str:
    """Renders a report as a whole page."""
    return _template().render(report=report)


@cache
def _template() -> Template:
    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    environment.globals |= {
        "at": lambda share: round(_BAR_LEFT + _BAR_WIDTH * share, 1),
        "number": lambda value: "–" if value is None else f"{value:.3f}",
        "radius": lambda n: round(2 + math.sqrt(n), 1),
        "classes_of": _classes,
        "named": named,
        "tone": tone,
    }
    return environment.from_string(files(__package__).joinpath("report.html.j2").read_text(encoding="utf-8"))


def _classes(confusion: Mapping[tuple[str, str], int]) -> list[str]:
    return sorted({name for pair in confusion for name in pair})
