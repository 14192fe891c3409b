"""Whether a student may be released, and why not.

It is judged by posts that it had not read: by gold where there is enough, else by what its teacher said. A gate is
cleared by the lower end of the interval, never by the figure: thirty posts flatter easily.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from madang.distillation.dataset import Dataset
from madang.distillation.fitting import Fitted
from madang.distillation.labelled import LabelledPost
from madang.evaluation.answers import Answer
from madang.evaluation.details import JudgedField, details_of
from madang.evaluation.gold import GoldPost
from madang.evaluation.metrics import Judged
from madang.evaluation.score import Score

# How much worse than what is released a student may be, of a metric that goes from 0 to 1.
MARGIN = 0.03
# On a slice of fewer posts three of them are ten points.
LEAST_SLICE_POSTS = 30
LEAST_GOLD_POSTS = 50
_HEADLINES = ("span_f1", "macro_f1", "value_f1", "f1", "accuracy")

FieldScores = Mapping[str, Score]


@dataclass(frozen=True)
class Scored:
    """What somebody's answers are worth.

    Args:
        fields: Metrics by field.
        slices: The headline metric by field, then by slice (`length: short`).
    """

    fields: Mapping[str, FieldScores]
    slices: Mapping[str, FieldScores]


@dataclass(frozen=True)
class Verdict:
    """The gate's decision.

    Args:
        reasons: Why not; none if it may be released.
        judged_by: `gold`, or `labels` where there is too little of it.
        posts: How many it was judged by.
        own: What its answers are worth.
        incumbent: What those that would be replaced are worth.
        incumbent_name: Whose they are; empty where there are none.
    """

    reasons: tuple[str, ...]
    judged_by: str
    posts: int
    own: Scored
    incumbent: Scored
    incumbent_name: str

    @property
    def is_promoted(self) -> bool:
        """Whether it may be released."""
        return not self.reasons


def judged_posts(dataset: Dataset, fitted: Fitted) -> tuple[list[int], str]:
    """The posts by which a student is judged, and who labelled them."""
    gold = [at for at in fitted.guesses if dataset.posts[at].origin == "gold"]
    return (gold, "gold") if len(gold) >= LEAST_GOLD_POSTS else (sorted(fitted.guesses), "labels")


def score_answers(
    dataset: Dataset, chosen: Sequence[int], said: Mapping[str, Mapping[int, Answer]],
    forward: Mapping[str, Mapping[int, Answer]] | None = None,
) -> Scored:  # fmt: skip
    """Scores answers against the labels.

    Args:
        dataset: The labelled posts.
        chosen: Indices of those that count.
        said: Answers by field, then by index.
        forward: The same of the newest posts by a student of the older ones: one more slice.
    """
    by_key = {dataset.posts[at].key: GoldPost(dict(dataset.posts[at].row), {}) for at in chosen}
    fields: dict[str, FieldScores] = {}
    slices: dict[str, dict[str, Score]] = {}
    for name, answers in said.items():
        field = _judged(dataset, name, {at: answers[at] for at in chosen if at in answers})
        if not field.judged:
            continue
        fields[name] = field.scores()
        slices[name] = {
            f"{one.dimension}: {one.value}": one.score for one in details_of(field, by_key).slices
        }  # fmt: skip
        newest = _judged(dataset, name, (forward or {}).get(name, {}))
        if newest.judged:
            found = newest.scores()
            slices[name]["time: newest"] = found[headline(found)]
    return Scored(fields, slices)


def judge(
    own: Scored, incumbent: Scored, gates: Mapping[str, float], *, judged_by: str, posts: int, incumbent_name: str
) -> Verdict:
    """Decides.

    Args:
        own: What the student's answers are worth.
        incumbent: What those are worth that it would replace; nothing of fields that nobody answers.
        gates: `<field>.<metric>` with its least value, as the task declares.
        judged_by: Who labelled the posts.
        posts: How many there are.
        incumbent_name: Who would be replaced.
    """
    reasons: list[str] = []
    for gate, least in gates.items():
        field, _, metric = gate.partition(".")
        score = own.fields.get(field, {}).get(metric)
        if score is not None and (score.low is None or score.low < least):
            reasons.append(f"{gate} is {_with_interval(score)}, and the lower end must reach its gate {least:.2f}")
    for field, scores in own.fields.items():
        metric = headline(scores)
        score, other = scores[metric], incumbent.fields.get(field, {}).get(metric)
        if score.low is None or (score.baseline is not None and score.low <= score.baseline):
            reasons.append(f"{field}.{metric} is {_with_interval(score)}, which does not exclude the baseline "
                           f"{score.baseline or 0.0:.2f}")  # fmt: skip
        if other is not None and other.value is not None and (score.value or 0.0) < other.value - MARGIN:
            reasons.append(f"{field}.{metric} is {score.value or 0.0:.2f}, and that of {incumbent_name} "
                           f"{other.value:.2f}")  # fmt: skip
            continue  # its slices would say it again
        for name, part in own.slices.get(field, {}).items():
            before = incumbent.slices.get(field, {}).get(name)
            if before is None or before.value is None or part.n < LEAST_SLICE_POSTS:
                continue
            if (part.value or 0.0) < before.value - MARGIN:
                reasons.append(f"{field} is worse on the slice {name}: {part.value or 0.0:.2f}, and {incumbent_name} "
                               f"{before.value:.2f} on {part.n} posts")  # fmt: skip
    return Verdict(tuple(reasons), judged_by, posts, own, incumbent, incumbent_name)


def headline(scores: FieldScores) -> str:
    """The metric by which a field is compared."""
    return next(name for name in _HEADLINES if name in scores)


def _judged(dataset: Dataset, name: str, answers: Mapping[int, Answer]) -> JudgedField:
    key = dataset.keys[name]
    labelled: dict[int, LabelledPost] = {
        at: dataset.posts[at] for at in answers if name in dataset.posts[at].answers
    }  # fmt: skip
    is_nullable = key.is_nullable or any(post.answers[name] is None for post in labelled.values())
    judged = {
        post.key: Judged(post.answers[name], post.answers[name] is not None, answers[at])
        for at, post in labelled.items()
    }
    return JudgedField(key.kind, is_nullable, False, judged)


def _with_interval(score: Score) -> str:
    if score.value is None or score.low is None or score.high is None:
        return "not defined"
    return f"{score.value:.2f} ({score.low:.2f} to {score.high:.2f})"
