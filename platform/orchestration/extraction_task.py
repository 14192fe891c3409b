"""The component that turns a task folder into assets, checks and a job."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import BaseModel, RootModel

from madang.declaration import Declaration
from madang.errors import DeclarationError
from madang.extraction.images import refuse_blind_models
from madang.settings import Settings
from madang.task import Task
from orchestration.scaffold import ExtractionTaskScaffolder
from orchestration.task_definitions import refused_task, task_definitions


class DeclarationAttributes(RootModel[dict[str, Any]]):
    """Takes any mapping while Dagster loads, so that one wrong folder cannot stop the others; shows the full schema."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Schema of a declaration, for `dg check yaml` and editors."""
        return Declaration.model_json_schema(*args, **kwargs)


@dg.scaffold_with(ExtractionTaskScaffolder)
@dataclass(frozen=True)
class ExtractionTask(dg.Component):
    """A declared extraction: fields that a model reads out of posts, with their assets, checks and features."""

    folder: Path

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """Shown by `dg list components`."""
        return dg.ComponentTypeSpec(tags=["madang"])

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """Model of the `attributes`."""
        return DeclarationAttributes

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> "ExtractionTask":
        """Keeps the folder only: madang reads its defs.yaml itself, so that both always agree."""
        return cls(context.path)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Definitions of the task, or the refused asset if its declaration is wrong."""
        try:
            task = Task.load(self.folder)
            refuse_blind_models(task, Settings.load().models.get)
        except DeclarationError as error:
            return refused_task(self.folder.name, error)
        return task_definitions(task)
