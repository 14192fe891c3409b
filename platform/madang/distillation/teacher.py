"""The teacher: the model that answers where no student does; and what a thousand posts cost there."""

from collections.abc import Sequence
from dataclasses import dataclass

from madang.distillation.labelled import LabelledPost
from madang.errors import DeclarationError, ModelFileError
from madang.extraction.forecast import Asked, forecast
from madang.extraction.past import Past, past_of
from madang.extraction.requests import RequestTemplate
from madang.extraction.spans import NOTHING, Span
from madang.models.catalogue import Catalogue
from madang.models.specs import StudentModel
from madang.settings import Settings
from madang.task import Task
from madang.warehouse.protocol import Warehouse

_THOUSAND = 1000
# Enough to know how long such posts are.
_RENDERED = 200


@dataclass(frozen=True)
class TeacherPrice:
    """What a thousand posts cost, each asked once.

    Args:
        names: The models, by their names in the settings.
        usd: US dollars.
        minutes: Of the slowest model's lane.
    """

    names: tuple[str, ...]
    usd: Span
    minutes: Span


def teacher_task(task: Task, settings: Settings) -> Task | None:
    """The task with its students left out of every route; None where nobody else answers."""
    routes = []
    for route in task.declaration.models:
        names = [name for name in (route.use, *route.fallback) if not _is_student(settings, name)]
        if names:
            routes.append(route.model_copy(update={"use": names[0], "fallback": tuple(names[1:])}))
    if not routes or not task.is_asking:
        return None
    return Task(task.declaration.model_copy(update={"models": tuple(routes)}), task.folder)


def teacher_price(
    task: Task, settings: Settings, posts: Sequence[LabelledPost], warehouse: Warehouse | None
) -> TeacherPrice | None:
    """Forecasts a thousand posts like these, as `madang plan` forecasts a plan.

    Args:
        task: The task.
        settings: The project's settings.
        posts: Posts of the kind.
        warehouse: Where past calls are; None if they are not to be read.

    Returns:
        None where no model is asked, or nobody knows what it costs.
    """
    teacher, catalogue = teacher_task(task, settings), Catalogue(settings)
    if teacher is None:
        return None
    template, asked = RequestTemplate(teacher), dict[str, Asked]()
    rendered = posts[:: max(1, len(posts) // _RENDERED)]
    try:
        for post in rendered:
            chars = sum(len(part) for part in post.text.parts.values())
            board = post.row["board"]
            route = teacher.route(chars, str(post.row["source"]), None if board is None else str(board))
            if route is None:
                continue
            request = template.request(post.text, catalogue.identity(route.use), route.max_tokens)
            if route.use not in asked:
                asked[route.use] = Asked(catalogue.model(route.use), request.model)
            asked[route.use].add(request)
        found = [
            forecast(
                name, catalogue.spec(name), own.times(_THOUSAND / len(rendered)),
                Past() if warehouse is None else past_of(warehouse, teacher, own.identity, own.lane),
            )
            for name, own in asked.items()
        ]  # fmt: skip
    except (DeclarationError, ModelFileError):
        # A student can be judged without its teacher: in another home, or once the teacher is given up.
        return None
    if not found:
        return None
    slowest = max(found, key=lambda one: one.minutes.expected)
    return TeacherPrice(tuple(asked), sum((one.usd for one in found), NOTHING), slowest.minutes)


def _is_student(settings: Settings, name: str) -> bool:
    return isinstance(settings.models.get(name), StudentModel)
