"""A task asked by the models of one lane only."""

from madang.declaration import Route
from madang.errors import InputError
from madang.models.specs import Lane
from madang.settings import Settings
from madang.task import Task


def of_lane(task: Task, settings: Settings, lane: Lane) -> Task:
    """The task with every route led to the models of a lane.

    A route keeps its own models of the lane, in order; one that has none takes the only model of the settings.

    Raises:
        InputError: A route has none, and the settings have none or several.
    """
    others = sorted(name for name, spec in settings.models.items() if spec.lane == lane)
    routes = []
    for route in task.declaration.models:
        own = [name for name in (route.use, *route.fallback) if name in others]
        if not own and len(others) != 1:
            there = ", ".join(f"{name} ({spec.lane})" for name, spec in sorted(settings.models.items()))
            raise InputError(
                "--lane",
                f"{task.name!r} names no model of the lane {lane!r}, and the settings have {len(others)} ({there})",
                "Name one in the task, or give another lane",
            )
        first, *rest = own or others
        routes.append(Route(when=route.when, use=first, fallback=tuple(rest), max_tokens=route.max_tokens))
    return Task(task.declaration.model_copy(update={"models": tuple(routes)}), task.folder)
