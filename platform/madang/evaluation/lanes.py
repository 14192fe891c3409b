"""A task asked by the models of one lane only."""

from collections.abc import Collection

from madang.declaration import Declaration, Route
from madang.errors import InputError
from madang.models.specs import Lane
from madang.schema import TaskField
from madang.settings import Settings
from madang.task import Task


def of_lane(task: Task, settings: Settings, lane: Lane) -> Task:
    """The task with every route led to the models of a lane.

    A route keeps its own models of the lane, in order; one that has none takes the only model of the settings. In the
    lane of readers, each field is decided by the reader that it names, and the fields without one are left out; in the
    lane of students, the fields that the student has learnt are asked of it.

    Raises:
        InputError: A route has none, and the settings have none or several; no field names a reader.
    """
    if lane == "reader":
        return Task(_read_only(task), task.folder)
    if lane == "student":
        from madang.distillation.asked import student_task

        return student_task(task, settings)
    others = sorted(name for name, spec in settings.models.items() if spec.lane == lane)
    routes = []
    for route in task.declaration.models:
        own = [name for name in (route.use, *route.fallback) if name in others]
        if not own and len(others) != 1:
            there = ", ".join(f"{name} ({spec.lane})" for name, spec in sorted(settings.models.items()))
            raise InputError(
                "--lane",
                f"{task.name!r} names no model of the lane {lane!r}, the settings have {len(others)} of it ({there})",
                "Name one in the task, or give another lane",
            )
        first, *rest = own or others
        routes.append(Route(when=route.when, use=first, fallback=tuple(rest), max_tokens=route.max_tokens))
    return Task(task.declaration.model_copy(update={"models": tuple(routes)}), task.folder)


def needs_no_model(task: Task, fields: Collection[str]) -> bool:
    """Whether readers alone decide these fields, so that nothing need be asked to know them."""
    read: set[str] = set()
    for name, field in task.declaration.fields.items():
        derivation = task.derivations.get(name)
        if field.decider == "reader" or (derivation is not None and derivation.names <= read):
            read.add(name)
    return read >= set(fields)


def _read_only(task: Task) -> Declaration:
    kept: dict[str, TaskField] = {}
    for name, field in task.declaration.fields.items():
        derivation = task.derivations.get(name)
        if field.read is not None:
            kept[name] = field.model_copy(update={"decide": "reader"})
        elif derivation is not None and derivation.names <= kept.keys():
            kept[name] = field
    if not any(field.read for field in kept.values()):
        raise InputError("--lane", f"no field of {task.name!r} names a reader", "Name one with `read`, or give "
                         "another lane")  # fmt: skip
    return task.declaration.model_copy(update={"fields": kept})
