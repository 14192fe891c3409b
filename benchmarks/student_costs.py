"""What a million posts cost at the teacher, in a cascade and with the student alone; see benchmarks/student.py."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine_report import table

from madang.distillation.promise import PRECISION, make_promise
from madang.distillation.registry import Registry
from madang.distillation.trade_off import asked_share
from madang.models.prices import listed, unpriced

_MILLION = 1_000_000


@dataclass(frozen=True)
class Teacher:
    """What a post costs at the teacher.

    Args:
        model: The model, as genai-prices names it: provider and name with a colon between.
        input_tokens: Of a post's request, mean.
        output_tokens: Of its reply, mean.
    """

    model: str
    input_tokens: float
    output_tokens: float

    @property
    def usd(self) -> float:
        """Of one post."""
        provider, _, name = self.model.partition(":")
        prices = listed(provider, name)
        if prices is None:
            raise unpriced(self.model)
        return prices.usd(self.input_tokens, self.output_tokens)


def planned(model: str, plan: Path) -> Teacher:
    """A teacher at the token counts that `madang plan TASK --json` forecasts.

    Args:
        model: See `Teacher`.
        plan: What the command printed.
    """
    lanes = [lane for lane in json.loads(plan.read_text("utf-8"))["lanes"] if lane["calls"]]
    calls = sum(lane["calls"] for lane in lanes)
    inputs, outputs = (sum(lane[key]["expected"] for lane in lanes) for key in ("input_tokens", "output_tokens"))
    return Teacher(model, inputs / calls, outputs / calls)


def kept_share(home: Path, student: str) -> float:
    """Share of posts that a stored student may keep at its promise, 0 to 1."""
    return make_promise(Registry(home).find(student).records(), PRECISION).share


def costs(teacher: Teacher, kept: float, usd_per_hour: float, posts_per_second: float) -> str:
    """The three as a table.

    Args:
        teacher: The teacher.
        kept: Share of posts that the student keeps at its promise.
        usd_per_hour: Of the student's machine.
        posts_per_second: What it reads.
    """
    student = usd_per_hour / 3600.0 / posts_per_second
    asked = asked_share(kept)
    rows = [
        ["teacher", "1.00", f"{teacher.usd * _MILLION:,.2f}", "1.0", "its own"],
        ["cascade", f"{asked:.2f}", f"{(student + asked * teacher.usd) * _MILLION:,.2f}",
         f"{teacher.usd / (student + asked * teacher.usd):,.1f}",
         f"the teacher's, but for what the promise lets pass: at most {1 - PRECISION:.0%} of a field's kept answers"],
        ["student alone", "0.00", f"{student * _MILLION:,.2f}", f"{teacher.usd / student:,.0f}",
         "lower: posts of which it is not sure are answered too"],
    ]  # fmt: skip
    heads = ["way", "share asked of the teacher", "USD per million posts", "times cheaper", "quality"]
    return table(heads, rows)
