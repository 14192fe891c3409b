"""A student's card: what it learnt from, what it is worth, what it costs, its limits."""

from collections.abc import Mapping, Sequence

from madang.distillation.dataset import Dataset
from madang.distillation.gate import Verdict, headline
from madang.distillation.promise import Promise, Trade
from madang.distillation.teacher import TeacherPrice
from madang.distillation.trade_off import price_line, trade_table
from madang.evaluation.score import Score


def card_of(
    name: str, dataset: Dataset, verdict: Verdict, promise: Promise, trades: Sequence[Trade],
    settings: Mapping[str, object], licence: str, left: Mapping[str, int], price: TeacherPrice | None,
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
        price: The teacher's; None if it is not known.
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
        *_taught(dataset),
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
        *trade_table(trades, price),
        "",
        price_line(price),
        "",
        f"Licence: {licence}",
        "",
        "Limits: it knows the language and the kind of posts that it learnt from; what it promises holds for posts "
        "like those, which the audit keeps checking. A value stands in the post; a label's evidence is a declared cue.",
        "",
        "Settings: " + ", ".join(f"{key} {value}" for key, value in settings.items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def _taught(dataset: Dataset) -> list[str]:
    rows = dataset.origins.get("extraction", 0)
    if not rows:
        return []
    return [f"Teacher of {rows} posts: the released recipe {dataset.recipe}. There the student imitates it, mistakes "
            "included; what it promises of such posts is that it agrees with that recipe."]  # fmt: skip


def _row(score: Score) -> str:
    span = "–" if score.low is None else f"{score.low:.2f} to {score.high:.2f}"
    return f"{_number(score.value)} | {span} | {_number(score.baseline)}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
