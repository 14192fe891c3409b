"""From labels to a student that is promoted, or refused with the reason: the whole way, in one call."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from pydantic import JsonValue, TypeAdapter

from madang.distillation.answering import guessed_answers, read_answers
from madang.distillation.card import card_of
from madang.distillation.curve_plot import curve_plot
from madang.distillation.dataset import Dataset, LabelFile, make_dataset, read_labels
from madang.distillation.extractions import labelled_extractions
from madang.distillation.fitting import Fitted, Teaching, fit_student
from madang.distillation.gate import Scored, Verdict, judge, judged_posts, score_answers
from madang.distillation.heads import Head, heads_of
from madang.distillation.linear import LinearTeaching
from madang.distillation.promise import PRECISION, Promise, make_promise, trade_off
from madang.distillation.registry import Manifest, Registry, StoredStudent, head_states, plain_fields
from madang.distillation.teacher import teacher_price
from madang.distillation.trade_off import trade_plot
from madang.errors import InputError
from madang.evaluation.score import Score
from madang.schema import asked
from madang.schema.base import FieldKind
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse

if TYPE_CHECKING:
    from madang.distillation.encoder_settings import EncoderSettings

# A field that fewer posts state cannot be learnt, nor can anybody say how well it was.
LEAST_STATED = 10
LINEAR_LICENCE = "of the labels it learnt from; no other model's weights are in it"
_LIBRARIES = ("scikit-learn", "numpy", "scipy")


@dataclass(frozen=True)
class Distilled:
    """What came of it.

    Args:
        student: As it is stored.
        verdict: Of the gate.
        promise: What it promises at `PRECISION`.
        card: As Markdown.
        plot: Its trade-off, as SVG.
        curve: How its training went, as SVG; None where nothing is trained in epochs.
    """

    student: StoredStudent
    verdict: Verdict
    promise: Promise
    card: str
    plot: str
    curve: str | None


def distil(
    task: Task,
    settings: Settings,
    files: Sequence[LabelFile],
    *,
    warehouse: Warehouse | None = None,
    fields: Sequence[str] = (),
    least_confidence: float = 0.8,
    encoder: "EncoderSettings | None" = None,
) -> Distilled:
    """Teaches a student, judges it, stores it, and releases it if the gate lets it.

    Args:
        task: The task.
        settings: The project's settings; the student goes to their home.
        files: Labels.
        warehouse: Its rows of the released recipe are labels too; None for files alone.
        fields: Fields to learn; those that a model is asked by default, or all with labels if none is asked.
        least_confidence: Least confidence of a row's value that is learnt from.
        encoder: Learn from what an encoder reads too, or fine-tune it; the linear student alone by default.

    Raises:
        InputError: There is nothing to learn from, or no such field.
        ModelFileError: The encoder cannot be loaded.
    """
    learned, withheld = read_labels(task, settings, files)
    recipe = None
    if warehouse is not None:
        rows, recipe = labelled_extractions(task, warehouse, least_confidence)
        learned += rows
    dataset = make_dataset(task, learned, withheld=withheld, recipe=recipe)
    chosen, left = _fields(task, dataset, fields)
    heads = heads_of(chosen)
    teaching = _teaching(settings, dataset, chosen, heads, encoder)
    fitted = fit_student(dataset, teaching, chosen, heads)
    registry = Registry(settings.home)
    verdict = _judged(task, settings, registry, dataset, fitted)
    promise, trades = make_promise(fitted.records, PRECISION), trade_off(fitted.records)
    licence = LINEAR_LICENCE if encoder is None else encoder.terms
    price = teacher_price(task, settings, dataset.posts, warehouse)
    card = card_of(task.name, dataset, verdict, promise, trades, teaching.settings, licence, left, price)
    plot = trade_plot(trades, promise, price)
    manifest = Manifest(
        task=task.name, kind=teaching.kind, created_at=datetime.now(UTC),
        fields=plain_fields(chosen), heads=head_states(fitted.student),
        settings=dict(teaching.settings), dataset=_told(dataset, chosen), scores=_plain(verdict.own),
        reasons=verdict.reasons, licence=licence, versions=_versions(encoder is not None),
    )  # fmt: skip
    texts = {"card.md": card, "trade_off.svg": plot}
    curve = curve_plot(teaching.curve) if teaching.curve else None
    if curve is not None:
        texts["curve.svg"] = curve
    stored = registry.keep(manifest, fitted.records, fitted.student.scorer.save, texts)
    teaching.forget()
    if verdict.is_promoted:
        registry.release(stored, "promoted")
    return Distilled(stored, verdict, promise, card, plot, curve)


def _teaching(
    settings: Settings, dataset: Dataset, fields: Mapping[str, FieldKind], heads: Sequence[Head],
    encoder: "EncoderSettings | None",
) -> Teaching:  # fmt: skip
    if encoder is None:
        return LinearTeaching(dataset.posts, dataset.weights, fields, heads)
    if encoder.is_frozen:
        from madang.distillation.hybrid_training import HybridTeaching

        return HybridTeaching(dataset, fields, heads, encoder, settings.home)
    from madang.distillation.encoder_training import EncoderTeaching

    return EncoderTeaching(dataset, fields, heads, encoder, settings.home)


def _fields(task: Task, dataset: Dataset, wanted: Sequence[str]) -> tuple[dict[str, FieldKind], dict[str, int]]:
    """The fields to learn; and those that too few posts state, with how many do."""
    unknown = sorted(set(wanted) - set(dataset.keys))
    if unknown:
        raise InputError("--field", f"{unknown[0]!r} has no labels (there are: {', '.join(dataset.keys)})",
                         "Correct the name")  # fmt: skip
    questions = set(wanted) or set(asked(task.fields)) & set(dataset.keys) or set(dataset.keys)
    chosen: dict[str, FieldKind] = {}
    left: dict[str, int] = {}
    for name, field in task.fields.items():
        if name not in questions:
            continue
        stated = sum(bool(post.answers.get(name) not in (None, frozenset())) for post in dataset.posts)
        if stated < LEAST_STATED:
            left[name] = stated
        else:
            chosen[name] = field
    if not chosen:
        raise InputError(task.name, f"no field is stated in {LEAST_STATED} labelled posts", "Give more labels")
    return chosen, left


def _judged(task: Task, settings: Settings, registry: Registry, dataset: Dataset, fitted: Fitted) -> Verdict:
    chosen, judged_by = judged_posts(dataset, fitted)
    names = list(fitted.student.fields)
    own = score_answers(
        dataset, chosen, guessed_answers(task, names, fitted.guesses), guessed_answers(task, names, fitted.forward)
    )
    released = registry.released(task.name)
    if released is not None:
        incumbent, name = _stored(registry.find(released[0])), released[0]
    else:
        read = read_answers(task, settings, names, {at: dataset.posts[at] for at in chosen})
        incumbent, name = score_answers(dataset, chosen, read), "the reader" if read else ""
    return judge(
        own, incumbent, task.declaration.evaluation.gates, judged_by=judged_by, posts=len(chosen), incumbent_name=name
    )


def _told(dataset: Dataset, fields: Mapping[str, FieldKind]) -> dict[str, JsonValue]:
    return {
        "identity": dataset.identity, "posts": len(dataset.posts), "clusters": len(set(dataset.clusters)),
        "recipe": dataset.recipe, "origins": dict(dataset.origins), "left_out": dict(dataset.left_out),
        "classes": {name: dict(dataset.classes(name)) for name in fields},
    }  # fmt: skip


def _plain(scored: Scored) -> dict[str, JsonValue]:
    return {
        part: {field: {name: asdict(score) for name, score in found.items()} for field, found in group.items()}
        for part, group in (("fields", scored.fields), ("slices", scored.slices))
    }


def _stored(student: StoredStudent) -> Scored:
    """What a stored student was worth when it was judged: it has read these posts since."""
    parts = _SCORES.validate_python(student.manifest.scores)
    return Scored(parts["fields"], parts["slices"])


def _versions(is_encoder: bool) -> dict[str, str]:
    names = (*_LIBRARIES, "torch", "transformers") if is_encoder else _LIBRARIES
    return {name: metadata.version(name) for name in names}


_SCORES: TypeAdapter[dict[str, dict[str, dict[str, Score]]]] = TypeAdapter(dict[str, dict[str, dict[str, Score]]])
