"""A student's card: what it learnt from, what it is worth, its limits; and its trade-off as a plot."""

from collections.abc import Mapping, Sequence

from madang.distillation.dataset import Dataset
from madang.distillation.gate import Verdict, headline
from madang.distillation.promise import Promise, Trade
from madang.evaluation.score import Score

_WIDTH, _HEIGHT, _EDGE = 560, 260, 40


def card_of(
    name: str, dataset: Dataset, verdict: Verdict, promise: Promise, trades: Sequence[Trade],
    settings: Mapping[str, object], licence: str, left: Mapping[str, int],
) -> str:  # fmt: skip
    """The card as Markdown; holds no text of a post.

    Args:
        name: Task of the student.
        dataset: What it learnt from.
        verdict: Of the gate.
        promise: What it promises by default.
        trades: Points of the trade-off.
        settings: Its configuration.
        licence: Terms of its weights.
        left: Fields that were not learnt, with the number of posts that state them.
    """
    origins = ", ".join(f"{count} by {origin}" for origin, count in sorted(dataset.origins.items()))
    kept = (
        f"{promise.share:.0%} of posts are kept at a sureness of {promise.threshold:.3f}"
        if promise.threshold is not None
        else "no threshold keeps it, so every post goes to the teacher"
    )
    lines = [
        f"# Student of {name}",
        "",
        "Promoted." if verdict.is_promoted else "Refused: " + "; ".join(verdict.reasons) + ".",
        "",
        f"Learnt from {len(dataset.posts)} posts ({origins}) in {len(set(dataset.clusters))} clusters of "
        f"near-duplicates; data set {dataset.identity[:12]}, recipe {dataset.recipe or 'none'}.",
        f"Left out: {_counts(dataset.left_out)}. Fields not learnt, with the posts that state them: {_counts(left)}.",
        f"Judged by {verdict.posts} posts ({verdict.judged_by}) that it had not read; beside it "
        f"{verdict.incumbent_name or 'nobody'}, which may have been written with these posts at hand.",
        "",
        "| field | metric | student | 95% interval | baseline | incumbent | n |",
        "|---|---|---|---|---|---|---|",
    ]
    for field, scores in verdict.own.fields.items():
        for metric, score in scores.items():
            other = verdict.incumbent.fields.get(field, {}).get(metric)
            mark = " *" if metric == headline(scores) else ""
            lines.append(
                f"| {field} | {metric}{mark} | {_row(score)} | {_number(other.value if other else None)} | {score.n} |"
            )
    lines += [
        "",
        f"Promise: of the posts that it keeps, each field agrees with the labels in at least {promise.precision:.0%}, "
        f"with 95% confidence: {kept}.",
        "",
        "| kept | worst field | right | lower bound |",
        "|---|---|---|---|",
        *(f"| {one.share:.0%} | {one.field} | {one.right:.3f} | {one.low:.3f} |" for one in trades),
        "",
        f"Licence: {licence}",
        "",
        "Limits: it knows the language and the kind of posts that it learnt from; what it promises holds for posts "
        "like those, which the audit keeps checking. A value stands in the post; a label's evidence is a declared cue.",
        "",
        "Settings: " + ", ".join(f"{key} {value}" for key, value in settings.items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def trade_plot(trades: Sequence[Trade], precision: float) -> str:
    """How right the kept posts are over the share that is kept, as SVG: the worst field, and the bound below it."""

    def at(share: float, right: float) -> str:
        x = _EDGE + share * (_WIDTH - 2 * _EDGE)
        return f"{x:.1f},{_HEIGHT - _EDGE - right * (_HEIGHT - 2 * _EDGE):.1f}"

    def line(points: Sequence[tuple[float, float]], look: str) -> str:
        return f'<polyline fill="none" {look} points="{" ".join(at(*point) for point in points)}"/>'

    def words(share: float, right: float, text: str) -> str:
        x, y = at(share, right).split(",")
        return f'<text x="{x}" y="{y}" font-size="11" font-family="sans-serif">{text}</text>'

    parts = [
        line([(0, 1), (0, 0), (1, 0)], 'stroke="#444"'),
        line([(0, precision), (1, precision)], 'stroke="#b33" stroke-dasharray="4 3"'),
        line([(one.share, one.right) for one in trades], 'stroke="#1f5fa8" stroke-width="2"'),
        line([(one.share, one.low) for one in trades], 'stroke="#1f5fa8" stroke-dasharray="2 3"'),
        words(0.0, 1.06, "right answers of the worst field (dotted: 95% lower bound; red: promised)"),
        words(0.62, -0.13, "share of posts that the student keeps"),
        words(-0.06, 1.0, "1"),
        words(-0.06, 0.0, "0"),
    ]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(parts)}</svg>')  # fmt: skip


def _row(score: Score) -> str:
    span = "–" if score.low is None else f"{score.low:.2f} to {score.high:.2f}"
    return f"{_number(score.value)} | {span} | {_number(score.baseline)}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
