"""What each task is in Feast: an entity, a view of what it published, a service.

Feast's DuckDB store reads Parquet and never the warehouse: each run publishes the days it touched. In BigQuery it reads
the warehouse's own view.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from feast import BigQuerySource, Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Array, Bool, FeastType, Float64, String

from madang.features import features_folder
from madang.served_features import published_columns, served_view
from madang.settings import BigQueryAddress, Settings
from madang.task import Task

_TYPES: dict[str, FeastType] = {
    "String": String, "Float64": Float64, "Bool": Bool, "Array(String)": Array(String),
}  # fmt: skip


@dataclass(frozen=True)
class Repository:
    """Everything that Feast is told."""

    entities: list[Entity]
    views: list[FeatureView]
    services: list[FeatureService]

    @property
    def everything(self) -> list[Entity | FeatureView | FeatureService]:
        """All of it, in the order in which Feast wants it."""
        return [*self.entities, *self.views, *self.services]


def build(tasks: Sequence[Task], settings: Settings) -> Repository:
    """Builds the repository of some tasks; tasks with one `entity` share it."""
    entities = {task.declaration.entity: _entity(task.declaration.entity) for task in tasks}
    views = [_view(task, entities[task.declaration.entity], settings) for task in tasks]
    services = [FeatureService(name=f"{view.name}_service", features=[view]) for view in views]
    return Repository(list(entities.values()), views, services)


def _entity(name: str) -> Entity:
    key = f"{name}_id"
    return Entity(name=name, join_keys=[key], value_type=ValueType.STRING, description=f"{key} is source:post_id")


def _view(task: Task, entity: Entity, settings: Settings) -> FeatureView:
    days = task.declaration.features.ttl_days
    key = Field(name=f"{task.declaration.entity}_id", dtype=String)
    return FeatureView(
        name=task.name,
        entities=[entity],
        ttl=timedelta(days=days) if days else timedelta(0),
        # The key stands in the schema because Feast would otherwise open the files to infer it, and a glob is no file.
        schema=[key] + [
            Field(name=column.name, dtype=_TYPES[column.type.feast], description=column.describe)
            for column in published_columns(task)
        ],
        source=_source(task, settings),
        tags={"task": task.name},
    )  # fmt: skip


def _source(task: Task, settings: Settings) -> BigQuerySource | FileSource:
    # extracted_at is the moment from which a row held: of two rows of one event Feast takes the later.
    if isinstance(settings.warehouse, BigQueryAddress):
        return BigQuerySource(
            name=f"features.{task.name}", table=settings.warehouse.located(served_view(task)),
            timestamp_field="event_at", created_timestamp_column="extracted_at",
        )  # fmt: skip
    return FileSource(
        name=f"features.{task.name}", path=str(features_folder(settings, task) / "*" / "*.parquet"),
        file_format=ParquetFormat(), timestamp_field="event_at", created_timestamp_column="extracted_at",
    )  # fmt: skip
