"""What stands behind the scores: slices of posts, classes taken for others, confidence beside truth, worst answers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from madang.evaluation.answers import Answer, AnswerKind
from madang.evaluation.gold import GoldPost, PostKey
from madang.evaluation.mention_metrics import mention_scores
from madang.evaluation.metrics import ECE_BINS, Judged, scores
from madang.evaluation.score import Score

# A slice of fewer posts says nothing; its interval spans half the scale.
LEAST_SLICE_POSTS = 10
_MOST_VALUES = 8
_MOST_CLASSES = 12
_MOST_WORST = 10
_SHORT_CHARS, _LONG_CHARS = 100, 400
# The metric by which slices of a field are compared: the first of these that it has.
_HEADLINES = ("span_f1", "macro_f1", "value_f1", "f1", "accuracy")


@dataclass(frozen=True)
class JudgedField:
    """One field's gold beside its predictions.

    Args:
        kind: How its answers are compared.
        is_nullable: Whether null is an answer of its own.
        is_form: Whether gold is what somebody typed beside the text.
        judged: By post, in the order of the sample.
    """

    kind: AnswerKind
    is_nullable: bool
    is_form: bool
    judged: Mapping[PostKey, Judged]

    def scores(self, posts: Collection[PostKey] | None = None) -> dict[str, Score]:
        """Every metric of the field, on all posts or on some."""
        judged = [one for key, one in self.judged.items() if posts is None or key in posts]
        if self.kind == "mentions":
            return mention_scores(judged)
        return scores(self.kind, judged, is_nullable=self.is_nullable, is_form=self.is_form)


@dataclass(frozen=True)
class Slice:
    """A field's headline metric on some of the posts.

    Args:
        dimension: language, length, board or district.
        value: Which of its values.
        metric: Name of the metric.
        score: Its value.
    """

    dimension: str
    value: str
    metric: str
    score: Score


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence.

    Args:
        confidence: Their mean confidence.
        accuracy: Share that is right.
        n: How many.
    """

    confidence: float
    accuracy: float
    n: int


@dataclass(frozen=True)
class Wrong:
    """An answer that is wrong.

    Args:
        post: Which post.
        expected: What a reader of the text should answer.
        predicted: What was answered.
        confidence: 0 to 1; None where there is none.
    """

    post: PostKey
    expected: Answer
    predicted: Answer
    confidence: float | None


@dataclass(frozen=True)
class FieldDetails:
    """Everything about one field.

    Args:
        slices: Its headline metric by language, length, board and district.
        confusion: Posts by (expected, predicted), the classes by how often they stand; empty for open answers.
        reliability: Its calibration, by rising confidence; empty where it has no confidence.
        worst: Its wrong answers, the surest first.
    """

    slices: tuple[Slice, ...]
    confusion: Mapping[tuple[str, str], int]
    reliability: tuple[Bin, ...]
    worst: tuple[Wrong, ...]


def details_of(field: JudgedField, posts: Mapping[PostKey, GoldPost]) -> FieldDetails:
    """Looks behind one field's scores.

    Args:
        field: Its judged answers.
        posts: The posts, for their language, length, board and district.
    """
    return FieldDetails(
        tuple(_slices(field, posts)), _confusion(field), tuple(_reliability(list(field.judged.values()))),
        tuple(_worst(field)),
    )  # fmt: skip


def named(answer: Answer) -> str:
    """An answer in words."""
    if answer is None:
        return "–"
    if isinstance(answer, bool):
        return str(answer).lower()
    if isinstance(answer, frozenset):
        return ", ".join(sorted(map(str, answer))) or "–"
    return f"{answer:g}" if isinstance(answer, float) else str(answer)


def _slices(field: JudgedField, posts: Mapping[PostKey, GoldPost]) -> Iterator[Slice]:
    for dimension, value_of in _DIMENSIONS.items():
        groups: dict[str, set[PostKey]] = defaultdict(set)
        for key in field.judged:
            groups[value_of(posts[key])].add(key)
        if len(groups) < 2:
            continue
        largest = sorted(groups, key=lambda value: (-len(groups[value]), value))[:_MOST_VALUES]
        for value in largest:
            if value and len(groups[value]) >= LEAST_SLICE_POSTS:
                found = field.scores(groups[value])
                metric = next((name for name in _HEADLINES if name in found), None)
                if metric is not None:
                    yield Slice(dimension, value, metric, found[metric])


def _language(post: GoldPost) -> str:
    text = f"{post.row['title']}{post.row['body']}"
    return "Korean" if any("가" <= char <= "힣" for char in text) else "other"


def _length(post: GoldPost) -> str:
    chars = len(f"{post.row['title']}{post.row['body']}")
    if chars < _SHORT_CHARS:
        return f"under {_SHORT_CHARS} characters"
    return f"{_SHORT_CHARS} to {_LONG_CHARS}" if chars <= _LONG_CHARS else f"over {_LONG_CHARS}"


def _district(post: GoldPost) -> str:
    import json

    extra = post.row.get("extra")
    plain = json.loads(extra) if isinstance(extra, str) else extra
    return str(plain.get("district") or "") if isinstance(plain, dict) else ""


_DIMENSIONS: dict[str, Callable[[GoldPost], str]] = {
    "language": _language,
    "length": _length,
    "board": lambda post: str(post.row.get("board") or ""),
    "district": _district,
}


def _confusion(field: JudgedField) -> Mapping[tuple[str, str], int]:
    if field.kind not in ("label", "flag"):
        return {}
    pairs = Counter(
        (named(one.predicted if one.is_right else one.expected), named(one.predicted))
        for one in field.judged.values()
    )  # fmt: skip
    weight: Counter[str] = Counter()
    for (expected, predicted), count in pairs.items():
        weight[expected] += count
        weight[predicted] += count
    kept = {name for name, _ in weight.most_common(_MOST_CLASSES)}
    return {pair: count for pair, count in pairs.items() if set(pair) <= kept}


def _reliability(judged: Sequence[Judged]) -> Iterator[Bin]:
    bins: dict[int, list[Judged]] = defaultdict(list)
    for one in judged:
        if one.confidence is not None and one.predicted is not None:
            bins[min(int(one.confidence * ECE_BINS), ECE_BINS - 1)].append(one)
    for _, members in sorted(bins.items()):
        sure = sum(one.confidence or 0.0 for one in members) / len(members)
        yield Bin(sure, sum(one.is_answer_right for one in members) / len(members), len(members))


def _worst(field: JudgedField) -> Iterator[Wrong]:
    wrong = [(key, one) for key, one in field.judged.items() if not one.is_right]
    for key, one in sorted(wrong, key=lambda item: -(item[1].confidence or 0.0))[:_MOST_WORST]:
        yield Wrong(key, one.expected, one.predicted, one.confidence)
