"""A task as a student is asked it: of the fields that it has learnt, without prompt and examples."""

from madang.declaration import Declaration, Route
from madang.distillation.registry import Registry, fields_of
from madang.errors import InputError
from madang.extraction.examples import Example
from madang.models.specs import StudentModel
from madang.schema import TaskField
from madang.settings import Settings
from madang.task import Task


class StudentTask(Task):
    """A task whose every model is a student."""

    def _render_prompt(self) -> str:
        return ""

    def _load_examples(self) -> list[Example]:
        return []


def student_task(task: Task, settings: Settings) -> Task:
    """The task with the fields that its student has learnt decided by it, and the others left out.

    Raises:
        InputError: The settings have no student of the task, or several of which its routes name none.
        ModelFileError: There is no such student, or it was changed.
    """
    there = {
        name: spec
        for name, spec in settings.models.items()
        if isinstance(spec, StudentModel) and spec.student.partition("@")[0] == task.name
    }
    named = [name for route in task.declaration.models for name in (route.use, *route.fallback) if name in there]
    if not named and len(there) != 1:
        raise InputError(
            "--lane",
            f"the settings have {len(there)} students of {task.name!r}",
            f'Declare one: [tool.madang.models.NAME] lane = "student", student = "{task.name}"',
        )
    name = (named or list(there))[0]
    learnt = fields_of(Registry(settings.home).find(there[name].student).manifest)
    # By the names that models are asked by, which outlive a rename.
    asked_as = {field.asked_as(own) for own, field in learnt.items()}
    return StudentTask(_of_fields(task, asked_as, name), task.folder)


def _of_fields(task: Task, learnt: set[str], model: str) -> Declaration:
    kept: dict[str, TaskField] = {}
    for name, field in task.declaration.fields.items():
        derivation = task.derivations.get(name)
        if field.asked_as(name) in learnt:
            kept[name] = field.model_copy(update={"decide": "model"})
        elif derivation is not None and derivation.names <= kept.keys():
            kept[name] = field
    routes = (Route(use=model, max_tokens=256),)
    return task.declaration.model_copy(update={"fields": kept, "models": routes, "examples": None})
