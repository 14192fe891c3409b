"""A student's trade-off, cost against quality, as a plot and a table: what is kept, how right that is, what the rest
costs at the teacher.
"""

from collections.abc import Callable, Sequence
from math import floor

from madang.distillation.promise import Promise, Trade
from madang.distillation.teacher import TeacherPrice
from madang.models.specs import StudentModel

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 96, 56
_INK, _GREY, _BLUE, _RED, _GREEN = "#222", "#888", "#1f5fa8", "#b3261e", "#1b7f3b"
_AUDIT_SHARE: float = StudentModel.model_fields["audit_share"].default
_Place = Callable[[float, float], tuple[float, float]]


def asked_share(kept: float) -> float:
    """Share of posts that go to the teacher where some are kept: the others, and the audit's."""
    return 1.0 - kept * (1.0 - _AUDIT_SHARE)


def trade_table(trades: Sequence[Trade], price: TeacherPrice | None) -> list[str]:
    """The points of a trade-off as lines of Markdown; costs are of a thousand posts."""
    costs = [] if price is None else ["dollars", "minutes"]
    head = ["kept", *costs, "worst field", "right", "bounds, 95% each"]
    rows = [
        [
            f"{one.share:.0%}",
            *([] if price is None else [_amount(asked_share(one.share) * price.usd.expected),
                                        _amount(asked_share(one.share) * price.minutes.expected)]),
            one.field, f"{one.right:.3f}", f"{one.low:.3f} to {one.high:.3f}",
        ]
        for one in trades
    ]  # fmt: skip
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]


def price_line(price: TeacherPrice | None) -> str:
    """What the costs in the table and on the plot rest on."""
    if price is None:
        return "No price is known: no model is asked in this task, or not from here."
    usd, minutes = price.usd, price.minutes
    return (
        f"At the teacher ({', '.join(price.names)}) 1,000 posts cost {_amount(usd.expected)} dollars "
        f"({_amount(usd.low)} to {_amount(usd.high)}) and take {_amount(minutes.expected)} minutes "
        f"({_amount(minutes.low)} to {_amount(minutes.high)}), as `madang plan` forecasts; {_AUDIT_SHARE:.0%} of what "
        "is kept is asked for the audit."
    )


def trade_plot(trades: Sequence[Trade], promise: Promise, price: TeacherPrice | None) -> str:
    """The trade-off as SVG: right answers of the worst field, with bounds, over what is kept and what the rest costs.

    Args:
        trades: Its points; they may be none.
        promise: What is promised, and how much is kept at that.
        price: The teacher's; None leaves the scale of costs out.
    """
    lowest = min([promise.precision, *(one.low for one in trades)])
    least = max(0.0, floor(lowest * 10 - 0.5) / 10)

    def at(share: float, right: float) -> tuple[float, float]:
        x = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
        return x, _HEIGHT - _BOTTOM - (right - least) / (1 - least) * (_HEIGHT - _TOP - _BOTTOM)

    band = [at(one.share, one.high) for one in trades] + [at(one.share, one.low) for one in reversed(trades)]
    parts = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        *_frame(at, least, price),
        f'<polygon fill="{_BLUE}" fill-opacity="0.16" points="{_points(band)}"/>',
        _line([at(one.share, one.right) for one in trades], _BLUE, 'stroke-width="2"'),
        *(_dot(*at(one.share, one.right), 2.5, _BLUE) for one in trades),
        _line([at(0, promise.precision), at(1, promise.precision)], _RED, 'stroke-dasharray="6 4"'),
        *_kept(at, least, promise),
        *_legend(promise),
    ]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(parts)}</svg>')  # fmt: skip


def _frame(at: _Place, least: float, price: TeacherPrice | None) -> list[str]:
    """Axes with their numbers: what is kept below, what the rest costs above, right answers at the left."""
    parts = []
    tick = 0.05 if least >= 0.5 else 0.1
    for number in range(round((1 - least) / tick) + 1):
        right = least + number * tick
        parts += [
            _line([at(0, right), at(1, right)], _GREY, 'stroke-width="0.5" stroke-opacity="0.5"'),
            _text(at(0, right)[0] - 8, at(0, right)[1] + 4, f"{right:.2f}", "end"),
        ]
    scale = _cost_scale(price)
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        (x, bottom), (_, top) = at(share, least), at(share, 1)
        parts += [_line([(x, bottom), (x, bottom + 4)], _INK), _text(x, bottom + 18, f"{share:.0%}")]
        if scale is not None:
            parts += [_line([(x, top), (x, top - 4)], _INK), _text(x, top - 8, _amount(asked_share(share) * scale[0]))]
    middle = at(0.5, 1)[0]
    parts.append(_text(middle, _HEIGHT - 12, "share of posts that the student keeps"))
    if scale is not None:
        parts.append(_text(middle, _TOP - 26, f"{scale[1]} for 1,000 posts: what is not kept, and the audit"))
    parts.append(_line([at(0, 1), at(0, least), at(1, least), at(1, 1), at(0, 1)], _INK))
    return parts


def _kept(at: _Place, least: float, promise: Promise) -> list[str]:
    """Where the promise stands."""
    if promise.threshold is None:
        return []
    parts = [_line([at(promise.share, least), at(promise.share, 1)], _GREEN, 'stroke-dasharray="2 3"')]
    x, y = at(promise.share, min(promise.bounds.values()))
    return [*parts, _dot(x, y, 4, _GREEN)]


def _legend(promise: Promise) -> list[str]:
    kept = (
        f"kept at the promise: {promise.share:.0%} of posts"
        if promise.threshold is not None
        else "nothing is kept: no threshold keeps the promise"
    )
    entries = [
        (_BLUE, "right answers of the worst field, bounds of 95% each"),
        (_RED, f"promised: {promise.precision:.0%}"),
        (_GREEN, kept),
    ]
    parts, x = [], 14.0
    for color, words in entries:
        parts += [f'<rect x="{x}" y="14" width="12" height="12" fill="{color}"/>', _text(x + 18, 25, words, "start")]
        x += 34 + 6.2 * len(words)
    return parts


def _cost_scale(price: TeacherPrice | None) -> tuple[float, str] | None:
    """What a thousand posts cost, and in what: minutes where the teacher takes no money."""
    if price is None:
        return None
    return (price.usd.expected, "US dollars") if price.usd.expected > 0 else (price.minutes.expected, "minutes")


def _amount(value: float) -> str:
    digits = 4 if value < 0.1 else 2 if value < 100 else 0
    return "0" if value == 0 else f"{value:,.{digits}f}"


def _line(points: Sequence[tuple[float, float]], color: str, look: str = "") -> str:
    return f'<polyline fill="none" stroke="{color}" {look} points="{_points(points)}"/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _dot(x: float, y: float, radius: float, color: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{color}"/>'


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" fill="{_INK}" text-anchor="{anchor}">{words}</text>'
